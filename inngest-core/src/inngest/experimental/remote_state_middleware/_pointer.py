"""Pointers that the server stores in place of outputs. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from inngest._internal.middleware.memos import MemoizedOutput, StepMemos
from inngest._internal.types import UNSET, Unset

_PLACE: Final = {"bucket", "key"}
"""The fields of the PyPI package ``inngest``'s pointers into S3, which may lack ``data``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A value as a driver stores it. The key hashes the content, so storing it is idempotent."""

    key: str
    content: bytes

    @classmethod
    def of(cls, run_id: str, value: object) -> Kept:
        """Encode a value of a run.

        :raises ValueError: the value contains NaN or infinity.
        :raises TypeError: the value is not JSON.
        """
        content = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
        return cls(key=f"{run_id}/{hashlib.sha256(content).hexdigest()}", content=content)


def pointer(strategy: str, data: object, **beside: object) -> dict[str, object]:
    """Make the pointer to a stored value.

    :param strategy: names the kind of driver that reads the pointer.
    :param data: what the driver needs to find the value.
    :param beside: further top-level fields, for readers that expect them there.
    """
    return {"__REMOTE_STATE__": True, "__STRATEGY__": strategy, **beside, "data": data}


def pointers(steps: StepMemos, strategy: str) -> Iterator[tuple[MemoizedOutput, object]]:
    """Find the outputs that are pointers of this strategy, each with its ``data``."""
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
