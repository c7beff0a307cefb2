"""How long the test kit takes for a workflow of 30 days with 100 sleeps.

Run `python benchmarks/testing_kit.py`. The code is replayed from the top at each of the 101
calls, as a server would have it; `overhead` is one test of a function without steps.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import timedelta

import inngest
from inngest.dev.testing import VirtualEngine

SLEEPS, ROUNDS = 100, 15
NAP = timedelta(days=30) / SLEEPS
EVENT = inngest.Event(name="user/created")
client = inngest.Inngest(app_id="bench", is_production=False)


@client.create_function(fn_id="long", trigger=inngest.TriggerEvent(event="user/created"))
def long(ctx: inngest.ContextSync) -> str:
    for number in range(SLEEPS):
        ctx.step.sleep(f"nap {number}", NAP)
    return "done"


@client.create_function(fn_id="short", trigger=inngest.TriggerEvent(event="user/created"))
def short(_ctx: inngest.ContextSync) -> str:
    return "done"


def play(function: inngest.Function[str], span: timedelta) -> None:
    with VirtualEngine(client, [function]) as engine:
        run = engine.send(EVENT)
        engine.advance(span)
        assert run.output == "done"


def measure(name: str, work: Callable[[], None]) -> None:
    work()
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    print(f"{name:<28} median {statistics.median(taken):6.1f} ms   best {min(taken):6.1f} ms")


if __name__ == "__main__":
    measure(f"30 days, {SLEEPS} sleeps", lambda: play(long, timedelta(days=31)))
    measure("overhead: no steps", lambda: play(short, timedelta(0)))
