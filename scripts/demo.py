"""Run an example against the embedded engine and show one run live.

    scripts/demo.py [TRANSPORT]     flask unless said otherwise; `--help` lists them

Ends with status 0 when the run completed, and with 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

import inngest
from inngest.dev import DevServer, Engine
from inngest.errors import Error

ROOT = Path(__file__).resolve().parents[1]
DEADLINE = 60.0
FRAME = 0.05
WIDTH = 32
ORDER = inngest.Event(name="shop/order.placed", data={"id": "o-1", "cents": 1250})
STYLES = {
    "completed": "green",
    "failed": "red",
    "retrying": "yellow",
    "sleeping": "blue",
    "running": "cyan",
}
ENDED = ("Completed", "Failed", "Cancelled")
View = Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """How an example is started; PORT stands for the port."""

    command: tuple[str, ...]
    folder: str
    path: str = "/api/inngest"


MANAGE = ("manage.py", "runserver", "--noreload", "127.0.0.1:PORT")
UVICORN = ("-m", "uvicorn", "--port", "PORT", "--lifespan", "off", "shop.asgi:application")
EXAMPLES = {
    "asgi": Example(("app.py",), "asgi"),
    "digital_ocean": Example(("app.py",), "digital_ocean", "/api/v1/web/fn-local/sample/inngest"),
    "django": Example(MANAGE, "django"),
    "django_asgi": Example(UVICORN, "django"),
    "fast_api": Example(("app.py",), "fast_api"),
    "flask": Example(("app.py",), "flask"),
    "tornado": Example(("app.py",), "tornado"),
    "wsgi": Example(("app.py",), "wsgi"),
}


class DemoError(Exception):
    """The demo could not be shown."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Show a run of an example live.")
    parser.add_argument("transport", nargs="?", default="flask", choices=sorted(EXAMPLES))
    shown = EXAMPLES[parser.parse_args(arguments).transport]
    console = Console(highlight=False)
    deadline = time.monotonic() + DEADLINE
    try:
        with DevServer(port=0, engine=Engine(backoff=[0.7])) as server:
            port = free_port()
            with example(shown, server.origin, port) as app:
                register(server, app, f"http://127.0.0.1:{port}{shown.path}", deadline)
                run, seconds = watch(console, server, send(server), deadline)
    except (DemoError, Error, OSError) as error:
        console.print(Text(f"the demo failed: {error}", "red"))
        return 1
    is_completed = run.get("status") == "Completed"
    console.print(Text(ending(run, seconds), "green" if is_completed else "red"))
    return 0 if is_completed else 1


def ending(run: View, seconds: float) -> str:
    if run.get("status") not in ENDED:
        return f"not completed after {seconds:.2f} s"
    output = run.get("output")
    shown = output if run["status"] == "Completed" else message_of(output)
    return f"{run['status']} in {seconds:.2f} s\nresult: {shown}"


def message_of(error: Any) -> Any:
    """Its message, whether the app tells of it or the engine does."""
    inner = error.get("error") if isinstance(error, dict) else None
    body = inner if isinstance(inner, dict) else error
    return body.get("message") if isinstance(body, dict) else body


def free_port() -> int:
    """One for the app. Systems give out those above for any connection, before it has begun."""
    for port in random.sample(range(20_000, 32_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise DemoError("no port is free")


@contextmanager
def example(shown: Example, engine: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """The example as a process of its own; it ends with the block."""
    with tempfile.TemporaryFile("w+") as log, process(shown, engine, port, log) as app:
        try:
            yield app
        except DemoError as error:
            log.seek(0)
            raise DemoError(f"{error}\n{log.read()[-4000:]}") from None


@contextmanager
def process(
    shown: Example, engine: str, port: int, log: IO[str]
) -> Iterator[subprocess.Popen[str]]:
    app = subprocess.Popen(
        [sys.executable, *(part.replace("PORT", str(port)) for part in shown.command)],
        cwd=ROOT / "examples" / shown.folder,
        env={**os.environ, "INNGEST_DEV": engine, "PORT": str(port)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield app
    finally:
        app.terminate()
        try:
            app.wait(5)
        except subprocess.TimeoutExpired:
            app.kill()
            app.wait(5)


def register(server: DevServer, app: subprocess.Popen[str], url: str, deadline: float) -> None:
    """Have the app register, as soon as it answers."""
    while time.monotonic() < deadline:
        if app.poll() is not None:
            raise DemoError(f"the app ended with status {app.returncode}")
        status, text = server.sync(url)
        if status == 200:
            return
        if status:
            raise DemoError(f"the app did not register: {status} {text}")
        time.sleep(FRAME)
    raise DemoError("the app did not start in time")


def send(server: DevServer) -> str:
    client = inngest.Inngest(
        app_id="demo",
        is_production=False,
        event_api_base_url=server.origin,
    )
    try:
        return client.send_sync(ORDER)[0]
    finally:
        client.close()


def watch(
    console: Console, server: DevServer, event_id: str, deadline: float
) -> tuple[View, float]:
    """Show the run of the event until it ends: live in a terminal, else its last state."""
    started = time.monotonic()
    run: View = {}
    seconds = 0.0
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while time.monotonic() < deadline and run.get("status") not in ENDED:
            time.sleep(FRAME)
            run = run_of(server, event_id)
            seconds = time.monotonic() - started
            if console.is_terminal:
                live.update(screen(run, seconds), refresh=True)
    console.print(screen(run, seconds))
    return run, seconds


def run_of(server: DevServer, event_id: str) -> View:
    found = [run for run in server.runs() if run["event_id"] == event_id]
    return (server.history(found[0]["run_id"]) or {}) if found else {}


def screen(run: View, seconds: float) -> RenderableType:
    table = Table("step", "state", "attempts", "duration", "output", box=SIMPLE_HEAD)
    for step in run.get("steps", []):
        table.add_row(*row(step))
    title = f"{run.get('function_id', 'waiting')}  {run.get('status', '')}  {seconds:.1f} s"
    return Group(Text(title, "bold"), table)


def row(step: View) -> tuple[Text, Text, Text, Text, Text]:
    state = str(step["state"])
    duration = step["duration_ms"]
    error = step["error"] or {}
    shown = error.get("message", "") if error else step["output"]
    return (
        Text(str(step["name"])),
        Text(state, STYLES.get(state, "")),
        Text(str(step["attempts"] or "")),
        Text("" if duration is None else f"{duration} ms"),
        Text("" if shown is None else shortened(str(shown))),
    )


def shortened(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
