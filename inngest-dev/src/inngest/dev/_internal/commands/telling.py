"""Tell of an engine in a terminal: its functions, and its runs as they go."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape

from inngest.dev._internal.commands.printable import printable
from inngest.dev._internal.model.values import Function, Run, Trigger

_COLOURS = {"Completed": "green", "Failed": "red", "Cancelled": "yellow", "Running": "cyan"}


class Teller:
    """:param unheard: called when whoever read the output has left, as ``head`` does."""

    def __init__(self, unheard: Callable[[], None] = lambda: None) -> None:
        self._unheard = unheard
        self.console = Console(highlight=False, soft_wrap=True)
        self.errors = Console(stderr=True, highlight=False, soft_wrap=True)
        self._shown: dict[str, tuple[str, int]] = {}

    def say(self, text: str) -> None:
        self._print(self.console, text)

    def problem(self, what: str, detail: str) -> None:
        self._print(self.errors, f"[red]{escape(what)}[/]: {escape(detail)}")

    def _print(self, console: Console, text: str) -> None:
        try:
            console.print(printable(text))
        except (BrokenPipeError, SystemExit):  # rich exits, and be it from an engine's thread
            console.quiet = True
            self._unheard()

    def functions(self, functions: Sequence[Function]) -> None:
        width = max((len(f.id) for f in functions), default=0)
        for each in functions:
            triggers = ", ".join(map(_trigger, each.triggers)) or "nothing; it can be invoked"
            self.say(f"  [bold]{escape(each.id.ljust(width))}[/]  on {escape(triggers)}")

    def run(self, run: Run) -> None:
        """A line for each new status and each finished step."""
        before, now = self._shown.get(run.id), (run.status, len(run.stack))
        if before == now:
            return
        status, count = before or ("", 0)
        for step_id in run.stack[count:]:
            step = run.steps[step_id]
            mark = "[red]✗[/]" if step.state == "failed" else "[green]✓[/]"
            self.say(f"{run.id}  {escape(run.function_id)}  {mark} {escape(step.name)}")
        if run.status != status:
            self._status(run, is_new=not status)
        if run.ended:
            self._shown.pop(run.id, None)
        else:
            self._shown[run.id] = now

    def _status(self, run: Run, *, is_new: bool) -> None:
        colour = _COLOURS.get(run.status, "white")
        line = f"{run.id}  {escape(run.function_id)}  [{colour}]{run.status}[/]"
        if is_new:
            line += f"  ({escape(run.event.name)})"
        if run.status == "Failed":
            line += f"  {escape(_message(run.output))}"
        self.say(line)


def sync_failure(status: int, text: str, url: str, option: str, origin: str) -> str:
    """Why an app did not register, for people.

    :param option: names its endpoint.
    :param origin: where the engine is.
    """
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict) and body.get("message"):
        is_lost = body.get("code") == "server_unreachable"
        return f"{url}: {body['message']}" + (f". {hint(origin)}" if is_lost else "")
    if status == 404:
        return f"{url} is not there (404). Is inngest's serve() mounted elsewhere? Say {option}."
    return f"{url} answered {status}: {text[:500]}" if status else text


def hint(origin: str) -> str:
    """What has an app find the engine."""
    return f"Start the app with INNGEST_DEV={origin}"


def _trigger(trigger: Trigger) -> str:
    if trigger.cron is not None:
        return f"cron {trigger.cron}"
    return trigger.event + (f" if {trigger.expression}" if trigger.expression else "")


def _message(output: object) -> str:
    if isinstance(output, dict):
        inner = output.get("error")
        source = inner if isinstance(inner, dict) else output
        return f"{source.get('name') or 'Error'}: {source.get('message') or ''}"
    return ""
