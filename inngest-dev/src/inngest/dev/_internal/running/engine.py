"""The embedded engine: store, clock, queue and driver put together.

All methods are to be called on the loop it was started on; `DevServer` is the
thread-safe shell. For development and tests, not for production.
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
"""At a time, of all apps together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an engine has from its start to its stop, and makes anew at the next start."""

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
        """With keys the engine behaves like a keyed server: it signs, and asks for the keys.

        :param db: the file of the database; in memory unless given.
        :param clock: the real one unless given.
        :param signing_key: signs calls, and is asked of those who use the API.
        :param event_key: is asked of those who send events.
        :param backoff: seconds between the attempts, instead of the server's; the last repeats.
        :param jitter: gives seconds that are added to each delay. Random by default; 0 with
            a `backoff`, and on a virtual clock.
        :param driver: calls the apps; over HTTP unless given.
        :param gateway: makes the requests of fetch and AI steps; over HTTP unless given.
        :param concurrency: how many calls an app is made at a time.
        :raises ValueError: a key is empty, or nothing but a prefix, which anybody would have; or
            `backoff` is no list of seconds.
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
        """Workers that are connected by a WebSocket. Needs the extra ``inngest-dev[connect]``."""
        if self._hub is None:
            from inngest.dev._internal.connect.hub import Hub

            self._hub = Hub(self.register, self.clock.now, self._settle)
        return self._hub

    async def _call_worker(self, call: Call) -> Answer:
        # not `self.connect.call` itself: the hub needs an extra, and is made when it is needed
        return await self.connect.call(call)

    def _settle(self, run_id: str, fits: Callable[[Item], bool], answer: Answer) -> None:
        """Take an answer that came after its call was given up, for the job that it fits."""
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
        """Make no calls to URLs of which `is_away` is true, until this is called again.

        For apps that are known not to be there: a call that reaches nobody would be a failed
        attempt, and the last attempt fails its run. Without `is_away`, all URLs are called.
        """
        self._is_away = is_away or _nobody_is_away
        if self._parts is not None:
            self.store.unpark_all(self.clock.now())
            self._wake()

    def is_calling(self, url: str) -> bool:
        """Whether a call is under way to a URL that begins with this one."""
        return self._started.executor.is_calling(url)

    def _limit(self) -> int:
        """How many calls may be under way: `concurrency` for each app, and at most `_MAX_CALLS`."""
        limit = self._concurrency * max(self.store.number_of_apps(), 1)
        return min(limit, max(_MAX_CALLS, self._concurrency))

    def _is_held(self, url: str) -> bool:
        return self._is_away(url)

    def dismiss(self) -> None:
        """End all waiting for runs and messages: the engine is about to stop."""
        self.realtime.close()
        self._watchers.dismiss()

    async def stop(self) -> None:
        """Stop at once. What is unfinished is taken up again by the next start on the file."""
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
        """Close the WebSockets of all workers. What they do is taken up again by the next start."""
        if self._hub is not None:
            await self._hub.close()

    # in

    def register(self, body: Json) -> dict[str, Json] | Refusal:
        """Take the functions of an app, or refuse them all."""
        taken = registering.register(body, self.store, self.clock.now())
        if not isinstance(taken, Refusal):
            self._wake()
            self._watchers.ring()
        return taken

    def send(self, raw: bytes, *, seed: str | None = None) -> Intake:
        """Take events as the events API does. They are durable when this returns."""
        taken = read_events(raw, seed, self.clock.now())
        self._ledger.commit(Transition(events=taken.events))
        return taken

    async def sync(self, url: str) -> tuple[int, str]:
        """Ask the app at this URL to register."""
        return await self.driver.sync(url, kind=self.kind)

    def cancel(self, run_id: str) -> bool:
        """False when there is no such run."""
        run = self.store.run(run_id)
        if run is None:
            return False
        self._ledger.commit(cancel(run, self.clock.now()))
        return True

    def invoke(self, function_id: str, body: Mapping[str, Json]) -> str:
        """Start a function whatever its triggers are. Returns the id of the event that does it."""
        event = direct_invocation(function_id, body, self.clock.now())
        self._ledger.commit(Transition(events=[event]))
        return event.internal_id

    def rerun(
        self,
        run_id: str,
        from_step: str | None = None,
        arguments: Sequence[Json] | None = None,
    ) -> str | None:
        """Start a run once more, and return the id of the new run; None if it cannot be.

        It cannot when the run, or its function, is not known.

        :param from_step: the steps before this one are kept.
        :param arguments: for that step, in the place of those of the code.
        """
        run = self.store.run(run_id)
        function = None if run is None else self.store.function(run.function_id)
        if run is None or function is None:
            return None
        change = rerun(run, function, self.clock.now(), from_step, arguments)
        self._ledger.commit(change)
        return change.runs[0].id

    def start_run(self, function_id: str, events: Sequence[Event]) -> str | None:
        """Start one run of these events, whatever the function's triggers and limits are.

        Returns the run's id; None when there is no such function.
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
        """End a wait with this event, whatever event it waits for."""
        run = self.store.run(item.run_id)
        if run is not None:
            self._ledger.commit(wake(item, run, event.wire(), self.clock.now()))

    def note(self, run_id: str, target: Mapping[str, Json], entries: Sequence[Json]) -> None:
        """Keep metadata with a run, or with a step of it."""
        with self.store.transaction():
            for entry in entries:
                self.store.add_metadata(run_id, target, entry, self.clock.now())
        self._watchers.ring(run_id)

    def checkpoint(self, run_id: str, body: Json) -> Rejected | None:
        """Store steps that a call reports while it goes on; returns why, if nothing was stored."""
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
        """Give a signal to the run that waits for it, and return its id; None if none waits."""
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
        """Call `listener` with each run whose state has changed, when that is stored.

        :param bell: called after every change, also when no run has changed: with the id of a
            run when metadata of it came, else with None.
        """
        self._watchers.listeners.append(listener)
        self._watchers.bells.append(bell)

    def subscribe_to_setbacks(self, listener: Callable[[Setback], None]) -> None:
        """Call `listener` for each failed attempt that will be made again, when that is stored."""
        self._watchers.setback_listeners.append(listener)

    async def wait_for_run(self, wanted: str, timeout: float = 60.0) -> dict[str, Json]:
        """The history of the run with this id, once it has ended.

        With the id of an event: of the run that it started first, once all of its runs ended.

        :raises TimeoutError: it takes longer than `timeout` seconds. The message says why.
        """
        run = await self.ended(wanted, timeout)
        if run is None:
            why = why_unended(wanted, self.store, self.clock)
            raise TimeoutError(f"no run of {wanted} ended within {timeout:g} s: {why}")
        return self.history(run.id) or {}

    async def ended(self, wanted: str, timeout: float) -> Run | None:
        """The run that `wait_for_run` waits for; None if it takes too long, or the engine stops."""
        return await ended(wanted, timeout, self.store, self._watchers)

    async def settle(self) -> None:
        """Wait until nothing is due and nothing is under way."""
        await self.scheduler.settle()

    async def advance(self, delta: timedelta) -> None:
        """Move the virtual clock forward, and execute all that falls due on the way.

        :raises RuntimeError: the engine has another clock.
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
    """Delays in milliseconds; none if none are given.

    :raises ValueError: it is no list of seconds.
    """
    given = () if backoff is None else backoff
    if not isinstance(given, (list, tuple)) or not all(map(_is_delay, given)):
        raise ValueError(f"backoff is a list of seconds, such as [0.1, 1], and not {backoff!r}")
    return tuple(round(seconds * 1000) for seconds in given)


def _is_delay(seconds: object) -> bool:
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        return False
    return 0 <= seconds < float("inf")


def _nobody_is_away(_url: str) -> bool:
    return False


def _milliseconds(span: object) -> int:
    if not isinstance(span, timedelta) or span < timedelta(0):
        raise ValueError(f"a timedelta of at least 0 is needed, not {span!r}")
    return span // timedelta(milliseconds=1)


def _random_jitter() -> float:
    """Seconds."""
    return random.uniform(0, MAX_JITTER / 1000)
