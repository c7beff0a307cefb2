"""What the server keeps instead of a value (PROTOCOL section 19). Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from inngest._internal.middleware.memos import MemoizedOutput, StepMemos
from inngest._internal.types import UNSET, Unset

_PLACE: Final = {"bucket", "key"}
"""What the package ``inngest`` has in a pointer into S3, in the place of ``data``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A value as a driver stores it. The key is of its content: to keep it again is harmless."""

    key: str
    content: bytes

    @classmethod
    def of(cls, run_id: str, value: object) -> Kept:
        """Write a value of a run.

        :raises ValueError: it holds NaN or infinity.
        :raises TypeError: it is not JSON.
        """
        content = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
        return cls(key=f"{run_id}/{hashlib.sha256(content).hexdigest()}", content=content)


def pointer(strategy: str, data: object, **beside: object) -> dict[str, object]:
    """What stands for a value that a driver of this strategy finds by ``data``.

    :param beside: the same for those who read it there: the package ``inngest`` does.
    """
    return {"__REMOTE_STATE__": True, "__STRATEGY__": strategy, **beside, "data": data}


def pointers(steps: StepMemos, strategy: str) -> Iterator[tuple[MemoizedOutput, object]]:
    """The outputs that are pointers of this strategy, each with its ``data``."""
    for output in steps.values():
        data = _read(output.data, strategy)
        if data is not UNSET:
            yield output, data


def _read(value: object, strategy: str) -> object | Unset:
    match value:
        case {"__REMOTE_STATE__": True, "__STRATEGY__": found, **rest} if found == strategy:
            if rest.keys() == {"data"}:
                return rest["data"]
            if _PLACE <= rest.keys() <= _PLACE | {"data"}:
                return {part: rest[part] for part in _PLACE}
    return UNSET


__all__ = ["Kept", "pointer", "pointers"]
