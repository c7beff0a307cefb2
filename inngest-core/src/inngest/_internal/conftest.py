"""Helpers that the unit tests of calls share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from inngest import Event, Inngest
from inngest._internal.engine.execution import Execution
from inngest._internal.flow import Flow, Outcome
from inngest._internal.http.checkpoints import NoCheckpoints
from inngest._internal.middleware.stack import Stack
from inngest._internal.step.flow import begin
from inngest._internal.step.invocation import Invocation, Invoke, Prepare
from inngest._internal.step.replay_logger import ReplayLogger


def invocation(
    execution: Execution,
    handler: Callable[..., object] = print,
    middleware: Sequence[object] = (),
    **changes: Any,
) -> Invocation:
    client = Inngest(app_id="app", is_production=False)
    event = Event(name="e")
    defaults: dict[str, Any] = {
        "execution": execution,
        "hooks": Stack(middleware),
        "serializer": None,
        "find_serializer": client._find_serializer,
        "checkpoints": NoCheckpoints(),
        "handler": handler,
        "app_id": "app",
        "event": event,
        "events": [event],
        "run_id": "R",
        "job_id": None,
        "request_id": None,
        "logger": ReplayLogger(client.logger, execution),
        "client": client,
    }
    return Invocation(**{**defaults, **changes})


def invoked(made: Invocation) -> Flow[Outcome[object]]:
    """Return a flow that calls the function."""

    run = yield Prepare(made)
    assert (yield from begin(made)) is None
    outcome: Outcome[object] = yield Invoke(run, run.context)
    return outcome
