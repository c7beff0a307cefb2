"""Run one call of a sync function, in the thread that calls."""

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
from inngest._internal.runtime.stray import reported
from inngest._internal.step.ambient import with_running
from inngest._internal.step.context import ContextSync
from inngest._internal.step.flow import (
    BreakOff,
    Finish,
    GoOn,
    ask_for,
    carry_out,
    defer,
    recall_alone,
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
    """One branch of a parallel group, while it is tried."""

    found: list[Found]
    """What the branches of the group have left behind."""

    is_left: bool = False


class SyncRun(InvocationFacts):
    """Takes steps one at a time: sync code is always at rest when it asks for one."""

    def __init__(self, invocation: Invocation, driver: SyncDriver) -> None:
        self._invocation = invocation
        self._execution = invocation.execution
        self._driver = driver
        self._branches: list[_Branch] = []
        self._skips = 0
        self._thread = 0

    @property
    def context(self) -> ContextSync[Any]:
        """What the function is given."""
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
        """Call the function. An interrupt is an ending that the execution knows of."""
        self._thread = threading.get_ident()
        try:
            return Returned(with_running(ctx, self._invocation.handler))
        except Interrupt:
            return Returned(None)
        except BaseException as error:
            return Raised(reported(error))

    def take(self, step: StepCall) -> object:
        """Take one step: its value, its error, or the end of this call."""
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
        if self._branches and self._branches[-1].is_left:
            raise SkipInterrupt  # in a finally block, or behind a bare except
        found = ask_for(self._invocation, step)
        value = recall_alone(self._invocation, found)
        if value is not UNSET:
            return value
        verdict = self._settle(found)
        return drive(carry_out(self._invocation, found, verdict), self._perform)

    def send(self, events: Events) -> list[str]:
        """Send events within the middleware of the call."""
        return ids_of(self._driver.run(self.sending(events, self.client.send_sync)))

    def defer(self, call: StepCall) -> StepID:
        """Note a call that is to be made when the run has ended."""
        if self._branches and self._branches[-1].is_left:
            raise SkipInterrupt
        return defer(self._invocation, call)

    def branches(self, callables: tuple[Callable[[], T], ...]) -> tuple[T, ...]:
        """Try every branch; end the call when any of them found something new."""
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
                # What the server asks for may be in a branch behind: it was planned before
                # this one failed, as when it is tried again meanwhile.
            finally:
                self._branches.pop()
        if failure is not None:  # nobody waits for the group's steps any more
            for found in left_behind:
                self._execution.abandon(found)
            try:
                raise failure
            finally:
                failure = None  # its traceback holds this frame: a cycle otherwise
        if self._skips == skips_before:  # counted: a branch may swallow the interrupt
            return tuple(results)
        if self._branches:
            self._skip(*left_behind)
        self._execution.stop_group()
        raise StepInterrupt

    def _skip(self, *found: Found) -> NoReturn:
        """Leave the innermost branch: what it has found is reported with the others' steps."""
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
        """Tell what is to come of a step: sync code is at rest when it asks for one."""
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
