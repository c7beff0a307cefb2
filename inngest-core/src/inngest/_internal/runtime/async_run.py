"""Run one call of an async function, on the running event loop.

Steps are futures that the engine resolves. Parallel steps are discovered when code awaits
several at once and all of it is blocked. An event loop cannot be asked whether that is so. It is
inferred: no task of this call has requested a step, started or ended for a few iterations of
the loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

from inngest._internal.engine.execution import Found, Lost, Move, Resume, Stop, Verdict
from inngest._internal.errors import Interrupt, StepInterrupt, StepThreadError, UnknownError
from inngest._internal.flow import Effect, Fetch, Outcome, Pause, Raised, Returned
from inngest._internal.middleware.sending import ids_of
from inngest._internal.op import StepCall, StepID
from inngest._internal.runtime.drive import drive_async
from inngest._internal.runtime.runnable import runnable_on
from inngest._internal.runtime.stray import as_exception
from inngest._internal.runtime.tasks import tracked_tasks
from inngest._internal.step.ambient import set_running
from inngest._internal.step.context import Context
from inngest._internal.step.flow import (
    BreakOff,
    Finish,
    GoOn,
    carry_out,
    defer,
    identify,
    replay_directly,
)
from inngest._internal.step.group import Group
from inngest._internal.step.invocation import Invocation, InvocationFacts
from inngest._internal.step.runner import Events
from inngest._internal.step.step import Step
from inngest._internal.types import UNSET

if TYPE_CHECKING:
    from inngest._internal.runtime.drivers import AsyncDriver

QUIET_TURNS = 8
"""Loop iterations without activity after which user code counts as blocked. A wake-up through
``gather``, ``wait``, ``TaskGroup`` or a queue takes at most four."""

IDLE_TURNS = 2
"""The same if nothing is ready to run on the loop: the second iteration has polled timers and
sockets."""

TARGET_GRACE = 5.0
"""Seconds within which code that awaits something other than a step must reach the target."""

UNWIND_ROUNDS = 10
UNWIND_SECONDS = 1.0
"""How often tasks are cancelled at the end of a call, and how long each time to wait for them."""

logger = logging.getLogger("inngest")


class AsyncRun(InvocationFacts):
    """Handles the steps of all tasks of one call."""

    def __init__(self, invocation: Invocation, driver: AsyncDriver) -> None:
        self._invocation = invocation
        self._execution = invocation.execution
        self._driver = driver
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._cancelled: set[asyncio.Task[Any]] = set()
        self._unwound = self._loop.create_future()
        self._is_ending = False
        self._main: asyncio.Task[Outcome[object]] | None = None
        self._children: dict[asyncio.Task[Any], Coroutine[Any, Any, Any]] = {}
        self._context = contextvars.copy_context()
        """For the tasks' done callbacks, each of which would otherwise copy the current context."""
        self._waiting: dict[Found, asyncio.Future[Verdict]] = {}
        self._is_watching = False
        self._quiet_turns = 0
        self._runnable = runnable_on(self._loop)
        self._grace: asyncio.TimerHandle | None = None
        self._busy_hooks = 0

    @property
    def context(self) -> Context[Any]:
        """The function's argument."""
        invocation = self._invocation
        return Context(
            attempt=self._execution.facts.attempt,
            event=invocation.event,
            events=invocation.events,
            group=Group(),
            job_id=invocation.job_id,
            logger=invocation.logger,
            max_attempts=self._execution.facts.max_attempts,
            request_id=invocation.request_id,
            run_id=invocation.run_id,
            step=Step(self),
        )

    async def run(self, ctx: object) -> Outcome[object]:
        """Call the function; return when it has ended or the call has something to report."""
        with tracked_tasks(self._track):
            code = self._call(ctx)
            main = self._main = self._loop.create_task(code)
            self._children.pop(main, None)
            main.add_done_callback(self._main_ended)
            try:
                await self._ended
            finally:
                await self._unwind(main)
                self._main = None  # its frames refer to this run: avoid a reference cycle
                if main.done():
                    code.close()  # if it was never started
        if not main.done():  # it swallowed every cancellation; steps it has run are recorded
            return Raised(UnknownError("the function does not end when it is cancelled"))
        if main.cancelled():
            return Raised(UnknownError("the function was cancelled by its own code"))
        return main.result()

    async def take(self, step: StepCall) -> object:
        """Return the value of a step, or raise its error."""
        if asyncio.get_running_loop() is not self._loop:
            raise StepThreadError(
                f'step "{step.id}" is used on another event loop than the function: '
                "await it in the function, or use asyncio.gather"
            )
        found = identify(self._invocation, step)
        is_alone = self._is_alone()
        if is_alone and not self._is_ending:
            value = replay_directly(self._invocation, found)
            if value is not UNSET:
                return value
        self._execution.find(found)
        if self._is_ending:
            raise StepInterrupt
        verdict: Verdict | None
        if is_alone:
            verdict = self._settle()
        else:
            try:
                verdict = await self._verdict(found)
            finally:
                self._forget(found)
        if verdict is None:
            await self._never()
        return await drive_async(carry_out(self._invocation, found, verdict), self._perform)

    async def send(self, events: Events) -> list[str]:
        """Send events within the call's middleware."""
        return ids_of(await self._driver.run(self.sending(events, self.client.send)))

    def defer(self, call: StepCall) -> StepID:
        """Defer a call until the run has ended."""
        if self._is_ending:
            raise StepInterrupt
        return defer(self._invocation, call)

    async def _call(self, ctx: object) -> Outcome[object]:
        try:
            set_running(ctx)
            result: Any = self._invocation.handler(ctx)
            return Returned(await result)
        except Interrupt:
            return Returned(None)
        except BaseException as error:
            return Raised(as_exception(error, is_on_loop=True))
        finally:
            self._end()  # one loop iteration earlier than the task's done callback

    async def _perform(self, effect: Effect) -> object:
        match effect:
            case Finish():
                self._execution.complete(effect.found, effect.op)
                return await self._never()
            case GoOn():
                self._execution.go_on(effect.found)
                self._be_active()
                return None
            case BreakOff():
                self._execution.break_off(effect.error)
                return await self._never()
            case Fetch() | Pause() if self._invocation.checkpoints.can_stop:
                return await self._record(effect)
            case _ if self._execution.executing is not None:
                return await self._driver.perform(effect)
            case _:
                return await self._perform_hook(effect)

    async def _record(self, effect: Effect) -> object:
        """Perform a request that records a step; end the call if user code cancels it.

        Code that cancels it, such as ``asyncio.timeout``, would take the step for failed, although
        its handler has succeeded.
        """
        try:
            return await self._driver.perform(effect)
        except asyncio.CancelledError:
            if self._is_ending:
                raise
            self._execution.suspend()
            return await self._never()

    async def _perform_hook(self, effect: Effect) -> object:
        """Perform an effect of a hook; code that awaits a hook does not count as blocked."""
        self._busy_hooks += 1
        try:
            return await self._driver.perform(effect)
        finally:
            self._busy_hooks -= 1
            self._be_active()

    def _settle(self) -> Verdict | None:
        """Decide about a step while no other code runs; ``None`` if the call is over."""
        move = self._execution.next_move()
        match move:
            case Resume():
                return move.verdict
            case Lost():
                self._execution.give_up(move)
        return None

    def _verdict(self, found: Found) -> asyncio.Future[Verdict]:
        """Return a future that is resolved once all code is blocked."""
        verdict: asyncio.Future[Verdict] = self._loop.create_future()
        self._waiting[found] = verdict
        self._be_active()
        return verdict

    def _forget(self, found: Found) -> None:
        """Stop waiting for a step; if it has no verdict yet, user code has abandoned it."""
        if self._waiting.pop(found, None) is not None:
            self._execution.abandon(found)

    def _is_alone(self) -> bool:
        return not self._children and asyncio.current_task(self._loop) is self._main

    async def _never(self) -> NoReturn:
        """End the call, and block until this task is cancelled."""
        self._end()
        await self._loop.create_future()
        raise StepInterrupt

    def _main_ended(self, main: asyncio.Task[Outcome[object]]) -> None:
        self._end()
        if self._is_ending:
            self._note_end(main)

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _track(self, task: asyncio.Task[Any], code: Coroutine[Any, Any, Any]) -> None:
        self._children[task] = code
        task.add_done_callback(self._child_ended, context=self._context)
        self._be_active()

    def _child_ended(self, task: asyncio.Task[Any]) -> None:
        code = self._children.pop(task, None)
        if code is not None:
            code.close()  # if it was never started
        self._be_active()
        if self._is_ending:
            _retrieve(task)
            self._note_end(task)

    def _be_active(self) -> None:
        self._quiet_turns = 0
        if self._waiting and not self._is_watching and not self._busy_hooks:
            self._is_watching = True
            self._loop.call_soon(self._watch)

    def _watch(self) -> None:
        """Check, in each iteration of the loop, whether all user code is blocked."""
        self._quiet_turns += 1
        if self._ended.done() or self._busy_hooks:
            self._is_watching = False
        elif self._quiet_turns < (QUIET_TURNS if self._runnable else IDLE_TURNS):
            self._loop.call_soon(self._watch)
        else:
            self._is_watching = False
            self._apply(self._execution.next_move())

    def _apply(self, move: Move) -> None:
        match move:
            case Resume():
                self._clear_grace()
                future = self._waiting.pop(move.found)
                if not future.done():
                    future.set_result(move.verdict)
                self._be_active()
            case Stop():
                self._end()
            case Lost() if self._grace is None:
                self._grace = self._loop.call_later(TARGET_GRACE, self._lose, move)
            case _:
                pass

    def _lose(self, lost: Lost) -> None:
        self._execution.give_up(lost)
        self._end()

    def _clear_grace(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None

    async def _unwind(self, main: asyncio.Task[Outcome[object]]) -> None:
        """Cancel all tasks of this call, and let them run their ``finally`` blocks."""
        self._is_ending = True
        self._clear_grace()
        for _ in range(UNWIND_ROUNDS):
            left = [task for task in (main, *self._children) if not task.done()]
            if not left:
                return
            self._cancelled = set(left)
            for task in left:
                task.cancel("the call has ended; the engine will continue it later")
            self._unwound = self._loop.create_future()
            await asyncio.wait({self._unwound}, timeout=UNWIND_SECONDS)
        logger.warning("a task of run %s does not end when cancelled", self._invocation.run_id)

    def _note_end(self, task: asyncio.Task[Any]) -> None:
        """Resolve the future that :meth:`_unwind` awaits; one is cheaper than one per task."""
        self._cancelled.discard(task)
        if not self._cancelled and not self._unwound.done():
            self._unwound.set_result(None)


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Retrieve a task's exception, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()
