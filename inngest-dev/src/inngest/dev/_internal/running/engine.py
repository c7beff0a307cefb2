"""The embedded engine: ties store, clock, queue and driver together.

Call all methods on the event loop that started it; `DevServer` is the thread-safe wrapper.
For development and tests, not for production.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from inngest.dev._internal.clock import Clock, RealClock, VirtualClock
from inngest.dev._internal.drivers.contracts import Driver, Gateway
from inngest.dev._internal.drivers.fetching import HttpGateway
from inngest.dev._internal.drivers.http import HttpDriver
from inngest.dev._internal.drivers.signing import secret_of
from inngest.dev._internal.function.registration import Refusal
from inngest.dev._internal.machine.checkpoints import Rejected, record
from inngest.dev._internal.machine.invocations import direct_invocation
from inngest.dev._internal.machine.rerun import rerun
from inngest.dev._internal.machine.retries import BACKOFF, MAX_JITTER
from inngest.dev._internal.machine.runs import cancel, start, wake
from inngest.dev._internal.machine.signals import deliver
from inngest.dev._internal.model.values import (
    Event,
    Item,
    Json,
    Run,
    Setback,
    Transition,
)
from inngest.dev._internal.protocol.answer import Answer
from inngest.dev._internal.protocol.call import Call
from inngest.dev._internal.protocol.intake import Intake, read_events
from inngest.dev._internal.realtime.broker import Broker
from inngest.dev._internal.running import registering
from inngest.dev._internal.running.endpoints import Endpoints, reentry_delay
from inngest.dev._internal.running.executor import Executor
from inngest.dev._internal.running.ledger import Ledger
from inngest.dev._internal.running.scheduler import Scheduler
from inngest.dev._internal.running.waiting import ended, why_unended
from inngest.dev._internal.running.watchers import Bell, Listener, Watchers
from inngest.dev._internal.store.store import Store
from inngest.dev._internal.views.history import history, summary

if TYPE_CHECKING:
    from inngest.dev._internal.connect.hub import Hub


_MAX_CALLS = 500
"""The most concurrent calls, over all apps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The components that an engine creates at each start and discards when it stops."""

    store: Store
    ledger: Ledger
    executor: Executor
    endpoints: Endpoints
    scheduler: Scheduler


class Engine:
    def __init__(
        self,
        *,
        db: str = ":memory:",
        clock: Clock | None = None,
        signing_key: str | None = None,
        event_key: str | None = None,
        backoff: Sequence[float] | None = None,
        jitter: Callable[[], float] | None = None,
        driver: Driver | None = None,
        gateway: Gateway | None = None,
        concurrency: int = 50,
    ) -> None:
        """With keys the engine behaves like a keyed server: it signs calls and requires the keys.

        :param db: path of the database file; in memory by default.
        :param clock: the real clock by default.
        :param signing_key: signs calls; clients of the API must present it.
        :param event_key: must be presented to send events.
        :param backoff: retry delays in seconds, instead of the server's; the last one repeats.
        :param jitter: returns seconds to add to each delay. Random by default; 0 with a
            `backoff` or a virtual clock.
        :param driver: calls the apps; over HTTP by default.
        :param gateway: makes the requests of fetch and AI steps; over HTTP by default.
        :param concurrency: the most concurrent calls to one app.
        :raises ValueError: a key is empty or only a prefix, which anyone could guess; or
            `backoff` is not a list of seconds.
        """
        for name, key in {"signing_key": signing_key, "event_key": event_key}.items():
            if key is not None and not secret_of(key.strip()):
                raise ValueError(f"{name} is empty: leave it out for an engine without keys")
        self.clock: Clock = RealClock() if clock is None else clock
        self.signing_key: str | None = signing_key
        self.event_key: str | None = event_key
        self._reentry_delay = reentry_delay if backoff is None else self._delay
        self._delays = _delays(backoff) or BACKOFF
        is_exact = backoff is not None or isinstance(self.clock, VirtualClock)
        self._jitter = jitter or ((lambda: 0.0) if is_exact else _random_jitter)
        self._db, self._given_driver, self._concurrency = db, driver, concurrency
        self._driver = driver
        self._gateway: Gateway = HttpGateway() if gateway is None else gateway
        self._parts: Parts | None = None
        self._watchers = Watchers()
        self._hub: Hub | None = None
        self._is_away: Callable[[str], bool] = _nobody_is_away
        self.realtime: Broker = Broker(self.clock.now)

    @property
    def kind(self) -> str:
        return "cloud" if self.signing_key else "dev"

    @property
    def store(self) -> Store:
        return self._started.store

    @property
    def scheduler(self) -> Scheduler:
        return self._started.scheduler

    @property
    def endpoints(self) -> Endpoints:
        """Runs whose code is an HTTP handler."""
        return self._started.endpoints

    @property
    def _ledger(self) -> Ledger:
        return self._started.ledger

    @property
    def _started(self) -> Parts:
        if self._parts is None:
            raise RuntimeError("the engine is not started")
        return self._parts

    def _wake(self) -> None:
        self.scheduler.wake()

    @property
    def driver(self) -> Driver:
        if self._driver is None:
            self._driver = HttpDriver(signing_key=self.signing_key)
        return self._driver

    @property
    def connect(self) -> Hub:
        """The workers connected by WebSocket. Needs the extra ``inngest-dev[connect]``."""
        if self._hub is None:
            from inngest.dev._internal.connect.hub import Hub

            self._hub = Hub(self.register, self.clock.now, self._settle)
        return self._hub

    async def _call_worker(self, call: Call) -> Answer:
        # `self.connect` is created on first use, as it needs an extra
        return await self.connect.call(call)

    def _settle(self, run_id: str, fits: Callable[[Item], bool], answer: Answer) -> None:
        """Apply an answer that arrived after its call was given up, to the job that it matches."""
        for item in self.store.items_of(run_id):
            if item.kind == "call" and fits(item):
                self._started.executor.settle(item, answer, self.clock.now())
                run = self.store.look_at(run_id)
                if run is not None:
                    self._ledger.free_places(run)
                    self._wake()
                return

    async def start(self) -> None:
        store = Store(self._db)
        ledger = Ledger(store, self.clock, self._watchers, self._wake)
        executor = Executor(
            store=store,
            ledger=ledger,
            clock=self.clock,
            driver=self.driver,
            call_worker=self._call_worker,
            gateway=self._gateway,
            broker=self.realtime,
            delay=self._delay,
            wake=self._wake,
            reentry_delay=self._reentry_delay,
            is_away=self._is_held,
            calls_of_app=self._concurrency,
        )
        self._parts = Parts(
            store=store,
            ledger=ledger,
            executor=executor,
            endpoints=Endpoints(store, ledger, self.clock, self._reentry_delay),
            scheduler=Scheduler(store, self.clock, executor, limit=self._limit),
        )
        self._watchers.are_dismissed = False
        try:
            registering.resume(store, self.clock.now())
        except BaseException:
            await self.stop()
            raise
        self.scheduler.start()

    def hold(self, is_away: Callable[[str], bool] | None = None) -> None:
        """Hold back calls to URLs for which `is_away` is true, until this is called again.

        For apps known to be down: an unanswered call would count as a failed attempt, and the
        last attempt fails its run. Without `is_away`, no calls are held back.
        """
        self._is_away = is_away or _nobody_is_away
        if self._parts is not None:
            self.store.unpark_all(self.clock.now())
            self._wake()

    def is_calling(self, url: str) -> bool:
        """Return whether a call to a URL with this prefix is under way."""
        return self._started.executor.is_calling(url)

    def _limit(self) -> int:
        """Return the most concurrent calls: `concurrency` per app, up to `_MAX_CALLS`."""
        limit = self._concurrency * max(self.store.number_of_apps(), 1)
        return min(limit, max(_MAX_CALLS, self._concurrency))

    def _is_held(self, url: str) -> bool:
        return self._is_away(url)

    def dismiss(self) -> None:
        """Wake all waiters for runs and messages: the engine is about to stop."""
        self.realtime.close()
        self._watchers.dismiss()

    async def stop(self) -> None:
        """Stop at once. The next start on the same file resumes unfinished work."""
        self.dismiss()
        if self._parts is not None:
            await self.scheduler.stop()
        if self._driver is not None:
            await self._driver.close()
        await self._gateway.close()
        await self.leave_workers()
        self._hub = None
        if self._parts is not None:
            self.store.close()
        self._parts, self._driver = None, self._given_driver

    async def leave_workers(self) -> None:
        """Close the WebSockets of all workers. The next start resumes their calls."""
        if self._hub is not None:
            await self._hub.close()

    # in

    def register(self, body: Json) -> dict[str, Json] | Refusal:
        """Register the functions of an app, or refuse them all."""
        taken = registering.register(body, self.store, self.clock.now())
        if not isinstance(taken, Refusal):
            self._wake()
            self._watchers.ring()
        return taken

    def send(self, raw: bytes, *, seed: str | None = None) -> Intake:
        """Receive events as the events API does. They are stored when this returns."""
        taken = read_events(raw, seed, self.clock.now())
        self._ledger.commit(Transition(events=taken.events))
        return taken

    async def sync(self, url: str) -> tuple[int, str]:
        """Ask the app at this URL to register."""
        return await self.driver.sync(url, kind=self.kind)

    def cancel(self, run_id: str) -> bool:
        """Cancel a run. Returns False if there is no such run."""
        run = self.store.run(run_id)
        if run is None:
            return False
        self._ledger.commit(cancel(run, self.clock.now()))
        return True

    def invoke(self, function_id: str, body: Mapping[str, Json]) -> str:
        """Start a function, ignoring its triggers. Returns the id of the invoking event."""
        event = direct_invocation(function_id, body, self.clock.now())
        self._ledger.commit(Transition(events=[event]))
        return event.internal_id

    def rerun(
        self,
        run_id: str,
        from_step: str | None = None,
        arguments: Sequence[Json] | None = None,
    ) -> str | None:
        """Rerun a run. Returns the id of the new run; None if the run or its function is unknown.

        :param from_step: rerun from this step, keeping the results of the steps before it.
        :param arguments: call that step with these instead of the code's own.
        """
        run = self.store.run(run_id)
        function = None if run is None else self.store.function(run.function_id)
        if run is None or function is None:
            return None
        change = rerun(run, function, self.clock.now(), from_step, arguments)
        self._ledger.commit(change)
        return change.runs[0].id

    def start_run(self, function_id: str, events: Sequence[Event]) -> str | None:
        """Start one run with these events, ignoring the function's triggers and limits.

        Returns the run's id; None if there is no such function.
        """
        function = self.store.function(function_id)
        if function is None:
            return None
        with self.store.transaction():
            for event in events:
                self.store.add_event(event)
        change = start(events, function, self.clock.now())
        self._ledger.commit(change)
        return change.runs[0].id

    def fulfil(self, item: Item, event: Event) -> None:
        """Resolve a wait with this event, even if it does not match."""
        run = self.store.run(item.run_id)
        if run is not None:
            self._ledger.commit(wake(item, run, event.wire(), self.clock.now()))

    def note(self, run_id: str, target: Mapping[str, Json], entries: Sequence[Json]) -> None:
        """Attach metadata to a run or to one of its steps."""
        with self.store.transaction():
            for entry in entries:
                self.store.add_metadata(run_id, target, entry, self.clock.now())
        self._watchers.ring(run_id)

    def checkpoint(self, run_id: str, body: Json) -> Rejected | None:
        """Store steps that a running call reports. Returns the reason if nothing was stored."""
        with self.store.transaction():
            run = self.store.run(run_id)
            function = None if run is None else self.store.function(run.function_id)
            recorded = record(run, function, body, self.store.item, self.clock.now())
            if isinstance(recorded, Rejected):
                return recorded
            if recorded.item is not None:
                for step in recorded.ended:
                    times = step.created_at, step.ended_at or step.created_at
                    self.store.add_attempt(recorded.item, step.id, *times, "reported", step.output)
            touched = self._ledger.apply([recorded.change])
        self._ledger.announce(touched)
        return None

    def signal(self, name: str, data: Json) -> str | None:
        """Deliver a signal to the run that waits for it, and return its id; None if none waits."""
        delivered = deliver(name, data, self.store, self.clock.now())
        if delivered is None:
            return None
        run_id, change = delivered
        self._ledger.commit(change)
        return run_id

    # out

    def runs(
        self, *, limit: int = 100, status: str | None = None, function_id: str | None = None
    ) -> list[dict[str, Json]]:
        found = self.store.runs(limit=limit, status=status, function_id=function_id)
        return [summary(run) for run in found]

    def history(self, run_id: str) -> dict[str, Json] | None:
        run = self.store.run(run_id)
        if run is None:
            return None
        shown = history(run, self.store.attempts(run_id), self.store.items_of(run_id))
        return {**shown, "metadata": self.store.metadata(run_id)}

    def subscribe(self, listener: Listener, bell: Bell = lambda _run_id: None) -> None:
        """Call `listener` with each run whose state has changed, once the change is stored.

        :param bell: called after every change, even if no run's state changed: with the run's id
            if its metadata changed, else with None.
        """
        self._watchers.listeners.append(listener)
        self._watchers.bells.append(bell)

    def subscribe_to_setbacks(self, listener: Callable[[Setback], None]) -> None:
        """Call `listener` for each failed attempt that will be retried, once that is stored."""
        self._watchers.setback_listeners.append(listener)

    async def wait_for_run(self, wanted: str, timeout: float = 60.0) -> dict[str, Json]:
        """Wait until the run with this id has ended, and return its history.

        Given the id of an event, wait until all of its runs have ended, and return the history
        of the first.

        :raises TimeoutError: it takes longer than `timeout` seconds. The message says why.
        """
        run = await self.ended(wanted, timeout)
        if run is None:
            why = why_unended(wanted, self.store, self.clock)
            raise TimeoutError(f"no run of {wanted} ended within {timeout:g} s: {why}")
        return self.history(run.id) or {}

    async def ended(self, wanted: str, timeout: float) -> Run | None:
        """Like `wait_for_run`, but return the run; None on timeout, or if the engine stops."""
        return await ended(wanted, timeout, self.store, self._watchers)

    async def settle(self) -> None:
        """Wait until no item is due and none is being executed."""
        await self.scheduler.settle()

    async def advance(self, delta: timedelta) -> None:
        """Advance the virtual clock, executing everything that falls due on the way.

        :raises RuntimeError: the engine's clock is not virtual.
        """
        clock = self.clock
        if not isinstance(clock, VirtualClock):
            raise RuntimeError("only an engine with a VirtualClock can be advanced")
        target = clock.now() + _milliseconds(delta)
        while True:
            await self.settle()
            due = self.scheduler.next_due()
            if due is None or due > target:
                break
            clock.set(max(due, clock.now()))
            self.scheduler.wake()
        clock.set(max(target, clock.now()))
        self.scheduler.wake()
        await self.settle()

    def _delay(self, attempt: int) -> int:
        base = self._delays[min(attempt, len(self._delays) - 1)]
        return base + round(self._jitter() * 1000)


def _delays(backoff: object) -> tuple[int, ...]:
    """Convert a `backoff` to milliseconds; empty if it is None.

    :raises ValueError: it is not a list of seconds.
    """
    given = () if backoff is None else backoff
    if not isinstance(given, (list, tuple)) or not all(map(_is_delay, given)):
        raise ValueError(f"backoff must be a list of seconds, such as [0.1, 1], not {backoff!r}")
    return tuple(round(seconds * 1000) for seconds in given)


def _is_delay(seconds: object) -> bool:
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        return False
    return 0 <= seconds < float("inf")


def _nobody_is_away(_url: str) -> bool:
    return False


def _milliseconds(span: object) -> int:
    if not isinstance(span, timedelta) or span < timedelta(0):
        raise ValueError(f"expected a non-negative timedelta, not {span!r}")
    return span // timedelta(milliseconds=1)


def _random_jitter() -> float:
    """Seconds."""
    return random.uniform(0, MAX_JITTER / 1000)
