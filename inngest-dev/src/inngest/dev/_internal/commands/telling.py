"""Tell of an engine in a terminal: its functions, its runs as they go, and what fails on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape

from inngest.dev._internal.commands.output import is_unread
from inngest.dev._internal.commands.printable import brief, printable, span
from inngest.dev._internal.model.values import Function, Run, Setback, Step, Trigger

_COLOURS = {"Completed": "green", "Failed": "red", "Cancelled": "yellow", "Running": "cyan"}


class Teller:
    """:param unheard: called when whoever read the output has left, as ``head`` does."""

    def __init__(self, unheard: Callable[[], None] = lambda: None) -> None:
        self._unheard = unheard
        self.console = Console(highlight=False, soft_wrap=True)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)
        self._shown: dict[str, tuple[str, int]] = {}
        self._since = time.time_ns() // 1_000_000

    def say(self, text: str) -> None:
        self._print(self.console, text)

    def problem(self, what: str, detail: str) -> None:
        self._print(self.errors, f"[red]{escape(what)}[/]: {escape(detail)}")

    def _print(self, console: Console, text: str) -> None:
        try:
            console.print(printable(text))
        except (OSError, SystemExit) as error:  # rich exits, and be it from an engine's thread
            if not (is_unread(error) or isinstance(error, SystemExit)):
                raise
            console.quiet = True
            self._unheard()

    def functions(self, functions: Sequence[Function]) -> None:
        width = max((len(f.id) for f in functions), default=0)
        for each in functions:
            triggers = ", ".join(map(_trigger, each.triggers)) or "nothing; it can be invoked"
            self.say(f"  [bold]{escape(each.id.ljust(width))}[/]  on {escape(triggers)}")

    def run(self, run: Run) -> None:
        """A line for each new status and each finished step.

        Of a run that an earlier engine began, only what has come since.
        """
        before, now = self._shown.get(run.id), (run.status, len(run.stack))
        if before == now:
            return
        status, count = before or ("", 0)
        if run.status != status and not run.ended:
            self._status(run, is_new=not status)
        for step_id in run.stack[count:]:
            step = run.steps[step_id]
            if (step.ended_at or 0) >= self._since:
                self._step(run, step)
        if run.ended:
            self._status(run, is_new=not status)
            self._shown.pop(run.id, None)
        else:
            self._shown[run.id] = now

    def setback(self, setback: Setback) -> None:
        """A line for a failed attempt: what went wrong, and when it is made again."""
        step = f"{escape(setback.step)}  " if setback.step else ""
        many = "" if setback.max_attempts is None else f" of {setback.max_attempts}"
        self.say(
            f"{setback.run_id}  {escape(setback.function_id)}  [yellow]↻[/] {step}"
            f"{escape(brief(setback.error))}  "
            f"(attempt {setback.attempt + 1}{many}, again in {span(setback.wait)})"
        )

    def _step(self, run: Run, step: Step) -> None:
        line = f"{run.id}  {escape(run.function_id)}  "
        if step.state == "failed":
            self.say(f"{line}[red]✗[/] {escape(step.name)}  {escape(brief(step.error))}")
        else:
            self.say(f"{line}[green]✓[/] {escape(step.name)}")

    def _status(self, run: Run, *, is_new: bool) -> None:
        colour = _COLOURS.get(run.status, "white")
        line = f"{run.id}  {escape(run.function_id)}  [{colour}]{run.status}[/]"
        if is_new:
            line += f"  ({escape(run.event.name)})"
        if run.status == "Failed":
            line += f"  {escape(brief(run.output))}"
        self.say(line)


def sync_failure(
    status: int, text: str, url: str, option: str, origin: str, *, is_keyed: bool = False
) -> str:
    """Why an app did not register, for people.

    :param option: names its endpoint.
    :param origin: where the engine is.
    :param is_keyed: whether the engine is one with keys, to which apps in cloud mode belong.
    """
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict) and body.get("message"):
        is_lost = body.get("code") in ("server_unreachable", "server_kind_mismatch")
        advice = hint(origin, is_keyed=is_keyed)
        return f"{url}: {body['message']}" + (f". {advice}" if is_lost else "")
    if status == 404:
        return (
            f"{url} is not there (404). serve() is mounted at /api/inngest unless it is told "
            f"another serve_path. Say {option}."
        )
    return f"{url} answered {status}: {text[:500]}" if status else text


def hint(origin: str, *, is_keyed: bool = False) -> str:
    """What has an app find the engine."""
    if is_keyed:
        keys = f"with INNGEST_BASE_URL={origin} and the engine's keys"
        return f"Start the app without INNGEST_DEV, {keys}"
    return f"Start the app with INNGEST_DEV={origin}"


def _trigger(trigger: Trigger) -> str:
    if trigger.cron is not None:
        return f"cron {trigger.cron}"
    return trigger.event + (f" if {trigger.expression}" if trigger.expression else "")
