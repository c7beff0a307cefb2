"""One call of a function: which steps it has asked for, and what is to be done next. Pure.

A runner hands over every step that user code asks for, lets user code go on until it
can do no more by itself, and then asks for the next move. Serial code asks for one step
at a time; code that runs in parallel asks for many before it comes to rest.
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

# Nobody changes any of these once it is made. That they are not frozen: see op.py.


@dataclass(slots=True, eq=False)
class Found:
    """A step that user code has asked for and that has no answer yet."""

    call: StepCall
    index: int
    hashed: str

    @property
    def step(self) -> StepID:
        """The step's identity within its run."""
        return StepID(id=self.call.id, index=self.index, hashed=self.hashed)


@dataclass(slots=True)
class Replay:
    """Answer the step with the value it had."""

    data: object


@dataclass(slots=True)
class Fail:
    """Answer the step with the error it ended in."""

    failure: Failure


@dataclass(slots=True)
class Execute:
    """Run the step's handler now, with these arguments."""

    args: tuple[object, ...]


Verdict = Replay | Fail | Execute


@dataclass(slots=True)
class Resume:
    """Let user code go on: this step has its verdict."""

    found: Found
    verdict: Verdict


@dataclass(slots=True)
class Stop:
    """End the call and report these operations."""

    ops: tuple[Op, ...]


@dataclass(slots=True)
class Wait:
    """Nothing to decide: user code waits for something of its own."""


@dataclass(slots=True)
class Lost:
    """New steps were found, and none is the one that the server asked for."""

    found: tuple[Found, ...]


@dataclass(slots=True)
class Broken:
    """The call cannot be answered: what surrounds user code failed."""

    error: Exception


_ANSWERED: Final = Stop(())

Move = Resume | Stop | Wait | Lost
Ending = Stop | Lost | Broken


@dataclass(slots=True, kw_only=True)
class CallFacts:
    """What the server said of this call."""

    attempt: int = 0
    max_attempts: int | None = None
    target: str | None = None
    plan_only: bool = False

    @property
    def is_last_attempt(self) -> bool:
        """Whether a failure now is final."""
        return self.max_attempts is not None and self.attempt + 1 >= self.max_attempts


class Execution:
    """The state of one call. Created per request, thrown away with it."""

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
        """The step whose handler is running at this moment."""
        self._stack = stack
        self._known: list[tuple[int, int, Found]] = []
        self._abandoned: set[Found] = set()
        """Some of them may still be among those that are known."""
        self._new: dict[str, Found] = {}
        self._asked = 0
        self._has_begun = False
        self.replace_memos(memos)

    def replace_memos(self, memos: Mapping[str, object]) -> None:
        """Go on with other memos, before user code has asked for any."""
        self.memos = memos
        self.journal = Journal(memos, self._stack)
        self._unread = len(memos)
        self.is_replaying = bool(memos)
        """Whether all code so far has run before: it ends with the last memo, for good."""

    def is_first_new_code(self) -> bool:
        """Whether new code is about to run, and nobody has asked this since it is."""
        if self.is_replaying or self._has_begun:
            return False
        self._has_begun = True
        return True

    def identify(self, call: StepCall) -> Found:
        """Give the step that user code asks for its place in the run."""
        return Found(call, *self.journal.identify(call.id))

    def defer(self, call: StepCall) -> StepID:
        """Note a call that is to be made when the run has ended."""
        step = self.identify(call).step
        self.deferrals.add(step, call)
        return step

    def recall(self, found: Found) -> object:
        """Tell a memoized step's value or failure at once, if user code waits for no other.

        :returns: ``UNSET`` when there is nothing to tell.
        """
        hashed = found.hashed
        if self._known or hashed not in self.memos:
            return UNSET
        memo = read_memo(self.memos[hashed], found.call.opcode)
        if isinstance(memo, ReplacedInput):
            return UNSET
        self._note_read(hashed)
        return memo

    def find(self, found: Found) -> None:
        """Record that user code waits for a step."""
        self._asked += 1
        if found.hashed in self.journal:
            heapq.heappush(self._known, (self.journal.position(found.hashed), self._asked, found))
        else:
            self._new[found.hashed] = found

    def next_move(self) -> Move:
        """Decide, now that user code has come to rest."""
        target = self.facts.target
        if target is not None and (self.executing is not None or target in self._new):
            # At once: what memos bring about may no longer wait for this step.
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
        """Decide for one branch of a group that runs its branches one after another.

        Branches cannot wait for each other, so nothing new is run unless it is the
        target: it is left behind to be reported together with the others.
        """
        replay = self._replay()
        if replay is not None:
            return replay
        return self._execute(found) if self._is_target(found) else Wait()

    def stop_group(self) -> Stop | Lost:
        """End the call after a group whose branches left something new behind."""
        if self.facts.target is not None:
            return self.give_up(Lost(tuple(self._new.values())))
        return self.stop(*(_report(found) for found in self._new.values()))

    def abandon(self, found: Found) -> None:
        """User code no longer waits for this step."""
        if self.executing is found:
            self.executing = None
        self._new.pop(found.hashed, None)
        self._abandoned.add(found)

    def complete(self, found: Found, op: Op) -> Stop:
        """A handler has run: report what came of it."""
        self.executing = None
        self._new.pop(found.hashed, None)
        return self.stop(op)

    def go_on(self, found: Found) -> None:
        """A handler has run and its result is recorded: user code may use it."""
        self.executing = None
        self._new.pop(found.hashed, None)

    def stop(self, *ops: Op) -> Stop:
        """End the call. The first ending is the one that counts."""
        if isinstance(self.outcome, Stop):
            return self.outcome
        stop = Stop((*ops, *self.deferrals.unreported))
        if not isinstance(self.outcome, Broken):
            self.outcome = stop
        return stop

    def suspend(self) -> None:
        """End the call with nothing to report: the next one comes here again."""
        if self.outcome is None:
            self.outcome = Stop(())

    def give_up(self, lost: Lost) -> Lost:
        """End the call without what the server asked for."""
        if self.outcome is None:
            self.outcome = lost
        return lost

    def break_off(self, error: Exception) -> None:
        """End the call because of ``error``; nothing else is reported."""
        if not isinstance(self.outcome, Broken):
            self.outcome = Broken(error)

    def close(self) -> None:
        """The call has been answered. An error's traceback would hold the frames that hold this."""
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
        while self._known:
            found = heapq.heappop(self._known)[2]
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
        """The last of the stack is what this call is about; memos may be left that no code reads."""
        self._unread -= 1
        if self._unread <= 0 or hashed == self.journal.last:
            self.is_replaying = False


def _report(found: Found) -> Op:
    """Tell the server of a step that is not run in this call."""
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
    """The report of a handler that returned; ``data`` is JSON text."""
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
    """The report of a handler that raised; final when no attempt can follow."""
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
    """The report of a function that returned, where its result is not the whole answer."""
    return Op(
        step=StepID(id="complete", index=0, hashed=hash_id("complete")),
        opcode=Opcode.RUN_COMPLETE,
        name="complete",
        data=data,
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
    "completed",
    "failed",
    "succeeded",
]
