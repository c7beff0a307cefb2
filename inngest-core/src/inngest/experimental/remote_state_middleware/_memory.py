"""State in the memory of this process: for tests."""

from __future__ import annotations

import json

from inngest._internal.errors import NonRetriableError
from inngest._internal.middleware.memos import StepMemos
from inngest.experimental.remote_state_middleware._pointer import Kept, pointer, pointers

STRATEGY = "inngest/memory"


class InMemoryDriver:
    """Stores values in memory, without limit. Thread-safe."""

    blocks = False

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def load_steps(self, steps: StepMemos) -> None:
        """Replace pointers with the values that they point to.

        :raises NonRetriableError: a value is missing.
        """
        for output, key in pointers(steps, STRATEGY):
            content = self._contents.get(key) if isinstance(key, str) else None
            if content is None:
                raise NonRetriableError(f"no value is in memory for the pointer {key!r}")
            output.data = json.loads(content)

    def save_step(self, run_id: str, value: object) -> dict[str, object]:
        """Store a value of a run, and return the pointer to it."""
        kept = Kept.of(run_id, value)
        self._contents[kept.key] = kept.content
        return pointer(STRATEGY, kept.key)


__all__ = ["InMemoryDriver"]
