"""Production servers under load: every run completes, and every step is executed once."""

from __future__ import annotations

import collections
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import inngest
from inngest.dev import DevServer

from .ports import free_port

HERE = Path(__file__).parent
RUNS = 200
STEPS = 5
SECONDS = 120.0
"""For all runs of one server; they take a few seconds on an idle machine."""
SERVERS = {
    "gunicorn": (
        "-m gunicorn --threads 8 --bind 127.0.0.1:PORT --log-level warning load_app:make_flask()"
    ),
    "uvicorn": "-m uvicorn --port PORT --log-level warning --factory load_app:make_fast_api",
    "tornado": "load_app.py tornado PORT",
}


@contextmanager
def serving(name: str, engine: str, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    command = SERVERS[name].replace("PORT", str(port)).split()
    with log.with_suffix(".out").open("wb") as output:
        app = subprocess.Popen(
            [sys.executable, *command],
            cwd=HERE,
            env={**os.environ, "INNGEST_DEV": engine, "LOAD_LOG": str(log)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield app, f"http://127.0.0.1:{port}/api/inngest"
        finally:
            app.terminate()
            try:
                app.wait(60)
            except subprocess.TimeoutExpired:
                app.kill()
                app.wait(60)


def register(server: DevServer, app: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert app.poll() is None, "the app ended"
        status, text = server.sync(url)
        if status == 200:
            return
        assert status == 0, text
        time.sleep(0.05)
    pytest.fail("the app did not start")


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_two_hundred_runs_at_once(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        DevServer(port=0) as server,
        serving(name, server.origin, log) as (app, url),
    ):
        register(server, app, url)
        client = inngest.Inngest(
            app_id="load", is_production=False, event_api_base_url=server.origin
        )
        with closing(client):
            ids = client.send_sync(
                [
                    inngest.Event(name=("load/sync", "load/async")[key % 2], data={"key": key})
                    for key in range(RUNS)
                ]
            )
        deadline = time.monotonic() + SECONDS
        for sent in ids:
            run = server.wait_for_run(sent, timeout=max(0.1, deadline - time.monotonic()))
            assert (run["status"], run["output"]) == ("Completed", sum(range(STEPS))), run
    executed = collections.Counter(log.read_text().splitlines())
    assert executed == {f"{key} {step}": 1 for key in range(RUNS) for step in range(STEPS)}
