"""What is already known of a run: the memos, their order, and the ids handed out. Pure."""

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
    """The step failed for good."""

    name: str
    message: str
    stack: str | None = None
    is_retriable: bool = True
    """Whether it was tried as often as allowed; else it failed at once."""


@dataclass(frozen=True, slots=True)
class ReplacedInput:
    """The step is not done: it is to be run with these arguments instead of the code's."""

    args: tuple[object, ...]


def read_memo(raw: object, opcode: Opcode) -> object:
    """Tell what a memo says (PROTOCOL section 9). Its shape depends on the kind of step.

    :returns: the JSON value that the step succeeded with, a ``Failure`` or a ``ReplacedInput``.
    """
    if opcode is STEP_RUN and type(raw) is dict and len(raw) == 1 and "data" in raw:
        return raw["data"]  # nearly always
    if not isinstance(raw, dict) or opcode is Opcode.SLEEP:
        return raw
    if opcode is Opcode.WAIT_FOR_EVENT and ("name" in raw or "error" not in raw):
        return raw  # an event, which has a name; an error stands alone
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
    """Memos by hashed step id, and the counting that gives each step its id.

    ``stack`` names completed steps in the order in which they completed; racing code
    must see them in that order on every replay.
    """

    def __init__(self, memos: Mapping[str, object], stack: Sequence[str] = ()) -> None:
        self._memos = memos
        self._stack = stack
        self.last = stack[-1] if stack else None
        """Hash of the step that completed last, as far as the server says."""
        self._uses: dict[str, int] = {}
        """How often each name was asked for; a name that was given out was asked for once."""

    def identify(self, step_id: str) -> tuple[int, str]:
        """Give the next use of ``step_id`` its index and its hash (PROTOCOL section 12.1)."""
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
        """What is known of a step, as ``read_memo`` tells it; ``UNSET`` when it is new."""
        raw = self._memos.get(hashed, UNSET)
        return UNSET if raw is UNSET else read_memo(raw, opcode)

    def position(self, hashed: str) -> int:
        """Where a step stands in the order of completion; unknown ones come last."""
        return self._positions.get(hashed, len(self._stack))

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {hashed: position for position, hashed in enumerate(self._stack)}


@lru_cache(maxsize=16_384)
def hash_id(step_id: str) -> str:
    """The wire's name for a step id: SHA-1 of its UTF-8 bytes, as lower-case hex."""
    return hashlib.sha1(step_id.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


__all__ = ["Failure", "Journal", "ReplacedInput", "hash_id", "read_memo"]
