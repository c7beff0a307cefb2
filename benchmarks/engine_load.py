"""What a run of ten steps costs the embedded engine, as its history grows to 100,000 runs.

Run `python benchmarks/engine_load.py [--history 100000] [--runs 200] [--svg build/engine_load.svg]`.
Engine and app share one process and one core; there are no sockets, and the database is a file.
Each step is a call of its own. The history is made of copies of real runs, with their events,
steps and attempts. `memory` is what the process holds after the runs were measured.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import inngest
from inngest.dev import Engine, InProcessDriver
from inngest.dev._internal.model.values import Json
from inngest.transport import Handler, ServeOptions

STEPS, FIRST, URL = 10, 1000, "http://app.bench/api/inngest"
COPIES = (
    (
        "INSERT INTO events SELECT :n || '-' || internal_id, name, received_at, body FROM events "
        "WHERE internal_id IN (SELECT event_id FROM runs WHERE id = :id)"
    ),
    (
        "INSERT INTO steps SELECT :n || '-' || run_id, id, name, op, state, created_at, ended_at, "
        "memo, position, arguments FROM steps WHERE run_id = :id"
    ),
    (
        "INSERT INTO attempts SELECT NULL, :n || '-' || run_id, :n || '-' || job_id, step_id, attempt, "
        "started_at, ended_at, outcome, body FROM attempts WHERE run_id = :id"
    ),
    (
        "INSERT INTO runs SELECT :n || '-' || id, function_id, :n || '-' || event_id, "
        ":n || '-' || event_key, status, created_at, started_at, ended_at, output, version, "
        "plan_only, batched, keys, lane, priority, defers, response, single FROM runs WHERE id = :id"
    ),
)
client = inngest.Inngest(app_id="bench", is_production=False)


class Point(NamedTuple):
    history: int
    milliseconds: float
    """Processor time of a run."""
    megabytes: float


async def step(number: int) -> int:
    return number


@client.create_function(
    fn_id="ten", trigger=inngest.TriggerEvent(event="bench/go"), checkpointing=False
)
async def ten(ctx: inngest.Context) -> int:
    return sum([await ctx.step.run(f"step {n}", step, n) for n in range(STEPS)])


def registration() -> Json:
    function = f"{URL}?fnId={ten.id}&stepId=step"
    steps = {"step": {"id": "step", "name": "step", "runtime": {"type": "http", "url": function}}}
    triggers = [{"event": "bench/go"}]
    functions = [{"id": ten.id, "name": "ten", "triggers": triggers, "steps": steps}]
    return {"appName": "bench", "url": URL, "functions": functions}


async def play(engine: Engine, runs: int) -> float:
    """Milliseconds of processor time for each run, of as many at once."""
    started = time.process_time()
    engine.send(b"[" + b",".join([b'{"name":"bench/go","data":{"n":1}}'] * runs) + b"]")
    await engine.settle()
    taken = time.process_time() - started
    ended = engine.runs(limit=runs)
    assert all(run["status"] == "Completed" and run["output"] == 45 for run in ended)
    return taken * 1000 / runs


def age(engine: Engine, target: int, known: int) -> None:
    """Copy a run until there are as many."""
    store = engine.store
    (run,) = store.runs(limit=1)
    with store.transaction():
        for number in range(known, target):
            for sql in COPIES:
                store._db.execute(sql, {"n": number, "id": run.id})


async def measure(histories: Sequence[int], runs: int, db: str) -> list[Point]:
    handler = Handler(client, [ten], ServeOptions(framework="bench", environ={}))
    engine = Engine(db=db, driver=InProcessDriver(handler))
    await engine.start()
    points = []
    try:
        engine.register(registration())
        first = await play(engine, FIRST)
        print(f"{FIRST:,} runs of {STEPS} steps: {first * FIRST / 1000:.1f} s of one core\n")
        print(f"{'history':>9}  {'ms a run':>9}  {'memory':>8}")
        known = FIRST
        for history in histories:
            age(engine, history, known)
            known = max(history, known)
            taken = await play(engine, runs)
            known += runs
            gc.collect()
            points.append(Point(history, taken, resident()))
            print(f"{history:>9,}  {taken:>9.2f}  {points[-1].megabytes:>5.0f} MB")
    finally:
        await engine.stop()
        handler.close()
    return points


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def drawn(points: Sequence[Point]) -> str:
    """A plot of the cost over the history."""
    width, height, left, bottom = 640, 320, 60, 40
    widest, tallest = points[-1].history, max(p.milliseconds for p in points) * 1.2

    def x(value: float) -> float:
        return left + (width - left - 20) * value / widest

    def y(value: float) -> float:
        return height - bottom - (height - bottom - 20) * value / tallest

    line = " ".join(f"{x(p.history):.1f},{y(p.milliseconds):.1f}" for p in points)
    dots = "".join(
        f'<circle cx="{x(p.history):.1f}" cy="{y(p.milliseconds):.1f}" r="3"/>' for p in points
    )
    ticks = "".join(
        f'<text x="{x(n * widest / 4):.0f}" y="{height - 18}" text-anchor="middle">'
        f"{n * widest // 4:,}</text>"
        f'<text x="{left - 8}" y="{y(n * tallest / 4) + 4:.0f}" text-anchor="end">'
        f"{n * tallest / 4:.1f}</text>"
        for n in range(5)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
        f'<path d="M{left} 20V{height - bottom}H{width - 20}" fill="none" stroke="#888"/>'
        f'<polyline points="{line}" fill="none" stroke="#205e4b" stroke-width="2"/>{dots}{ticks}'
        f'<text x="{left}" y="14">ms of processor time a run of {STEPS} steps, by runs in the '
        "history</text></svg>\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--svg", type=Path, default=Path("build/engine_load.svg"))
    options = parser.parse_args()
    shares = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1)
    histories = [max(FIRST, round(options.history * share)) for share in shares]
    with tempfile.TemporaryDirectory() as folder:
        points = asyncio.run(measure(histories, options.runs, f"{folder}/engine.db"))
    options.svg.parent.mkdir(parents=True, exist_ok=True)
    options.svg.write_text(drawn(points))
    print(f"\nplot: {options.svg}")


if __name__ == "__main__":
    main()
