"""Run one call of a sync function, in the calling thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from inngest._internal.engine.execution import Found, Lost, Resume, Verdict, Wait
from inngest._internal.errors import (
    Interrupt,
    SkipInterrupt,
    StepInterrupt,
    StepNestedError,
    StepThreadError,
)
from inngest._internal.flow import Effect, Outcome, Raised, Returned
from inngest._internal.middleware.sending import ids_of
from inngest._internal.op import StepCall, StepID
from inngest._internal.runtime.drive import drive
from inngest._internal.runtime.stray import as_exception
from inngest._internal.step.ambient import with_running
from inngest._internal.step.context import ContextSync
from inngest._internal.step.flow import (
    BreakOff,
    Finish,
    GoOn,
    carry_out,
    defer,
    identify,
    replay_directly,
)
from inngest._internal.step.group import GroupSync
from inngest._internal.step.invocation import Invocation, InvocationFacts
from inngest._internal.step.runner import Events
from inngest._internal.step.step_sync import StepSync
from inngest._internal.types import UNSET

if TYPE_CHECKING:
    from inngest._internal.runtime.drivers import SyncDriver

T = TypeVar("T")


@dataclass(slots=True)
class _Branch:
    """A running branch of a parallel group."""

    found: list[Found]
    """The new steps that the group's branches have found; shared by them."""

    is_left: bool = False


class SyncRun(InvocationFacts):
    """Handles steps one at a time: sync code is blocked whenever it requests one."""

    def __init__(self, invocation: Invocation, driver: SyncDriver) -> None:
        self._invocation = invocation
        self._execution = invocation.execution
        self._driver = driver
        self._branches: list[_Branch] = []
        self._skips = 0
        self._thread = 0

    @property
    def context(self) -> ContextSync[Any]:
        """The function's argument."""
        invocation = self._invocation
        return ContextSync(
            attempt=self._execution.facts.attempt,
            event=invocation.event,
            events=invocation.events,
            group=GroupSync(self),
            job_id=invocation.job_id,
            logger=invocation.logger,
            max_attempts=self._execution.facts.max_attempts,
            request_id=invocation.request_id,
            run_id=invocation.run_id,
            step=StepSync(self),
        )

    def run(self, ctx: object) -> Outcome[object]:
        """Call the function. After an interrupt, the execution has the outcome."""
        self._thread = threading.get_ident()
        try:
            return Returned(with_running(ctx, self._invocation.handler))
        except Interrupt:
            return Returned(None)
        except BaseException as error:
            return Raised(as_exception(error))

    def take(self, step: StepCall) -> object:
        """Return the value of a step, raise its error, or end this call."""
        if self._execution.executing is not None:
            raise StepNestedError(
                f'step "{step.id}" is used while another step is running: '
                "steps cannot be nested; use it after that step, in the function itself"
            )
        if threading.get_ident() != self._thread:
            raise StepThreadError(
                f'step "{step.id}" is used on another thread than the function: '
                "use ctx.group.parallel to have steps run in parallel"
            )
        if self._execution.outcome is not None:
            raise StepInterrupt
        self._check_branch()
        found = identify(self._invocation, step)
        value = replay_directly(self._invocation, found)
        if value is not UNSET:
            return value
        verdict = self._settle(found)
        return drive(carry_out(self._invocation, found, verdict), self._perform)

    def send(self, events: Events) -> list[str]:
        """Send events within the call's middleware."""
        return ids_of(self._driver.run(self.sending(events, self.client.send_sync)))

    def defer(self, call: StepCall) -> StepID:
        """Defer a call until the run has ended."""
        self._check_branch()
        return defer(self._invocation, call)

    def branches(self, callables: tuple[Callable[[], T], ...]) -> tuple[T, ...]:
        """Run all branches; end the call if any of them found a new step."""
        self._check_branch()
        results: list[T] = []
        skips_before = self._skips
        left_behind: list[Found] = []
        failure: Exception | None = None
        for branch in callables:
            self._branches.append(_Branch(left_behind))
            try:
                results.append(branch())
            except SkipInterrupt:
                continue
            except Exception as error:
                failure = error if failure is None else failure
                if self._execution.facts.target is None:
                    break
                # The target may be in a later branch: it was planned before this one failed.
            finally:
                self._branches.pop()
        if failure is not None:  # user code no longer waits for the group's steps
            for found in left_behind:
                self._execution.abandon(found)
            self._skips = skips_before  # an enclosing group has nothing to report of this one
            try:
                raise failure
            finally:
                failure = None  # its traceback refers to this frame: avoid a reference cycle
        if self._skips == skips_before:  # not by exceptions: a branch may have swallowed one
            return tuple(results)
        if self._branches:
            self._skip(*left_behind)
        self._execution.stop_group()
        raise StepInterrupt

    def _check_branch(self) -> None:
        """Leave the branch again if its code, in a ``finally`` or after a bare except, goes on."""
        if self._branches and self._branches[-1].is_left:
            raise SkipInterrupt

    def _skip(self, *found: Found) -> NoReturn:
        """Leave the innermost branch; its new steps are reported with those of the others."""
        self._skips += 1
        self._branches[-1].is_left = True
        self._branches[-1].found.extend(found)
        raise SkipInterrupt

    def _perform(self, effect: Effect) -> object:
        match effect:
            case Finish():
                self._execution.complete(effect.found, effect.op)
                raise StepInterrupt
            case GoOn():
                self._execution.go_on(effect.found)
                return None
            case BreakOff():
                self._execution.break_off(effect.error)
                raise StepInterrupt
            case _:
                return self._driver.perform(effect)

    def _settle(self, found: Found) -> Verdict:
        """Decide about a step: return its verdict, or leave the branch or the call."""
        execution = self._execution
        execution.find(found)
        move = execution.skip(found) if self._branches else execution.next_move()
        match move:
            case Resume():
                return move.verdict
            case Wait():
                self._skip(found)
            case Lost():
                execution.give_up(move)
        raise StepInterrupt
