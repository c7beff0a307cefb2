"""The memos of a run, their order of completion, and the numbering of step ids. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from inngest._internal.op import STEP_RUN, Opcode
from inngest._internal.types import UNSET

INVOKED_FUNCTION_FINISHED = "inngest/function.finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The final error of a step."""

    name: str
    message: str
    stack: str | None = None
    is_retriable: bool = True
    """Whether the step's attempts are exhausted; false if it failed with a non-retriable error."""


@dataclass(frozen=True, slots=True)
class ReplacedInput:
    """The step is to run, with these arguments instead of those in the code."""

    args: tuple[object, ...]


def read_memo(raw: object, opcode: Opcode) -> object:
    """Decode a memo, whose shape depends on the kind of step (PROTOCOL section 9).

    :returns: the step's JSON value, a ``Failure``, or a ``ReplacedInput``.
    """
    if opcode is STEP_RUN and type(raw) is dict and len(raw) == 1 and "data" in raw:
        return raw["data"]  # the common case
    if not isinstance(raw, dict) or opcode is Opcode.SLEEP:
        return raw
    if opcode is Opcode.WAIT_FOR_EVENT and ("name" in raw or "error" not in raw):
        return raw  # an event, which has a name; errors have only the key "error"
    if opcode is Opcode.INVOKE and raw.get("name") == INVOKED_FUNCTION_FINISHED:
        return Failure(name="InvokeCancelledError", message="the invoked function was cancelled")
    if "error" in raw and raw["error"] is not None:
        return _read_failure(raw["error"])
    if "data" in raw:
        return raw["data"]
    match raw.get("input"):
        case [*args]:
            return ReplacedInput(tuple(args))
    return raw


def _read_failure(error: object) -> Failure:
    if not isinstance(error, Mapping):
        return Failure(name="Error", message=str(error))
    stack = error.get("stack")
    return Failure(
        name=str(error.get("name") or "Error"),
        message=str(error.get("message") or error.get("error") or ""),
        stack=stack if isinstance(stack, str) else None,
        is_retriable=error.get("noRetry") is not True,
    )


class Journal:
    """The memos by hashed step id, and the numbering of repeated step ids.

    ``stack`` lists the completed steps in the order of completion. Racing code must see them in
    that order on every replay.
    """

    def __init__(self, memos: Mapping[str, object], stack: Sequence[str] = ()) -> None:
        self._memos = memos
        self._stack = stack
        self.last = stack[-1] if stack else None
        """The hashed id of the step that completed last, if the server sent a stack."""
        self._uses: dict[str, int] = {}
        """The next index for each id. Generated names such as ``a:1`` count as ids, too, so that
        a step of the same name in user code gets a different hash."""

    def identify(self, step_id: str) -> tuple[int, str]:
        """Return the index and the hash of the next use of ``step_id`` (PROTOCOL section 12.1)."""
        uses = self._uses
        if step_id not in uses:
            uses[step_id] = 1
            return 0, hash_id(step_id)
        index = uses[step_id]
        name = f"{step_id}:{index}"
        while name in uses:
            index += 1
            name = f"{step_id}:{index}"
        uses[step_id] = index + 1
        uses[name] = 1
        return index, hash_id(name)

    def __contains__(self, hashed: str) -> bool:
        return hashed in self._memos

    def memo(self, hashed: str, opcode: Opcode) -> object:
        """Return the decoded memo of a step, or ``UNSET`` if the step is new."""
        raw = self._memos.get(hashed, UNSET)
        return UNSET if raw is UNSET else read_memo(raw, opcode)

    def position(self, hashed: str) -> int:
        """Return a step's position in the order of completion; steps not in the stack are last."""
        return self._positions.get(hashed, len(self._stack))

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {hashed: position for position, hashed in enumerate(self._stack)}


@lru_cache(maxsize=16_384)
def hash_id(step_id: str) -> str:
    """Return the step id used on the wire: the SHA-1 of the UTF-8 text, as lower-case hex."""
    return hashlib.sha1(step_id.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


__all__ = ["Failure", "Journal", "ReplacedInput", "hash_id", "read_memo"]
