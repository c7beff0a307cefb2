"""`python -m inngest runs`: list runs, show one, cancel one, start one again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table
from rich.text import Text

from inngest.dev._internal.commands.arguments import UsageError, read_list
from inngest.dev._internal.commands.output import exit_status, print_json, wide_console
from inngest.dev._internal.commands.printable import brief, printable
from inngest.dev._internal.commands.remote import ENDED, Remote, RemoteError, add_options, connect

STYLES = {"Completed": "green", "Failed": "red", "Cancelled": "yellow", "Running": "cyan"}
STATES = {"completed": "green", "failed": "red", "retrying": "red", "cancelled": "yellow"}


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    return exit_status(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    remote = connect(options)
    try:
        return int(options.do(remote, options) or 0)
    finally:
        remote.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inngest runs",
        description="List runs, show one, cancel one, start one again.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="list the newest runs")
    listing.add_argument(
        "--limit", type=int, default=20, help="at most so many, up to 1000 (default: %(default)s)"
    )
    listing.add_argument("--status", help="Scheduled, Running, Completed, Failed or Cancelled")
    listing.add_argument("--function", help="only of this one, <app>-<function>")
    listing.set_defaults(do=_list)

    show = commands.add_parser("show", help="show one run with its steps")
    show.add_argument("run_id", metavar="RUN")
    show.add_argument(
        "--export", metavar="FILE", help="write its history for inngest.dev.testing.check_history"
    )
    show.set_defaults(do=_show)

    cancel = commands.add_parser("cancel", help="cancel a run")
    cancel.add_argument("run_id", metavar="RUN")
    cancel.set_defaults(do=_cancel)

    rerun = commands.add_parser("rerun", help="start a run again, with the same events")
    rerun.add_argument("run_id", metavar="RUN")
    rerun.add_argument("--from-step", metavar="STEP", help="keep the steps before this one")
    rerun.add_argument("--input", metavar="JSON", help="other arguments for that step: a list")
    rerun.set_defaults(do=_rerun)
    for each in (listing, show, cancel, rerun):
        add_options(each)
    return parser


def _list(remote: Remote, options: argparse.Namespace) -> None:
    query: dict[str, str | int] = {"limit": options.limit}
    query |= {k: v for k in ("status", "function") if (v := getattr(options, k))}
    runs: list[dict[str, Any]] = remote.ask("GET", "/v0/runs", query=query)
    if options.json:
        print_json(runs)
        return
    table = Table("run", "function", "status", "event", "started", "duration", box=None)
    for column in table.columns:
        column.no_wrap = True
    for run in runs:
        table.add_row(
            Text(run["run_id"]),
            Text(printable(run["function_id"])),
            _status(run),
            Text(printable(run["event_name"])),
            Text(run["started_at"] or ""),
            Text(_milliseconds(run["duration_ms"])),
        )
    wide_console().print(table if runs else "there are no such runs")


def _show(remote: Remote, options: argparse.Namespace) -> None:
    if options.export:
        history = remote.ask("GET", f"/v0/runs/{_id(options)}/export")
        try:
            with open(options.export, "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump(history, file, indent=2)
        except OSError as error:
            why = f"--export: cannot write {options.export}: {error.strerror}"
            raise UsageError(why) from error
        return
    run: dict[str, Any] = remote.ask("GET", f"/v0/runs/{_id(options)}/history")
    if options.json:
        print_json(run)
        return
    console = wide_console()
    console.print(Text.assemble((printable(run["function_id"]), "bold"), "  ", _status(run)))
    for event in run["events"]:
        console.print(Text(f"event   {printable(event['name'])} {json.dumps(event['data'])}"))
    table = Table("step", "state", "attempts", "duration", "result", box=None)
    for step in run["steps"]:
        table.add_row(
            Text(printable(step["name"])),
            Text(step["state"], STATES.get(step["state"], "")),
            Text(str(step["attempts"] or "")),
            Text(_milliseconds(step["duration_ms"])),
            Text(_result(step)),
        )
    console.print(table)
    for entry in run["metadata"]:
        console.print(Text(f"noted   {json.dumps(entry['values'])}"))
    _failed_attempts(run, console)
    if run["output"] is not None:
        console.print(Text(f"output  {json.dumps(run['output'])}"))


def _failed_attempts(run: Mapping[str, Any], console: Console) -> None:
    """Print the failed attempts, and when those are made again that will be."""
    failed = [attempt for attempt in run["attempts"] if attempt["outcome"] == "failed"]
    if not failed:
        return
    names = {step["id"]: step["name"] for step in run["steps"]}
    again = {(w["job_id"], w["attempt"]): w["due"] for w in run["waiting"]}
    table = Table("failed attempt", "of", "ended", "again", "error", box=None)
    for each in failed:
        due = again.get((each["job_id"], each["attempt"] + 1))
        table.add_row(
            Text(str(each["attempt"] + 1)),
            Text(printable(names.get(each["step_id"], "the function"))),
            Text(each["ended_at"]),
            Text(due or "", STATES["retrying"]),
            Text(printable(brief(each["error"]))),
        )
    console.print(table)


def _cancel(remote: Remote, options: argparse.Namespace) -> None:
    run = remote.ask("GET", f"/v1/runs/{_id(options)}")
    if run["status"] in ENDED:
        raise RemoteError(f"the run has ended already: {run['status']}")
    remote.ask("DELETE", f"/v1/runs/{_id(options)}")
    if options.json:
        print_json({"run_id": options.run_id})
    else:
        Console(soft_wrap=True).print(f"cancelled {options.run_id}")


def _rerun(remote: Remote, options: argparse.Namespace) -> None:
    body: dict[str, object] = {}
    if options.from_step is not None:
        body["from_step"] = options.from_step
    if options.input is not None:
        body["input"] = read_list(options.input)
    answer = remote.ask("POST", f"/v0/runs/{_id(options)}/rerun", body=body)
    if options.json:
        print_json(answer)
    else:
        Console(soft_wrap=True).print(f"started {answer['run_id']}")


def _id(options: argparse.Namespace) -> str:
    """The id for a path. Anything but letters and digits might name another path."""
    if not options.run_id.isalnum():
        raise UsageError(f"Invalid run ID: {options.run_id}")
    return quote(options.run_id)


def _status(run: Mapping[str, Any]) -> Text:
    return Text(run["status"], STYLES.get(run["status"], ""))


def _result(step: Mapping[str, Any]) -> str:
    if step["error"]:
        return printable(brief(step["error"]))
    text = "" if step["output"] is None else json.dumps(step["output"])
    return text if len(text) <= 60 else text[:59] + "…"


def _milliseconds(value: int | None) -> str:
    return "" if value is None else f"{value} ms"
