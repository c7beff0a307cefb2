"""A worker whose network fails and recovers, in a network namespace where these are available.

Elsewhere, a proxy silently stops forwarding.
"""

from __future__ import annotations

import asyncio
import collections
import itertools
import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

import inngest

from .connect_platform import PATIENCE, TERMS, Platform, eventually
from .connect_proxy import HalfOpen, Proxy
from .connect_storm import BACKOFF

ROOT = Path(__file__).resolve().parents[2]
OUTAGES = 4
RUNS = 5
"""The number of runs during each outage."""
OUTAGE_SECONDS = 3 * TERMS.heartbeat

WORKER = textwrap.dedent(
    """
    import asyncio, sys
    import inngest
    from inngest.connect._internal.making import make
    from tests.test_inngest.connect_platform import SHORT
    from tests.test_inngest.connect_storm import Noting, request_of

    origin, gateway, log = sys.argv[1:]
    client = inngest.Inngest(
        app_id="app", is_production=False, api_base_url=origin, checkpointing=False,
        middleware=[Noting],
    )

    @client.create_function(
        fn_id="go", trigger=inngest.TriggerEvent(event="net/go"), retries=20
    )
    async def go(ctx):
        async def work(step):
            with open(log, "a") as file:
                print(ctx.event.data["key"], step, request_of.get(), file=file)
            await asyncio.sleep(0.05)
            return step
        return [await ctx.step.run(f"step {n}", work, n) for n in range(5)]

    rewrite = (lambda url: gateway + url[url.index("/v0"):]) if gateway else None
    asyncio.run(make([(client, [go])], timing=SHORT, rewrite_gateway_endpoint=rewrite).start())
    """
)


@dataclass(frozen=True)
class Network:
    """The network between a worker and its server."""

    host: str
    """The address for the server to listen on."""
    command: tuple[str, ...]
    """The prefix of the worker's command."""
    down: Callable[[], object]
    up: Callable[[], object]


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=PATIENCE)


@contextmanager
def namespace() -> Iterator[Network]:
    """Create a network for the worker whose only link can be taken down."""
    number = random.SystemRandom().randrange(1, 251)
    name, outer, inner = f"inngest-{number}", f"ing{number}a", f"ing{number}b"
    ip("netns", "add", name)
    try:
        ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
        ip("addr", "add", f"10.203.{number}.1/24", "dev", outer)
        ip("link", "set", outer, "up")
        ip("-n", name, "addr", "add", f"10.203.{number}.2/24", "dev", inner)
        ip("-n", name, "link", "set", inner, "up")
        yield Network(
            f"10.203.{number}.1",
            ("ip", "netns", "exec", name),
            lambda: ip("-n", name, "link", "set", inner, "down"),
            lambda: ip("-n", name, "link", "set", inner, "up"),
        )
    finally:
        ip("netns", "del", name)  # deletes both ends of the link


def has_namespaces() -> bool:
    """Try three times, as parallel test processes may choose the same number."""
    for _ in range(3):
        try:
            with namespace():
                return True
        except (OSError, subprocess.SubprocessError):
            continue
    return False


@contextmanager
def working(network: Network, origin: str, gateway: str, log: Path) -> Iterator[None]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INNGEST_")}
    command = [*network.command, sys.executable, "-c", WORKER, origin, gateway, str(log)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


async def outages(platform: Platform, network: Network, log: Path) -> None:
    client = platform.client()
    keys, sent, seen = itertools.count(), list[str](), 0
    await eventually(
        lambda: any(session.is_synced for session in platform.hub.sessions),
        "the worker has told its functions",
    )
    for _ in range(OUTAGES):
        events = [inngest.Event(name="net/go", data={"key": next(keys)}) for _ in range(RUNS)]
        sent += await client.send(events)
        await eventually(partial(has_grown, log, seen), "a step is executed")
        seen = len(executions(log))
        await asyncio.to_thread(network.down)
        await asyncio.sleep(OUTAGE_SECONDS)
        await asyncio.to_thread(network.up)
    for each in sent:
        run = await platform.ended(each)
        assert (run["status"], run["output"]) == ("Completed", [0, 1, 2, 3, 4])
    await client.aclose()
    await check(platform, log)


def executions(log: Path) -> list[list[str]]:
    """Return the run, step and call of each execution."""
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def has_grown(log: Path, seen: int) -> bool:
    return len(executions(log)) > seen


async def check(platform: Platform, log: Path) -> None:
    """Assert that no reply is lost, and that calls that held their lease executed each step once."""
    calls: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for key, step, call in executions(log):
        calls[key, step].append(call)
    assert len(calls) == OUTAGES * RUNS * 5
    for found in calls.values():
        assert len(set(found)) == len(found)
        assert len(set(found) - platform.lost) <= 1
    executed = {one for found in calls.values() for one in found}
    await eventually(lambda: executed <= platform.replies, "every reply is delivered")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["namespace", "proxy"] if has_namespaces() else ["proxy"])
def test_a_network_that_goes_away(kind: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    if kind == "namespace":
        with (
            namespace() as network,
            Platform(TERMS, host=network.host, backoff=BACKOFF) as platform,
            working(network, platform.origin, "", log),
        ):
            asyncio.run(outages(platform, network, log))
        return
    with (
        Platform(TERMS, backoff=BACKOFF) as platform,
        Proxy(platform.origin).working() as proxy,
    ):
        network = Network("", (), lambda: proxy.arm(HalfOpen()), lambda: None)
        with working(network, proxy.origin, proxy.endpoint("ws://gateway"), log):
            asyncio.run(outages(platform, network, log))
