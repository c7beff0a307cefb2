"""Runs of a five-step function under random faults, and a table of the outcome.

``python -m tests.test_inngest.connect_storm --runs 1000 --faults 120 --seed 7`` prints the
table; ``test_connect_chaos.py`` has a short run.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextvars
import itertools
import logging
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import inngest
from inngest.connect._internal.connection import Connection
from inngest.connect._internal.making import make
from inngest.connect.protocol import wire

from .connect_platform import SHORT, TERMS, Platform, eventually, working
from .connect_proxy import (
    ApiFault,
    CloseWith,
    Corrupt,
    Cut,
    Delay,
    Drop,
    Duplicate,
    Fault,
    HalfOpen,
    Proxy,
    Reorder,
)

STEPS = 5
WORKERS = 2
BACKOFF = [0.05, 0.1, 0.2, 0.5, 1.0]
AT_ONCE = 8
"""The concurrency limit of each worker."""
SECONDS = 60.0
"""The timeout of each wait; on an idle machine, each takes a few seconds."""

CALL, ACK, REPLY, REPLY_ACK = (
    frozenset({wire.GATEWAY_EXECUTOR_REQUEST}),
    frozenset({wire.WORKER_REQUEST_ACK}),
    frozenset({wire.WORKER_REPLY}),
    frozenset({wire.WORKER_REPLY_ACK}),
)
BEAT = frozenset({wire.WORKER_HEARTBEAT, wire.GATEWAY_HEARTBEAT})
CODES = (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 4000, 4999)
"""The close codes that may be sent."""

CALM = "(before the first)"

Armed = Fault | ApiFault
Deed = Callable[["Storm"], object]
Make = Callable[[random.Random], Sequence[Armed] | Deed]
FLUSH = "/v0/connect/flush"


@dataclass(frozen=True)
class Kind:
    """A kind of fault: its name in the table, and how to create one."""

    name: str
    make: Make


def always(fault: Callable[..., Armed], **options: Any) -> Make:
    return lambda _: [fault(**options)]


def failing_api(status: int) -> Make:
    """Fail API requests while a reply is cut off, which causes both a flush and a start request."""
    return lambda chance: [ApiFault(status=status, left=chance.randint(1, 4)), Cut(kinds=REPLY)]


def kinds() -> list[Kind]:
    frames = {"call": CALL, "call ack": ACK, "reply": REPLY, "reply ack": REPLY_ACK}
    pairs = {"replies": REPLY, "reply acks": REPLY_ACK, "calls and acks": CALL | ACK}
    return [
        *(Kind(f"drop {what}", always(Drop, kinds=of)) for what, of in frames.items()),
        Kind("drop heartbeat", always(Drop, kinds=BEAT)),
        *(Kind(f"duplicate {what}", always(Duplicate, kinds=of)) for what, of in frames.items()),
        *(Kind(f"reorder {what}", always(Reorder, kinds=of)) for what, of in pairs.items()),
        Kind("delay", lambda chance: [Delay(seconds=chance.uniform(0.1, 1.0))]),
        Kind("half-open", always(HalfOpen)),
        Kind("cut", always(Cut)),
        Kind("cut with a reply", always(Cut, kinds=REPLY)),
        Kind("cut with a call", always(Cut, kinds=CALL)),
        Kind("corrupt", lambda chance: [Corrupt(way=chance.randrange(4))]),
        *(Kind(f"close {code}", always(CloseWith, code=code)) for code in CODES),
        *(Kind(f"API {status}", failing_api(status)) for status in (401, 429, 500)),
        Kind(
            "flush answer lost",
            lambda _: [ApiFault(status=None, left=1, paths=(FLUSH,)), Drop(kinds=REPLY_ACK)],
        ),
        Kind("gateway restart", lambda _: Storm.restart),
        Kind("gateway drain", lambda _: Storm.drain),
    ]


@dataclass
class Line:
    """The effects of a kind of fault."""

    count: int = 0
    lost: int = 0
    """Undelivered replies to calls between this fault and the next one."""
    duplicated: int = 0
    """Steps that were executed again in this time although their lease was not lost."""
    leases: int = 0
    """Leases that were lost in this time."""
    repeated: int = 0
    """Steps that were executed again because their lease was lost."""

    def add(self, other: Line) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class Outcome:
    """The outcome of a storm."""

    runs: int
    completed: int
    table: dict[str, Line]
    seconds: float
    reconnects: int

    @property
    def total(self) -> Line:
        found = Line()
        for line in self.table.values():
            found.add(line)
        return found

    def show(self) -> str:
        columns = [each.replace("_", " ") for each in vars(Line())]
        lines = [f"{'fault':<22}" + "".join(f"{each:>12}" for each in columns)]
        for name, line in [*sorted(self.table.items()), ("all", self.total)]:
            lines.append(f"{name:<22}" + "".join(f"{value:>12}" for value in vars(line).values()))
        lines.append(
            f"{self.completed} of {self.runs} runs completed in {self.seconds:.0f} s, through "
            f"{self.reconnects} reconnects"
        )
        return "\n".join(lines)


request_of: contextvars.ContextVar[str] = contextvars.ContextVar("request")


class Noting(inngest.Middleware):
    """Tells steps which call executes them."""

    def __init__(self, client: inngest.Inngest, raw_request: Any) -> None:
        super().__init__(client, raw_request)
        if raw_request is not None:
            request_of.set(raw_request.request_id)


@dataclass(frozen=True)
class Execution:
    """An execution of a step: its call, and the fault before it."""

    call: str
    fault: str


@dataclass
class Storm:
    runs: int
    faults: int
    seed: int
    platform: Platform
    proxy: Proxy
    checkpointing: bool = False
    executed: dict[tuple[int, int], list[Execution]] = field(
        default_factory=lambda: collections.defaultdict(list)
    )
    """The executions by run and step."""
    table: dict[str, Line] = field(default_factory=lambda: collections.defaultdict(Line))
    last: str = CALM
    """The kind of the last fault."""

    async def weather(self) -> Outcome:
        begun = time.monotonic()
        chance = random.Random(self.seed)
        clients = [self._client() for _ in range(WORKERS)]
        workers = [self._worker(client, n) for n, client in enumerate(clients)]
        sent: list[str] = []
        async with AsyncExitStack() as stack:
            for worker in workers:
                await stack.enter_async_context(working(worker))
            shares = shares_of(self.runs, self.faults + 1)
            for share, kind in itertools.zip_longest(shares, self._plan(chance)):
                made = None if kind is None else self._prepare(kind, chance)
                events = [
                    inngest.Event(name="storm/go", data={"key": len(sent) + n})
                    for n in range(share)
                ]
                sent += await clients[0].send(events) if events else []
                if made is not None:
                    await self._happen(made)
                    await self._catch_up(len(sent) - share)
            ended = [await self.platform.ended(each, SECONDS) for each in sent]
            await eventually(
                lambda: all(worker.status().unacknowledged == 0 for worker in workers),
                "every reply is acknowledged",
                SECONDS,
            )
            reconnects = sum(worker.status().reconnects for worker in workers)
        for client in clients:
            await client.aclose()
        self._count_leases()
        self._judge()
        expected = ("Completed", list(range(STEPS)))
        return Outcome(
            runs=len(sent),
            completed=sum((run["status"], run["output"]) == expected for run in ended),
            table=dict(self.table),
            seconds=time.monotonic() - begun,
            reconnects=reconnects,
        )

    def _judge(self) -> None:
        """Count duplicates. Only one call that held its lease may execute a step, and only once."""
        for executions in self.executed.values():
            calls: set[str] = set()
            for one in executions:
                line = self.table[one.fault]
                line.lost += one.call not in self.platform.replies
                holding = calls - self.platform.lost
                is_second = bool(holding) and one.call not in self.platform.lost
                is_duplicate = is_second or one.call in calls
                line.duplicated += is_duplicate
                line.repeated += bool(calls) and not is_duplicate
                calls.add(one.call)

    def restart(self) -> None:
        self.platform.restart()

    def drain(self) -> None:
        self.platform.do(lambda hub: hub.drain(hub.gateways.open[0]))

    def _plan(self, chance: random.Random) -> Iterator[Kind]:
        """Yield all kinds in random order, repeatedly."""
        left: list[Kind] = []
        for _ in range(self.faults):
            if not left:
                left = kinds()
                chance.shuffle(left)
            yield left.pop()

    def _prepare(self, kind: Kind, chance: random.Random) -> Sequence[Armed] | Deed:
        """Create a fault of this kind, and arm it if it is one for the proxy."""
        made = kind.make(chance)
        self._count_leases()
        self.last = kind.name
        self.table[kind.name].count += 1
        if not callable(made):
            self.proxy.arm(*made)
        return made

    async def _happen(self, made: Sequence[Armed] | Deed) -> None:
        if callable(made):
            await asyncio.to_thread(made, self)
            return
        await eventually(
            lambda: all(each.is_done for each in made), f"{self.last} happens", SECONDS
        )

    async def _catch_up(self, runs: int) -> None:
        """Wait until the runs that were started before this fault have executed their steps."""
        wanted = runs * STEPS
        await eventually(lambda: len(self.executed) >= wanted, "work goes on", SECONDS)

    def _count_leases(self) -> None:
        counted = sum(line.leases for line in self.table.values())
        self.table[self.last].leases += len(self.platform.lost) - counted

    def _client(self) -> inngest.Inngest:
        return inngest.Inngest(
            app_id="storm",
            api_base_url=self.proxy.origin,
            event_api_base_url=self.platform.origin,
            checkpointing=self.checkpointing,
            is_production=False,
            middleware=[Noting],
        )

    def _worker(self, client: inngest.Inngest, number: int) -> Connection:
        executed = self.executed

        @client.create_function(
            fn_id="go", trigger=inngest.TriggerEvent(event="storm/go"), retries=20
        )
        async def go(ctx: inngest.Context) -> list[int]:
            key = int(str(ctx.event.data["key"]))

            async def work(step: int) -> int:
                executed[key, step].append(Execution(request_of.get(), self.last))
                await asyncio.sleep(0.005)
                return step

            return [await ctx.step.run(f"step {n}", work, n) for n in range(STEPS)]

        return make(
            [(client, [go])],
            instance_id=f"worker-{number}",
            rewrite_gateway_endpoint=self.proxy.endpoint,
            shutdown_signals=[],
            max_worker_concurrency=AT_ONCE,
            timing=SHORT,
        )


def shares_of(total: int, parts: int) -> list[int]:
    """Divide a number into parts that differ by at most one."""
    return [total * (n + 1) // parts - total * n // parts for n in range(parts)]


@contextmanager
def storm(runs: int, faults: int, seed: int, folder: Path, **options: Any) -> Iterator[Storm]:
    with (
        Platform(TERMS, folder / "storm.sqlite", backoff=BACKOFF) as platform,
        Proxy(platform.origin).working() as proxy,
    ):
        yield Storm(runs, faults, seed, platform, proxy, **options)


def weather(runs: int, faults: int, seed: int, folder: Path, **options: Any) -> Outcome:
    with storm(runs, faults, seed, folder, **options) as made:
        return asyncio.run(made.weather())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--checkpointing", action="store_true")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        found = weather(
            given.runs, given.faults, given.seed, Path(folder), checkpointing=given.checkpointing
        )
    print(found.show())


if __name__ == "__main__":
    main()
