"""The state of one call of a function: the steps found so far, and what to do next. Pure.

A runner registers every step that user code requests, lets user code run until all of it waits
for steps, and then asks for the next move. Serial code requests one step at a time; parallel
code may request many before it is blocked.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inngest._internal.engine.deferrals import Deferrals
from inngest._internal.engine.journal import (
    Failure,
    Journal,
    ReplacedInput,
    hash_id,
    read_memo,
)
from inngest._internal.op import ErrorData, Op, Opcode, StepCall, StepID
from inngest._internal.types import UNSET

# Instances are immutable by convention: creating a frozen one takes longer (see op.py).


@dataclass(slots=True, eq=False)
class Found:
    """A step that user code has requested and that has no verdict yet."""

    call: StepCall
    index: int
    hashed: str

    @property
    def step(self) -> StepID:
        """The step's identity within its run."""
        return StepID(id=self.call.id, index=self.index, hashed=self.hashed)


@dataclass(slots=True)
class Replay:
    """Return the memoized value from the step."""

    data: object


@dataclass(slots=True)
class Fail:
    """Raise the memoized error from the step."""

    failure: Failure


@dataclass(slots=True)
class Execute:
    """Run the step's handler with these arguments."""

    args: tuple[object, ...]


Verdict = Replay | Fail | Execute


@dataclass(slots=True)
class Resume:
    """Continue user code: this step has a verdict."""

    found: Found
    verdict: Verdict


@dataclass(slots=True)
class Stop:
    """End the call and report these operations."""

    ops: tuple[Op, ...]


@dataclass(slots=True)
class Wait:
    """Do nothing: user code waits for something other than a step, or for a running handler."""


@dataclass(slots=True)
class Lost:
    """The step that the server requested is not among the new steps."""

    found: tuple[Found, ...]


@dataclass(slots=True)
class Broken:
    """The call cannot be answered, because a hook or other code around the function failed."""

    error: Exception


_ANSWERED: Final = Stop(())

Move = Resume | Stop | Wait | Lost
Ending = Stop | Lost | Broken


@dataclass(slots=True, kw_only=True)
class CallFacts:
    """What the server sent about this call.

    :param attempt: the number of earlier attempts.
    :param max_attempts: the limit of attempts; ``None`` if the server did not send it.
    :param target: the hashed id of the only step that may run.
    :param plan_only: report new steps as planned instead of running them.
    """

    attempt: int = 0
    max_attempts: int | None = None
    target: str | None = None
    plan_only: bool = False

    @property
    def is_last_attempt(self) -> bool:
        """Whether no attempt follows if this one fails."""
        return self.max_attempts is not None and self.attempt + 1 >= self.max_attempts


class Execution:
    """The state of one call. Created for each request."""

    def __init__(
        self,
        facts: CallFacts,
        memos: Mapping[str, object],
        stack: Sequence[str] = (),
        deferrals: Deferrals | None = None,
    ) -> None:
        self.facts = facts
        self.deferrals = Deferrals() if deferrals is None else deferrals
        self.outcome: Ending | None = None
        self.executing: Found | None = None
        """The step whose handler is running."""
        self._stack = stack
        self._memoized: list[tuple[int, int, Found]] = []
        """A heap of memoized steps that user code waits for, ordered by completion."""
        self._abandoned: set[Found] = set()
        """Steps that nothing waits for any more; they may still be in the heap."""
        self._new: dict[str, Found] = {}
        self._order = 0
        self._has_begun = False
        self.replace_memos(memos)

    def replace_memos(self, memos: Mapping[str, object]) -> None:
        """Replace the memos, before user code has requested any step."""
        self.memos = memos
        self.journal = Journal(memos, self._stack)
        self._unread = len(memos)
        self.is_replaying = bool(memos)
        """Whether all code so far has run in an earlier call. Never true again once false."""

    def is_first_new_code(self) -> bool:
        """Return ``True`` once: on the first call after the end of the replay."""
        if self.is_replaying or self._has_begun:
            return False
        self._has_begun = True
        return True

    def identify(self, call: StepCall) -> Found:
        """Assign a requested step its index and its hashed id."""
        return Found(call, *self.journal.identify(call.id))

    def defer(self, call: StepCall) -> StepID:
        """Defer a call until the run has ended."""
        step = self.identify(call).step
        self.deferrals.add(step, call)
        return step

    def recall(self, found: Found) -> object:
        """Return a memoized step's value or failure, if no other memoized step is waited for.

        :returns: the JSON value or a ``Failure``; ``UNSET`` if the step must wait its turn, is
            new, or is to run with replaced input.
        """
        hashed = found.hashed
        if self._memoized or hashed not in self.memos:
            return UNSET
        memo = read_memo(self.memos[hashed], found.call.opcode)
        if isinstance(memo, ReplacedInput):
            return UNSET
        self._note_read(hashed)
        return memo

    def find(self, found: Found) -> None:
        """Register a step that user code waits for."""
        self._order += 1
        if found.hashed in self.journal:
            position = self.journal.position(found.hashed)
            heapq.heappush(self._memoized, (position, self._order, found))
        else:
            self._new[found.hashed] = found

    def next_move(self) -> Move:
        """Decide what to do next. Call it when all user code is blocked."""
        target = self.facts.target
        if target is not None and (self.executing is not None or target in self._new):
            # Before any replay, whose results could make user code abandon the target.
            return Wait() if self.executing is not None else self._aim(target)
        replay = self._replay()
        if replay is not None:
            return replay
        if self.executing is not None or not self._new:
            return Wait()
        if target is not None:
            return self._aim(target)
        if len(self._new) == 1:
            (only,) = self._new.values()
            if self._may_execute(only):
                return self._execute(only)
        return self.stop(*(_report(found) for found in self._new.values()))

    def skip(self, found: Found) -> Move:
        """Decide for one branch of a group whose branches run one after another.

        Such a branch cannot wait for another one, so a new step runs only if it is the target;
        all others are left to be reported together.
        """
        replay = self._replay()
        if replay is not None:
            return replay
        return self._execute(found) if self._is_target(found) else Wait()

    def stop_group(self) -> Stop | Lost:
        """End the call after a group that found new steps."""
        if self.facts.target is not None:
            return self.give_up(Lost(tuple(self._new.values())))
        return self.stop(*(_report(found) for found in self._new.values()))

    def abandon(self, found: Found) -> None:
        """Record that user code no longer waits for this step."""
        if self.executing is found:
            self.executing = None
        self._new.pop(found.hashed, None)
        self._abandoned.add(found)

    def complete(self, found: Found, op: Op) -> Stop:
        """Report the outcome of a handler that has run."""
        self.executing = None
        self._new.pop(found.hashed, None)
        return self.stop(op)

    def go_on(self, found: Found) -> None:
        """Let user code continue with a handler's result, which is recorded or buffered."""
        self.executing = None
        self._new.pop(found.hashed, None)

    def stop(self, *ops: Op) -> Stop:
        """End the call. Only the first call of this method has an effect."""
        if isinstance(self.outcome, Stop):
            return self.outcome
        stop = Stop((*ops, *self.deferrals.unreported))
        if not isinstance(self.outcome, Broken):
            self.outcome = stop
        return stop

    def suspend(self) -> None:
        """End the call without a step to report: the next call will get to the same point."""
        if self.outcome is None:
            self.outcome = Stop(())

    def give_up(self, lost: Lost) -> Lost:
        """End the call because the requested step was not found, unless it has ended already."""
        if self.outcome is None:
            self.outcome = lost
        return lost

    def break_off(self, error: Exception) -> None:
        """End the call because of ``error``, which takes precedence over any other outcome."""
        if not isinstance(self.outcome, Broken):
            self.outcome = Broken(error)

    def close(self) -> None:
        """Drop the outcome, once the call is answered.

        An error in it refers, through its traceback, to frames that refer to this object.
        """
        self.outcome = _ANSWERED

    def _is_target(self, found: Found) -> bool:
        return found.hashed == self.facts.target

    def _may_execute(self, found: Found) -> bool:
        call = found.call
        return call.handler is not None and not self.facts.plan_only and not call.race

    def _aim(self, target: str) -> Move:
        found = self._new.get(target)
        if found is None:
            return Lost(tuple(self._new.values()))
        if found.call.handler is None:
            return self.stop(_report(found))
        return self._execute(found)

    def _execute(self, found: Found) -> Resume:
        self.executing = found
        self.is_replaying = False
        memo = self.journal.memo(found.hashed, found.call.opcode)
        args = memo.args if isinstance(memo, ReplacedInput) else found.call.args
        return Resume(found, Execute(args))

    def _replay(self) -> Resume | None:
        while self._memoized:
            found = heapq.heappop(self._memoized)[2]
            if found in self._abandoned:
                continue
            memo = self.journal.memo(found.hashed, found.call.opcode)
            if memo is UNSET or isinstance(memo, ReplacedInput):
                self._new[found.hashed] = found
                continue
            self._note_read(found.hashed)
            return Resume(found, Fail(memo) if isinstance(memo, Failure) else Replay(memo))
        return None

    def _note_read(self, hashed: str) -> None:
        """End the replay at the last step of the stack: some memos may never be read."""
        self._unread -= 1
        if self._unread <= 0 or hashed == self.journal.last:
            self.is_replaying = False


def _report(found: Found) -> Op:
    """Return the operation that reports a step without running it."""
    call = found.call
    opcode = Opcode.PLANNED if call.handler is not None else call.opcode
    return Op(
        step=found.step,
        opcode=opcode,
        name=call.name if call.name is not None else call.id,
        display_name=call.display_name,
        opts=_wire_opts(call),
    )


def succeeded(found: Found, data: str) -> Op:
    """Return the operation that reports a handler's result; ``data`` is JSON text."""
    return Op(
        step=found.step,
        opcode=Opcode.STEP_RUN,
        name=found.call.id,
        display_name=found.call.display_name,
        opts=_wire_opts(found.call),
        data=data,
    )


def failed(
    found: Found,
    error: ErrorData,
    facts: CallFacts,
    *,
    is_retriable: bool,
    is_quiet: bool = False,
    retry_after: str | None = None,
    cause: Exception | None = None,
) -> Op:
    """Return the operation that reports a handler's error; final if no attempt can follow."""
    is_final = facts.is_last_attempt or not is_retriable
    return Op(
        step=found.step,
        opcode=Opcode.STEP_FAILED if is_final else Opcode.STEP_ERROR,
        name=found.call.id,
        display_name=found.call.display_name,
        opts=_wire_opts(found.call),
        error=error,
        cause=cause,
        is_retriable=is_retriable,
        is_quiet=is_quiet,
        retry_after=None if is_final else retry_after,
    )


def _wire_opts(call: StepCall) -> Mapping[str, object] | None:
    return {**(call.opts or {}), "parallelMode": "race"} if call.race else call.opts


def completed(data: str) -> Op:
    """Return the operation that reports a function's result together with steps."""
    return Op(
        step=StepID(id="complete", index=0, hashed=hash_id("complete")),
        opcode=Opcode.RUN_COMPLETE,
        name="complete",
        data=data,
    )


def call_again(unique: str) -> Op:
    """Return the operation that requests the next call at once, even if other steps are pending.

    :param unique: an id that the run has not used: a second request with it would be ignored.
    """
    return Op(
        step=StepID(id="again", index=0, hashed=unique), opcode=Opcode.DISCOVERY, name="again"
    )


__all__ = [
    "Broken",
    "CallFacts",
    "Ending",
    "Execute",
    "Execution",
    "Fail",
    "Found",
    "Lost",
    "Move",
    "Replay",
    "Resume",
    "Stop",
    "Verdict",
    "Wait",
    "call_again",
    "completed",
    "failed",
    "succeeded",
]
