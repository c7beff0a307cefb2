"""`python -m inngest send` an event, and `trigger` a function whatever its triggers are."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from rich.console import Console

from inngest.dev._internal.commands.arguments import read_data
from inngest.dev._internal.commands.output import exit_status, print_json
from inngest.dev._internal.commands.printable import brief, printable
from inngest.dev._internal.commands.remote import (
    ENDED,
    Remote,
    RemoteError,
    add_options,
    connect,
)

_PAUSE = 0.1
MAX_WAIT_SECONDS = 86_400


def send(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m inngest send", description="Send an event.")
    parser.add_argument("name", help="for example shop/order.placed")
    parser.add_argument("--id", help="events of one id start a function once")
    parser.add_argument(
        "--event-key", default=os.environ.get("INNGEST_EVENT_KEY") or "dev", help="its event key"
    )
    options = _parsed(parser, argv)

    def start(remote: Remote) -> str:
        event = {"name": options.name, "data": read_data(options.data)}
        if options.id:
            event["id"] = options.id
        return str(
            remote.ask("POST", f"/e/{quote(options.event_key, safe='')}", body=event)["ids"][0]
        )

    return exit_status(lambda: _start(options, start))


def trigger(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m inngest trigger", description="Start a function, whatever triggers it."
    )
    parser.add_argument("function", help="its id, <app>-<function>")
    options = _parsed(parser, argv)

    def start(remote: Remote) -> str:
        known = [each["slug"] for each in remote.ask("GET", "/dev")["functions"]]
        if options.function not in known:
            listed = ", ".join(known) or "none"
            raise RemoteError(f"there is no function {options.function}; there is: {listed}")
        body = {"data": read_data(options.data)}
        path = f"/invoke/{quote(options.function, safe='')}"
        return str(remote.ask("POST", path, body=body)["id"])

    return exit_status(lambda: _start(options, start))


def _parsed(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    parser.add_argument("--data", default="{}", metavar="JSON", help="a JSON object, or @FILE")
    parser.add_argument(
        "--wait", type=_seconds, metavar="SECONDS", help="wait for the runs to end; 1 if one failed"
    )
    add_options(parser)
    return parser.parse_args(argv)


def _start(options: argparse.Namespace, start: Callable[[Remote], str]) -> int:
    """Start runs, and print what comes of them.

    :param start: sends the event that starts them, and returns its id.
    """
    remote = connect(options)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        event_id = start(remote)
        if not options.json:
            console.print(f"sent {event_id}")  # at once: the wait may take long, or fail
        runs = [] if options.wait is None else _wait(remote, event_id, options.wait)
    finally:
        remote.close()
    if options.json:
        print_json({"event_id": event_id, **({} if options.wait is None else {"runs": runs})})
    else:
        for run in runs:
            line = f"{run['run_id']}  {run['function_id']}  {run['status']}"
            console.print(printable(f"{line}  {_told(run)}"))
    return 0 if all(run["status"] == "Completed" for run in runs) else 1


def _wait(remote: Remote, event_id: str, seconds: float) -> list[dict[str, Any]]:
    """The runs of an event, once all of them have ended.

    :raises RemoteError: there is none, or not all have ended, within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        runs: list[dict[str, Any]] = remote.ask("GET", f"/v1/events/{event_id}/runs")
        if runs and all(run["status"] in ENDED for run in runs):
            slugs = {each["id"]: each["slug"] for each in remote.ask("GET", "/dev")["functions"]}
            return [
                {**run, "function_id": slugs.get(run["function_id"], run["function_id"])}
                for run in runs
            ]
        if time.monotonic() >= deadline:
            break
        time.sleep(_PAUSE)
    if not runs:
        raise RemoteError(f"{event_id} started no function within {seconds:g} s")
    going = ", ".join(run["run_id"] for run in runs if run["status"] not in ENDED)
    raise RemoteError(f"not ended within {seconds:g} s: {going}")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        raise argparse.ArgumentTypeError(f"seconds are a number from 0 to {MAX_WAIT_SECONDS}")
    return seconds


def _told(run: Any) -> str:
    output = run.get("output")
    return brief(output) if run["status"] == "Failed" else json.dumps(output)
