"""The memoized steps of a run, as ``transform_input`` receives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from typing_extensions import Self

from inngest._internal.types import UNSET, Unset

_WRAPPING = frozenset({"data", "error"})


@dataclass(kw_only=True)
class MemoizedError:
    """The final error of a step."""

    message: str
    name: str
    stack: str | None = None


@dataclass(kw_only=True)
class MemoizedOutput:
    """The output of a step. Change ``data`` to replace what user code receives."""

    data: object = None
    error: MemoizedError | None = None


class StepMemos:
    """The results of finished steps, by hashed step id.

    Outputs are decoded on access, so that middleware that uses none costs nothing.
    """

    def __init__(self, memos: Mapping[str, MemoizedOutput]) -> None:
        self._raw: dict[str, object] = {}
        self._decoded: dict[str, MemoizedOutput] = dict(memos)

    @classmethod
    def from_raw(cls, raw: Mapping[str, object]) -> Self:
        """Make memos from their wire format (PROTOCOL section 9)."""
        memos = cls({})
        memos._raw = dict(raw)
        return memos

    @property
    def size(self) -> int:
        """The number of memoized steps."""
        return len(self._raw.keys() | self._decoded.keys())

    def values(self, of: type = object) -> Iterator[MemoizedOutput]:
        """Yield the outputs, in no particular order. Their ``data`` may be replaced.

        :param of: yield only outputs whose ``data`` is an instance of this type.
        """
        added = (hashed_id for hashed_id in self._decoded if hashed_id not in self._raw)
        for hashed_id in [*self._raw, *added]:
            if hashed_id in self._decoded or isinstance(_data(self._raw[hashed_id]), of):
                output = self._output(hashed_id)
                if isinstance(output.data, of):
                    yield output

    def pop(self, hashed_id: str) -> MemoizedOutput | Unset:
        """Remove a step, which will then run again; return ``UNSET`` if it is not memoized."""
        if hashed_id not in self._raw and hashed_id not in self._decoded:
            return UNSET
        output = self._output(hashed_id)
        self._raw.pop(hashed_id, None)
        del self._decoded[hashed_id]
        return output

    def to_raw(self) -> dict[str, object]:
        """Return the memos in wire format, including all changes."""
        return self._raw | {
            hashed_id: _encode(output, self._raw.get(hashed_id, {"data": None}))
            for hashed_id, output in self._decoded.items()
        }

    def _output(self, hashed_id: str) -> MemoizedOutput:
        if hashed_id not in self._decoded:
            self._decoded[hashed_id] = _decode(self._raw[hashed_id])
        return self._decoded[hashed_id]


def _decode(raw: object) -> MemoizedOutput:
    if isinstance(raw, dict):  # a match statement takes three times as long
        error = raw.get("error")
        if isinstance(error, dict):
            name, message, stack = error.get("name"), error.get("message"), error.get("stack")
            if isinstance(name, str) and isinstance(message, str):
                stack = stack if isinstance(stack, str) else None
                return MemoizedOutput(error=MemoizedError(name=name, message=message, stack=stack))
    return MemoizedOutput(data=_data(raw))


def _data(raw: object) -> object:
    return raw["data"] if isinstance(raw, dict) and "data" in raw and _is_wrapped(raw) else raw


def _encode(output: MemoizedOutput, raw: object) -> object:
    if output.data is raw and output.error is None:
        return raw
    original = _decode(raw)
    if output.data is original.data and output.error == original.error:
        return raw
    if output.error is not None:
        error = {"name": output.error.name, "message": output.error.message}
        return {"error": error | ({"stack": output.error.stack} if output.error.stack else {})}
    return {"data": output.data} if isinstance(raw, dict) and _is_wrapped(raw) else output.data


def _is_wrapped(raw: dict[object, object]) -> bool:
    return bool(raw) and raw.keys() <= _WRAPPING


__all__ = ["MemoizedError", "MemoizedOutput", "StepMemos"]
