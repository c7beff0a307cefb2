"""The process of a durable endpoint dies between its steps: the request is still seen through."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from inngest.dev import DevServer, Engine, VirtualClock

from .ports import free_port
from .supervisor import supervised

STEPS = 4
TAKEN_OVER = timedelta(minutes=6)
"""In which the engine notices that the app is silent, and sees the run through."""

Death = tuple[int, str]


@dataclass
class World:
    server: DevServer
    folder: Path
    url: str

    @property
    def log(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()

    def ask(self, key: str, kill: Death | None, nap: int | None) -> httpx.Response | None:
        """Send the request of a client; None when its connection broke."""
        order = {"key": key, "kill": list(kill) if kill else None, "nap": nap}
        try:
            return httpx.post(self.url, json=order, timeout=60, trust_env=False)
        except httpx.TransportError:
            return None

    def ended(self) -> dict[str, Any]:
        """The newest run, when the engine has seen it through."""
        self.server.advance(TAKEN_OVER)
        (run, *_) = self.server.runs(limit=1)
        return run

    def check(self, key: str, kill: Death | None) -> None:
        """No step was executed again that was recorded."""
        ran = Counter(line for line in self.log if line.startswith(f"ran {key} "))
        expected = Counter(f"ran {key} {step}" for step in range(STEPS))
        if kill is not None:
            assert f"kill {key} {kill[0]} {kill[1]}" in self.log
            if kill[1] == "worked":  # it had run, and nobody could know
                expected[f"ran {key} {kill[0]}"] += 1
        assert ran == expected


@contextmanager
def serving(server: DevServer, folder: Path, kind: str) -> Iterator[World]:
    port = free_port()
    plan = {"engine": server.origin, "port": port, "kind": kind}
    with supervised("durable_app", folder, plan) as supervisor:
        url = f"http://127.0.0.1:{port}/checkout"
        until = time.monotonic() + 60
        while True:
            assert supervisor.poll() is None and time.monotonic() < until
            try:
                httpx.get(url, trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.02)
        yield World(server, folder, url)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the supervisor forks")
@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_no_recorded_step_is_executed_again(tmp_path: Path, kind: str) -> None:
    engine = Engine(db=str(tmp_path / "engine.db"), clock=VirtualClock())
    deaths: list[Death] = [(1, "before"), (STEPS - 1, "worked")]
    with DevServer(port=0, engine=engine) as server, serving(server, tmp_path, kind) as world:
        answer = world.ask("alive", None, None)
        assert answer is not None and answer.json() == {"total": 6}
        world.check("alive", None)
        for number, kill in enumerate(deaths):
            key = f"dead-{number}"
            assert world.ask(key, kill, None) is None
            run = world.ended()
            assert (run["status"], run["output"]) == ("Completed", {"total": 6})
            world.check(key, kill)
        for number, kill in enumerate(deaths):  # while the engine repeats the request
            key = f"asleep-{number}"
            away = world.ask(key, kill, 1)
            assert away is not None and away.status_code == 302
            run = world.ended()
            assert (run["status"], run["output"]) == ("Completed", {"total": 6})
            world.check(key, kill)
            output = httpx.get(away.headers["location"], timeout=60, trust_env=False)
            assert (output.status_code, output.json()) == (200, {"total": 6})
        assert world.log.count("restart") == 2 * len(deaths)
