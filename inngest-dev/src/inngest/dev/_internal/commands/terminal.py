"""Print what happens in an engine: its functions, its runs as they go, and attempts that fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape

from inngest.dev._internal.commands.output import is_unread
from inngest.dev._internal.commands.printable import brief, printable, span
from inngest.dev._internal.model.values import Function, Run, Setback, Step, Trigger

_COLOURS = {"Completed": "green", "Failed": "red", "Cancelled": "yellow", "Running": "cyan"}


class Terminal:
    """:param unheard: called when nobody reads the output any more, as after ``head``."""

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
        except (OSError, SystemExit) as error:  # rich raises the latter when a pipe is broken
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


def _trigger(trigger: Trigger) -> str:
    if trigger.cron is not None:
        return f"cron {trigger.cron}"
    return trigger.event + (f" if {trigger.expression}" if trigger.expression else "")
