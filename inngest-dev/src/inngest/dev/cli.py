"""`python -m inngest dev`: run the embedded engine until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from rich.console import Console
from rich.markup import escape

from inngest.dev.engine import Engine
from inngest.dev.model import Run
from inngest.dev.schema import UnusableDatabaseError
from inngest.dev.server import DevServer

_COLOURS = {"Completed": "green", "Failed": "red", "Cancelled": "yellow", "Running": "cyan"}


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    engine = Engine(
        db=options.db,
        signing_key=options.signing_key,
        event_key=options.event_key,
        backoff=options.backoff,
    )
    shown: dict[str, tuple[str, int]] = {}
    engine.subscribe(lambda run: _show(console, run, shown))
    server = DevServer(options.host, options.port, engine)
    try:
        server.start()
    except OSError as error:
        address = f"{options.host}:{options.port}"
        errors.print(
            f"[red]cannot listen on {address}[/]: {escape(error.strerror or str(error))}. "
            "Is another server running? Choose another port with --port."
        )
        return 1
    except UnusableDatabaseError as error:
        errors.print(f"[red]{escape(str(error))}[/]")
        return 1
    stop = threading.Event()
    previous = {s: signal.signal(s, _setter(stop)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        console.print(f"[bold]inngest dev[/] is listening on [bold]{server.origin}[/]")
        _sync(console, errors, server, options.url)
        while not stop.wait(3600):
            pass
    finally:
        server.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)
    console.print("stopped")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inngest dev",
        description="Run the embedded Inngest engine, for development. Not for production.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=8288, help="port to listen on; 0 for any")
    parser.add_argument(
        "--db", default=":memory:", metavar="FILE", help="keep state in this file (default: memory)"
    )
    parser.add_argument(
        "--url", "-u", action="append", default=[], help="Inngest endpoint of an app to sync"
    )
    parser.add_argument(
        "--signing-key", help="sign calls and ask for this key, like a cloud server"
    )
    parser.add_argument("--event-key", help="take events with this key only")
    parser.add_argument(
        "--backoff",
        type=_delays,
        metavar="SECONDS[,SECONDS...]",
        help="delays before retries, instead of the server's 15,30,60,...",
    )
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def _delays(text: str) -> list[float]:
    delays = [float(part) for part in text.split(",")]
    if not all(0 <= d <= 86400 for d in delays):
        raise argparse.ArgumentTypeError("delays are seconds from 0 to 86400")
    return delays


def _setter(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    return handle


def _sync(console: Console, errors: Console, server: DevServer, urls: Sequence[str]) -> None:
    for url in urls:
        status, text = server.sync(url)
        if status == 200:
            console.print(f"synced {escape(url)}")
        else:
            errors.print(f"[red]could not sync {escape(url)}[/]: {escape(text)}")


def _show(console: Console, run: Run, shown: dict[str, tuple[str, int]]) -> None:
    """A line for each new status and each finished step."""
    before, now = shown.get(run.id), (run.status, len(run.stack))
    if before == now:
        return
    status, count = before or ("", 0)
    for step_id in run.stack[count:]:
        step = run.steps[step_id]
        mark = "[red]✗[/]" if step.state == "failed" else "[green]✓[/]"
        console.print(f"{run.id}  {escape(run.function_id)}  {mark} {escape(step.name)}")
    if run.status != status:
        colour = _COLOURS.get(run.status, "white")
        line = f"{run.id}  {escape(run.function_id)}  [{colour}]{run.status}[/]"
        if not status:
            line += f"  ({escape(run.event.name)})"
        console.print(line)
    if run.ended:
        shown.pop(run.id, None)
    else:
        shown[run.id] = now
