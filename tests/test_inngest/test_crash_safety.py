"""A step that succeeded is not executed again, whatever happens to the app afterwards."""

from __future__ import annotations

import os
import random
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import inngest
from inngest.dev import DevServer, Engine

from .ports import free_port
from .supervisor import supervised

SEED = 20240
RUNS = 50
WAVE = 5
KILLS_OF_A_RUN = 3
STEPS = 4
POINTS = ("before", "inside", "worked", "answering", "answered")

# A wave's kills are fewer than the app's 20 retries: no call can run out of attempts.
assert WAVE * KILLS_OF_A_RUN < 20

Kill = tuple[int, int, str]


def plan(seed: int) -> list[Kill]:
    rng = random.Random(seed)
    places = [(step, point) for step in range(STEPS) for point in POINTS]
    return [
        (key, step, point)
        for key in range(RUNS)
        for step, point in rng.sample(places, KILLS_OF_A_RUN)
    ]


def register(server: DevServer, supervisor: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert supervisor.poll() is None
        status, text = server.sync(f"http://127.0.0.1:{port}/api/inngest")
        if status == 200:
            return
        assert status == 0, text
        time.sleep(0.02)
    pytest.fail("the app did not start")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the supervisor forks")
@pytest.mark.parametrize("checkpointing", [False, True], ids=["step by step", "checkpointed"])
def test_finished_steps_are_never_executed_again(tmp_path: Path, checkpointing: bool) -> None:
    kills = plan(SEED)
    port = free_port()
    engine = Engine(db=str(tmp_path / "engine.db"), backoff=[0.01])
    with DevServer(port=0, engine=engine) as server:
        options = {
            "engine": server.origin,
            "port": port,
            "kills": kills,
            "checkpointing": checkpointing,
        }
        with supervised("crash_app", tmp_path, options) as supervisor:
            register(server, supervisor, port)
            client = inngest.Inngest(
                app_id="test", is_production=False, event_api_base_url=server.origin
            )
            with closing(client):
                for first in range(0, RUNS, WAVE):
                    complete(server, client, range(first, first + WAVE))
    lines = (tmp_path / "log").read_text().splitlines()
    check(lines)
    # Two threads may die of one kill, so not every one of the plan shows in the log.
    died = {line for line in lines if line.startswith("kill")}
    assert died <= {f"kill {key} {step} {point}" for key, step, point in kills}
    assert {line.split()[-1] for line in died} == set(POINTS)
    assert lines.count("restart") >= RUNS


def is_reported(run: dict[str, Any]) -> bool:
    """Every step has a result, and nothing else has one.

    A step can be told of twice: what the app had sent before it was killed may be read when
    the next call is under way. The first result counts.
    """
    results = {a["step_id"] for a in run["attempts"] if a["outcome"] == "reported"}
    return results == {step["id"] for step in run["steps"]}


def complete(server: DevServer, client: inngest.Inngest, keys: range) -> None:
    """Start a run for each key at once, and see them all through."""
    ids = client.send_sync([event(key) for key in keys])
    for key, event_id in zip(keys, ids, strict=True):
        run = server.wait_for_run(event_id, timeout=120)
        assert run["status"] == "Completed", (key, run)
        assert run["output"] == sum(range(STEPS))
        assert is_reported(run), run
        assert [step["state"] for step in run["steps"]] == ["completed"] * STEPS


def event(key: int) -> inngest.Event:
    return inngest.Event(name=("crash/sync", "crash/async")[key % 2], data={"key": key})


def check(lines: list[str]) -> None:
    """Hold the log against the promise.

    What the function has seen of a step is final; and where a step ran twice, the app was
    killed between the two, before the first result could reach the engine. A life of the
    app ends at the line "restart": other threads may go on for a moment after "kill".
    """
    seen: set[str] = set()
    ran: dict[str, int] = {}
    lives = 1
    for line in lines:
        what, _, rest = line.partition(" ")
        if what == "restart":
            lives += 1
        elif what == "saw":
            seen.add(rest)
        elif what == "ran":
            key, step = rest.split()
            later = {f"{key} {n}" for n in range(int(step), STEPS)}
            assert not seen & later, f"step {step} of run {key} ran after it was finished"
            assert ran.get(rest) != lives, f"step {step} of run {key} ran twice without a crash"
            ran[rest] = lives
    assert len(seen) == len(ran) == RUNS * STEPS


@pytest.mark.parametrize(
    "lines", [["ran 0 1", "saw 0 1", "restart", "ran 0 1"], ["ran 0 1", "ran 0 1"]]
)
def test_the_check_sees_a_repetition(lines: list[str]) -> None:
    with pytest.raises(AssertionError, match="ran"):
        check(lines)
