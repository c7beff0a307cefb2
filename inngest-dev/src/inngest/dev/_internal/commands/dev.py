"""`python -m inngest dev`: run the embedded engine, and the app, until told to stop."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from rich.markup import escape

from inngest.dev._internal.api.access import is_loopback
from inngest.dev._internal.commands.absence import Absence
from inngest.dev._internal.commands.discovery import FILES, find_app
from inngest.dev._internal.commands.hosted import HostedApp
from inngest.dev._internal.commands.reloading import LOOK_SECONDS, Reloading
from inngest.dev._internal.commands.syncing import Syncs
from inngest.dev._internal.commands.terminal import Terminal
from inngest.dev._internal.drivers.signing import secret_of
from inngest.dev._internal.model.urls import is_url
from inngest.dev._internal.running.engine import Engine
from inngest.dev._internal.server import DevServer
from inngest.dev._internal.store.schema import UnusableDatabaseError

NO_APP = (
    "no app found here: name one with --app module:app, or --url; "
    "a worker of Connect comes by itself"
)
OPEN = "whoever reaches it may use the engine: give it --signing-key and --event-key"
DEFAULT_PATH = "/api/inngest"


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    stop = threading.Event()
    terminal = Terminal(unheard=stop.set)
    engine = Engine(
        db=options.db,
        signing_key=options.signing_key,
        event_key=options.event_key,
        backoff=options.backoff,
    )
    engine.subscribe(terminal.run)
    engine.subscribe_to_setbacks(terminal.setback)
    server = DevServer(options.host, options.port, engine, ui=not options.no_ui)
    target = options.app or (None if options.url else find_app(Path.cwd()))
    absence = Absence(server, options.url, is_hosting=target is not None)
    previous = {s: signal.signal(s, _setter(stop)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        if not _opened(options, terminal, server):
            return 1
        terminal.say(f"[bold]inngest dev[/] is listening on [bold]{server.origin}[/]")
        if not options.no_ui:
            terminal.say(f"dashboard: [bold]{server.dashboard_url}[/]")
        is_keyed = options.signing_key and options.event_key
        if not (is_keyed or _is_this_machine(options.host)):
            terminal.problem(options.host, OPEN)
        _work(target, options, terminal, server, absence, stop)
    finally:
        server.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)
    terminal.say("stopped")
    return 0


def _opened(options: argparse.Namespace, terminal: Terminal, server: DevServer) -> bool:
    try:
        server.start()
    except OSError as error:
        terminal.problem(f"cannot listen on {options.host}:{options.port}", _why(error))
        return False
    except UnusableDatabaseError as error:
        terminal.problem("--db", str(error))
        return False
    return True


def _work(
    target: str | None,
    options: argparse.Namespace,
    terminal: Terminal,
    server: DevServer,
    absence: Absence,
    stop: threading.Event,
) -> None:
    syncs = Syncs(terminal, server, absence)
    for url in options.url:
        syncs.sync(url)
    for url in absence.urls:
        terminal.say(f"{escape(url)} is asked again until it answers")
    if target is None and not options.url:
        terminal.say(NO_APP)
    if target is None:
        while not stop.wait(LOOK_SECONDS):
            syncs.look()
        return
    app = HostedApp(target, environment(server, options))
    urls = [app.origin + path for path in options.path or [DEFAULT_PATH]]
    try:
        Reloading(app, urls, terminal=terminal, server=server, syncs=syncs, absence=absence).run(
            stop
        )
    finally:
        server.stop()  # first, or the calls that the app is answering would fail
        app.close()


def environment(server: DevServer, options: argparse.Namespace) -> Mapping[str, str]:
    """The variables by which the app sends to this engine, and takes calls from it alone."""
    found: dict[str, str] = {"INNGEST_DEV": server.origin, "PYTHONUNBUFFERED": "1"}
    if options.signing_key:
        found |= {
            "INNGEST_DEV": "0",
            "INNGEST_BASE_URL": server.origin,
            "INNGEST_SIGNING_KEY": options.signing_key,
            "INNGEST_EVENT_KEY": options.event_key or "dev",
        }
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inngest dev",
        description="Run the embedded Inngest engine, for development. Not for production.",
    )
    add = parser.add_argument
    add(
        "--app",
        metavar="MODULE:APP",
        help="serve this ASGI, WSGI or Tornado app, with reload (default: app or application "
        f"of the first of these files that uses inngest: {', '.join(FILES)}; unless --url is given)",
    )
    add(
        *("--url", "-u"),
        type=_url,
        action="append",
        default=[],
        help="endpoint of an app that you serve; may be given several times",
    )
    add(
        "--path",
        type=lambda text: "/" + text.lstrip("/"),
        action="append",
        default=[],
        help=f"where --app serves Inngest, once for each client (default: {DEFAULT_PATH})",
    )
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add(
        "--port",
        type=_port,
        default=8288,
        help="port to listen on; 0 for any (default: %(default)s)",
    )
    add("--db", default=":memory:", metavar="FILE", help="keep state here (default: memory)")
    add("--no-ui", action="store_true", help="without the dashboard")
    add("--signing-key", type=_key, help="sign calls and ask for this key, like a cloud server")
    add("--event-key", type=_key, help="take events with this key only")
    add(
        "--backoff",
        type=_delays,
        metavar="SECONDS[,SECONDS...]",
        help="delays before retries, instead of the server's 15,30,60,...",
    )
    return parser


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or is_loopback(host)


def _why(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is taken. Is another engine running? Choose one with --port."
    if error.errno in (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN):
        return "that is no address of this machine. Choose one with --host."
    return os.strerror(error.errno) if error.errno else str(error)


def _url(text: str) -> str:
    if not is_url(text):
        raise argparse.ArgumentTypeError("a URL is like http://127.0.0.1:8000/api/inngest")
    return text


def _key(text: str) -> str:
    if not secret_of(text.strip()):
        raise argparse.ArgumentTypeError("the key is empty: is its variable set?")
    return text


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return number


def _delays(text: str) -> list[float]:
    try:
        delays = [float(part) for part in text.split(",")]
    except ValueError:
        delays = [-1.0]
    if not all(0 <= d <= 86400 for d in delays):
        raise argparse.ArgumentTypeError("delays are seconds from 0 to 86400")
    return delays


def _setter(stop: threading.Event) -> Callable[[int, FrameType | None], Any]:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    return handle
