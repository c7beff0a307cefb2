"""The memoized steps of a run, as ``transform_input`` sees and changes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from typing_extensions import Self

from inngest._internal.types import UNSET, Unset

_WRAPPING = frozenset({"data", "error"})


@dataclass(kw_only=True)
class MemoizedError:
    """The error that a step ended in."""

    message: str
    name: str
    stack: str | None = None


@dataclass(kw_only=True)
class MemoizedOutput:
    """What a step gave: change ``data`` to have user code see something else."""

    data: object = None
    error: MemoizedError | None = None


class StepMemos:
    """The results of finished steps, by hashed step id.

    Outputs are read when they are asked for: a middleware that touches none costs nothing.
    """

    def __init__(self, memos: Mapping[str, MemoizedOutput]) -> None:
        self._raw: dict[str, object] = {}
        self._read: dict[str, MemoizedOutput] = dict(memos)

    @classmethod
    def from_raw(cls, raw: Mapping[str, object]) -> Self:
        """Read memos in wire form (PROTOCOL section 9)."""
        memos = cls({})
        memos._raw = dict(raw)
        return memos

    @property
    def size(self) -> int:
        """How many steps are memoized."""
        return len(self._raw.keys() | self._read.keys())

    def values(self, of: type = object) -> Iterator[MemoizedOutput]:
        """Every output, in no particular order. Its ``data`` may be changed.

        :param of: only those whose ``data`` is an instance of it: others need not be read.
        """
        for hashed_id in [*self._raw, *(read for read in self._read if read not in self._raw)]:
            if hashed_id in self._read or isinstance(_data(self._raw[hashed_id]), of):
                output = self._output(hashed_id)
                if isinstance(output.data, of):
                    yield output

    def pop(self, hashed_id: str) -> MemoizedOutput | Unset:
        """Forget a step, which will then be run again; ``UNSET`` if it is not memoized."""
        if hashed_id not in self._raw and hashed_id not in self._read:
            return UNSET
        output = self._output(hashed_id)
        self._raw.pop(hashed_id, None)
        del self._read[hashed_id]
        return output

    def to_raw(self) -> dict[str, object]:
        """Return the memos in wire form, with all changes."""
        return self._raw | {
            hashed_id: _write(output, self._raw.get(hashed_id, {"data": None}))
            for hashed_id, output in self._read.items()
        }

    def _output(self, hashed_id: str) -> MemoizedOutput:
        if hashed_id not in self._read:
            self._read[hashed_id] = _read(self._raw[hashed_id])
        return self._read[hashed_id]


def _read(raw: object) -> MemoizedOutput:
    if isinstance(raw, dict):  # a pattern would take three times as long
        error = raw.get("error")
        if isinstance(error, dict):
            name, message, stack = error.get("name"), error.get("message"), error.get("stack")
            if isinstance(name, str) and isinstance(message, str):
                stack = stack if isinstance(stack, str) else None
                return MemoizedOutput(error=MemoizedError(name=name, message=message, stack=stack))
    return MemoizedOutput(data=_data(raw))


def _data(raw: object) -> object:
    return raw["data"] if isinstance(raw, dict) and "data" in raw and _is_wrapped(raw) else raw


def _write(output: MemoizedOutput, raw: object) -> object:
    if output.data is raw and output.error is None:
        return raw
    given = _read(raw)
    if output.data is given.data and output.error == given.error:
        return raw
    if output.error is not None:
        error = {"name": output.error.name, "message": output.error.message}
        return {"error": error | ({"stack": output.error.stack} if output.error.stack else {})}
    return {"data": output.data} if isinstance(raw, dict) and _is_wrapped(raw) else output.data


def _is_wrapped(raw: dict[object, object]) -> bool:
    return bool(raw) and raw.keys() <= _WRAPPING


__all__ = ["MemoizedError", "MemoizedOutput", "StepMemos"]
