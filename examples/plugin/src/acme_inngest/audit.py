"""A middleware that notes, in a file, each step that was run and each event that was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import inngest
from inngest.middleware import StepInfo


class Audit(inngest.MiddlewareSync):
    """Notes who did what. Notes no data."""

    def __init__(self, client: inngest.Inngest, raw_request: object, log: AuditLog) -> None:
        super().__init__(client, raw_request)
        self._log = log
        self._run: dict[str, object] = {"app": client.app_id}

    def transform_input(
        self, ctx: Any, function: inngest.Function[Any], steps: inngest.StepMemos
    ) -> None:
        self._run = {"app": self.client.app_id, "function": function.id, "run": ctx.run_id}

    def on_step_complete(self, step: StepInfo) -> None:
        self._log.note({**self._run, "step": step.id})

    def on_step_error(self, step: StepInfo, error: Exception) -> None:
        self._log.note({**self._run, "step": step.id, "error": type(error).__name__})

    def after_send_events(self, result: inngest.SendEventsResult) -> None:
        self._log.note({**self._run, "events": result.ids})


class AuditLog:
    """A file of JSON lines, which several threads may write to."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._lock = threading.Lock()

    def note(self, entry: dict[str, object]) -> None:
        """Add a line."""
        line = json.dumps(entry) + "\n"
        with self._lock, self._file.open("a", encoding="utf-8") as stream:
            stream.write(line)


def audit_to(file: str) -> Callable[[inngest.Inngest, object], Audit]:
    """Return a factory of middleware that writes to ``file``."""
    log = AuditLog(file)
    return lambda client, raw_request: Audit(client, raw_request, log)
