"""Run one call of a sync function, in the thread that calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from inngest._internal.engine.execution import Lost, Resume, Verdict, Wait
from inngest._internal.errors import (
    Interrupt,
    SkipInterrupt,
    StepInterrupt,
    StepNestedError,
    StepThreadError,
)
from inngest._internal.flow import Effect, Outcome, Raised, Returned
from inngest._internal.op import StepCall
from inngest._internal.runtime.drivers import drive
from inngest._internal.runtime.stray import reported
from inngest._internal.step.context import ContextSync
from inngest._internal.step.flow import (
    NOT_KNOWN,
    BreakOff,
    Finish,
    GoOn,
    Settle,
    ask_for,
    recall_alone,
    take_step,
)
from inngest._internal.step.group import GroupSync
from inngest._internal.step.invocation import Invocation
from inngest._internal.step.runner import Events, FindSerializer
from inngest._internal.step.step import StepSync

if TYPE_CHECKING:
    from inngest._internal.runtime.drivers import SyncDriver

T = TypeVar("T")


class SyncRun:
    """Takes steps one at a time: sync code is always at rest when it asks for one."""

    def __init__(self, invocation: Invocation, driver: SyncDriver) -> None:
        self._invocation = invocation
        self._execution = invocation.execution
        self._driver = driver
        self._depth = 0
        self._skips = 0
        self._thread = threading.get_ident()

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

    @property
    def app_id(self) -> str:
        """The id of the function's app."""
        return self._invocation.app_id

    @property
    def find_serializer(self) -> FindSerializer:
        """Finds the serializer of a name."""
        return self._invocation.find_serializer

    def run(self, ctx: object) -> Outcome[object]:
        """Call the function. An interrupt is an ending that the execution knows of."""
        self._thread = threading.get_ident()
        try:
            return Returned(self._invocation.handler(ctx))
        except Interrupt:
            return Returned(None)
        except BaseException as error:
            return Raised(reported(error))

    def take(self, step: StepCall) -> object:
        """Take one step: its value, its error, or the end of this call."""
        if self._execution.is_executing:
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
        found = ask_for(self._invocation, step)
        value = recall_alone(self._invocation, found)
        if value is not NOT_KNOWN:
            return value
        return drive(take_step(self._invocation, found), self._perform)

    def send(self, events: Events) -> list[str]:
        """Send events with the function's client."""
        return self._invocation.send_sync(events)

    def branches(self, callables: tuple[Callable[[], T], ...]) -> tuple[T, ...]:
        """Try every branch; end the call when any of them found something new."""
        results: list[T] = []
        skips_before = self._skips
        self._depth += 1
        try:
            for branch in callables:
                try:
                    results.append(branch())
                except SkipInterrupt:
                    continue
        finally:
            self._depth -= 1
        if self._skips == skips_before:  # counted: a branch may swallow the interrupt
            return tuple(results)
        if self._depth:
            raise SkipInterrupt
        self._execution.stop_group()
        raise StepInterrupt

    def _perform(self, effect: Effect) -> object:
        match effect:
            case Settle(found) if self._depth:
                return self._decided(self._execution.skip(found))
            case Settle():
                return self._decided(self._execution.next_move())
            case Finish(found, op):
                self._execution.complete(found, op)
                raise StepInterrupt
            case GoOn(found):
                self._execution.go_on(found)
                return None
            case BreakOff(error):
                self._execution.break_off(error)
                raise StepInterrupt
            case _:
                return self._driver.perform(effect)

    def _decided(self, move: object) -> Verdict:
        match move:
            case Resume(_, verdict):
                return verdict
            case Wait():
                self._skips += 1
                raise SkipInterrupt
            case Lost() as lost:
                self._execution.give_up(lost)
        raise StepInterrupt
