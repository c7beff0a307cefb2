"""Record the run of a client's request while its handler runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from inngest._internal.api.access import Access
from inngest._internal.api.endpoint_runs import BegunRun, begin_run, record_endpoint_steps
from inngest._internal.engine.execution import CallFacts
from inngest._internal.errors import CheckpointFailedError, Error, StaleDispatchError
from inngest._internal.event import Event
from inngest._internal.flow import Flow
from inngest._internal.middleware.stack import Stack
from inngest._internal.op import Op, Opcode
from inngest._internal.protocol.headers import EXECUTION_VERSION
from inngest._internal.protocol.response import encode_ops
from inngest._internal.step.transform import transform_op


class Recording:
    """Records each step of a client's request before any code that depends on it runs."""

    can_stop = False

    def __init__(
        self,
        access: Access,
        facts: CallFacts,
        event: Event[Any],
        retries: int,
        milliseconds: Callable[[], int],
    ) -> None:
        self._access = access
        self._facts = facts
        self._event = event
        self._retries = retries
        self._milliseconds = milliseconds
        self.run: BegunRun | None = None
        self.failure: CheckpointFailedError | None = None

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._event.id

    @property
    def is_on(self) -> bool:
        """Whether the next step may be recorded, so that user code can continue."""
        return True

    def keep(self, op: Op, hooks: Stack, deferred: Sequence[Op]) -> Flow[Op | Error | None]:
        """Record a finished step, or return it if the server has to take over the run."""
        transformed = yield from transform_op(hooks, op, self._facts)
        if isinstance(transformed, Error):
            return transformed
        if transformed.opcode is Opcode.STEP_ERROR or (transformed.error and not op.error):
            return transformed
        recorded = [transformed]
        for each in deferred:
            changed = yield from transform_op(hooks, each, self._facts)
            if isinstance(changed, Error):
                return changed
            recorded.append(changed)
        return (yield from self.tell(encode_ops(recorded)))

    def settle(self) -> Flow[list[Op] | StaleDispatchError]:
        """Return nothing: no step is buffered."""
        yield from ()
        return []

    def tell(self, steps: bytes) -> Flow[CheckpointFailedError | None]:
        """Send steps to the server; with the first ones, create the run."""
        if self.run is not None:
            self.failure = yield from record_endpoint_steps(
                self._access, self.run, steps, now_ms=self._milliseconds(), jitter=_jitter
            )
            return self.failure
        facts = {
            "run_id": self.run_id,
            "event": self._event.to_wire(self._milliseconds()),
            "request_version": int(EXECUTION_VERSION),
            "retries": self._retries,
        }
        begun = yield from begin_run(self._access, facts, steps, jitter=_jitter)
        if isinstance(begun, CheckpointFailedError):
            self.failure = begun
        else:
            self.run = begun
        return self.failure


def _jitter() -> float:
    return random.uniform(0, 0.1)


__all__ = ["Recording"]
