"""Execute the items that the scheduler takes: calls to apps, outbound requests, timers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from inngest.dev._internal.clock import Clock
from inngest.dev._internal.drivers.contracts import Driver, Gateway
from inngest.dev._internal.endpoints.calls import build_reentry
from inngest.dev._internal.flow_control.admission import Admission, Admitted
from inngest.dev._internal.machine.attempt import respond
from inngest.dev._internal.machine.endpoint import is_endpoint
from inngest.dev._internal.machine.fetching import (
    Inbound,
    Outbound,
    Unreachable,
    fetched,
    outcome_of,
)
from inngest.dev._internal.machine.ops import RESULTS, invalid, opcode_of
from inngest.dev._internal.machine.retries import Delay
from inngest.dev._internal.machine.runs import timer
from inngest.dev._internal.machine.starting import release
from inngest.dev._internal.model.values import (
    DISCOVERY,
    Function,
    Item,
    Json,
    Run,
    Setback,
    Transition,
)
from inngest.dev._internal.protocol.answer import (
    Answer,
    Errored,
    Reported,
    Returned,
    transport_error,
)
from inngest.dev._internal.protocol.call import Call, build_call, is_socket
from inngest.dev._internal.realtime.broker import Address, Broker
from inngest.dev._internal.running.ledger import Ledger
from inngest.dev._internal.running.registering import resume
from inngest.dev._internal.schedules.cron import tick
from inngest.dev._internal.store.database import StoreError, unusable
from inngest.dev._internal.store.store import Store

Attempt = tuple[str, int, int, str, Json]
"""Step id, start and end in milliseconds, outcome, and body."""
_log = logging.getLogger("inngest.dev")
_SET_BACK = 1000
"""Milliseconds. If the clock is set back further than this, all timers are recomputed.

Smaller steps are corrections of a clock that runs fast: they delay no timer by much.
"""
_AWAY = "away"
"""Where items are parked while their app is down or their function is not registered."""


class Executor:
    def __init__(
        self,
        *,
        store: Store,
        ledger: Ledger,
        clock: Clock,
        driver: Driver,
        call_worker: Callable[[Call], Awaitable[Answer]],
        gateway: Gateway,
        broker: Broker,
        delay: Delay,
        wake: Callable[[], None],
        reentry_delay: Delay,
        is_away: Callable[[str], bool],
        calls_of_app: int,
    ) -> None:
        """Execute items for one started engine.

        :param call_worker: calls an app over its Connect worker's socket.
        :param delay: retry delay of functions and steps.
        :param reentry_delay: retry delay of durable endpoints.
        :param is_away: whether the app at a URL is known to be down.
        :param calls_of_app: the most concurrent calls to one app, if there are several apps.
        """
        self._store, self._ledger, self._clock = store, ledger, clock
        self._driver, self._gateway, self._delay = driver, gateway, delay
        self._reentry_delay, self._broker = reentry_delay, broker
        self._call_worker, self._wake, self._is_away = call_worker, wake, is_away
        self._admission = Admission(calls_of_app=calls_of_app)
        self._called: dict[str, str] = {}
        """The URL of each call under way, by job id."""
        self._discoveries: dict[str, int] = {}
        """How many ended steps the discovery under way was sent, by run id."""
        self._followed: set[str] = set()
        """The ids of runs with a discovery parked behind the one under way."""
        self._unparked_at = clock.now()
        """When `unpark_due` was last called, to notice that the clock was set back."""
        self._open: list[str] = []
        """Places that have room again, and whose parked items are still to be unparked."""

    def unpark_due(self) -> None:
        before, self._unparked_at = self._unparked_at, self._clock.now()
        if self._unparked_at < before - _SET_BACK:
            resume(self._store, self._unparked_at)
        self._open += self._admission.chances(self._clock.now())
        while self._open:
            self._store.unpark_each(self._open[-1])
            self._open.pop()

    def next_chance(self) -> int | None:
        return self._admission.next_chance()

    def admit(self, item: Item) -> bool:
        """Return whether the item may be executed now; if not, park or drop it.

        Admitting a run's first call marks the run as started.
        """
        if item.kind in ("batch", "debounce") and self._store.function(item.function_id) is None:
            # the app may register it again, as during a deploy: keep its events
            self._store.park(item.job_id, _AWAY)
            return False
        if item.kind != "call":
            return True
        run = self._store.look_at(item.run_id)
        function = None if run is None else self._store.function(run.function_id)
        if run is None or run.ended or function is None:
            return True
        if self._is_away(function.url):
            self._store.park(item.job_id, _AWAY)
            return False
        if item.step_id == DISCOVERY and run.id in self._discoveries:
            self._follow(item, run)
            return False
        if run.started_at is None:  # admission changes the run: use a copy, not the cached one
            run = self._store.run(run.id) or run
        now = self._clock.now()
        verdict = self._admission.admit(item.job_id, run, function, self._store, now)
        if isinstance(verdict, Admitted):
            if item.step_id == DISCOVERY:
                self._discoveries[run.id] = len(run.stack)
            if verdict.change.runs or verdict.change.gates:
                self._ledger.commit(verdict.change)
        else:
            self._store.park(item.job_id, verdict.at)
        unparked = [place for place in verdict.next_at if self._store.unpark(place)]
        if unparked:
            self._wake()
        return isinstance(verdict, Admitted)

    def _follow(self, item: Item, run: Run) -> None:
        """Park a discovery behind the one under way, or drop it if that one was sent as many steps.

        Two concurrent discoveries, as after a race, would both execute the next step.
        """
        self._ledger.free_places(run)
        if len(run.stack) == self._discoveries[run.id]:
            self._ledger.commit(Transition(drops=[item.job_id]))
        else:
            self._store.park(item.job_id, _behind(run.id))
            self._followed.add(run.id)

    def is_calling(self, url: str) -> bool:
        """Return whether a call to a URL with this prefix is under way."""
        return any(each.startswith(url) for each in self._called.values())

    def leave(self, item: Item) -> None:
        self._called.pop(item.job_id, None)
        self._open += self._admission.leave(item.job_id)
        if item.step_id == DISCOVERY:
            self._discoveries.pop(item.run_id, None)
            if item.run_id in self._followed:
                self._followed.remove(item.run_id)
                self._open.append(_behind(item.run_id))

    def execute(self, item: Item) -> Coroutine[Any, Any, None] | None:
        """Execute a timer at once, or return the coroutine that makes a call or request."""
        now = self._clock.now()
        if item.kind == "cron":
            function = self._store.function(item.function_id)
            self._ledger.commit(tick(item, function, now))
        elif item.kind in ("batch", "debounce"):
            self._ledger.commit_all(release(item, self._store, now))
        else:
            return self._execute_of_run(item, now)
        return None

    def _execute_of_run(self, item: Item, now: int) -> Coroutine[Any, Any, None] | None:
        run = self._store.look_at(item.run_id)
        if run is None or run.ended:
            self._ledger.commit(Transition(drops=[item.job_id]))
        elif item.kind == "call":
            return self._call(item, run, now)
        elif item.kind == "fetch":
            return self._fetch(item, now)
        else:
            self._ledger.commit(timer(item, self._store.run(item.run_id) or run, now))
        return None

    async def _call(self, item: Item, run: Run, started: int) -> None:
        function = self._store.function(run.function_id)
        if function is None:
            message = f"function {run.function_id} is not registered any more"
            answer: Answer = transport_error(message)
        else:
            build = build_reentry if is_endpoint(function, run) else partial(build_call, function)
            call = build(run, item, now=started)
            self._called[item.job_id] = call.url
            if is_socket(call.url):
                # a worker may have answered an earlier call of this job after it was given up
                if not self._store.has_item(item.job_id, item.generation):
                    return
                answer = await self._call_worker(call)
            else:
                answer = await self._driver.call(call, now=started)
        await _stored(lambda: self.settle(item, answer, started))

    def settle(self, item: Item, answer: Answer, started: int) -> None:
        """Record and apply the answer to a call, unless its job is already done."""
        now = self._clock.now()
        with self._store.transaction():
            current = self._store.run(item.run_id)
            if current is None or not self._store.has_item(item.job_id, item.generation):
                return
            function = self._store.function(current.function_id)
            if isinstance(answer, Reported):
                answer = invalid(answer, now) or answer
            attempt = attempt_of(item, answer, started, now)
            self._store.add_attempt(item, *attempt)
            change = respond(
                current,
                item,
                answer,
                function=function,
                state=self._store,
                delay=self._reentry_delay if is_endpoint(function, current) else self._delay,
                now=now,
            )
            touched = self._ledger.apply([change])
        setback = _setback(current, function, item, attempt, change, now)
        self._ledger.announce(touched, setback)

    async def _fetch(self, item: Item, started: int) -> None:
        request = Outbound(**item.payload)
        answer = await self._gateway.fetch(request)
        if request.publish is not None and isinstance(answer, Inbound):
            stream = self._broker.stream(Address(**request.publish, run_id=item.run_id))
            stream.write(answer.body)
            stream.close()
        await _stored(lambda: self._fetched(item, answer, started))

    def _fetched(self, item: Item, answer: Inbound | Unreachable, started: int) -> None:
        now = self._clock.now()
        with self._store.transaction():
            run = self._store.run(item.run_id)
            if run is None or not self._store.has_item(item.job_id, item.generation):
                return
            function = self._store.function(run.function_id)
            memo = outcome_of(item, answer)
            outcome, body = ("failed", memo["error"]) if "error" in memo else ("reported", None)
            attempt = item.step_id, started, now, outcome, body
            self._store.add_attempt(item, *attempt)
            change = fetched(run, item, memo, function=function, delay=self._delay, now=now)
            touched = self._ledger.apply([change])
        self._ledger.announce(touched, _setback(run, function, item, attempt, change, now))


def _setback(
    run: Run, function: Function | None, item: Item, attempt: Attempt, change: Transition, now: int
) -> Setback | None:
    """Return the setback to notify listeners of; None if the attempt is not retried."""
    again = next((each for each in change.items if each.job_id == item.job_id), None)
    if again is None:
        return None
    step_id, _, _, _, error = attempt
    known = run.steps.get(step_id)
    named = error.get("step") if isinstance(error, dict) else None
    return Setback(
        run_id=run.id,
        function_id=run.function_id,
        step=None if step_id == DISCOVERY else known.name if known else named or step_id,
        attempt=item.attempt,
        max_attempts=None if function is None else function.max_attempts,
        error=error,
        wait=again.due - now,
    )


def _behind(run_id: str) -> str:
    """Return where a discovery is parked while another one of its run is under way."""
    return f"discovery\x1f{run_id}"


async def _stored(store: Callable[[], None]) -> None:
    """Store an answer, retrying until it succeeds: a new call would execute the step again."""
    while True:
        try:
            store()
        except StoreError as error:
            _log.error("%s", unusable(error))
            await asyncio.sleep(1)
        else:
            return


def attempt_of(item: Item, answer: Answer, started: int, ended: int) -> Attempt:
    """Return the history's record of a call. `answer` must be valid: see `invalid`.

    A call that reports a single step, or a failed one, counts as an attempt of that step.
    """
    outcome, body, step_id = "reported", None, item.step_id
    match answer:
        case Returned(output=output):
            outcome, body = "returned", output
        case Errored(body=error, text=text):
            outcome, body = "failed", error or {"name": "Error", "message": text}
        case Reported(ops=ops):
            failed = next((op for op in ops if isinstance(op.get("error"), dict)), None)
            op = failed or (ops[0] if len(ops) == 1 else None)
            if op is None:
                body = [o.get("displayName") or o.get("name") or o.get("id") for o in ops]
            elif failed is None:
                body = op.get("data")
            else:
                outcome = "failed"
                name = op.get("displayName") or op.get("name")
                body = {**failed["error"], "step": name and str(name)}
            if op is not None and opcode_of(op) in RESULTS:
                step_id = op["id"]
    return step_id, started, ended, outcome, body
