"""What the REST API shows of runs, events and functions. Pure."""

from __future__ import annotations

from inngest.dev._internal.model.durations import SECOND, iso
from inngest.dev._internal.model.ids import ENVIRONMENT, NIL
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.values import DISCOVERY, Event, Function, Item, Json, Run


def enveloped(data: Json, now: int) -> dict[str, Json]:
    metadata = {"fetched_at": iso(now), "cached_until": iso(now + SECOND)}
    return {"data": data, "metadata": metadata}


def failure(status: int, message: str) -> dict[str, Json]:
    return {"error": message, "data": None, "status": status}


def event_view(event: Event) -> dict[str, Json]:
    return {
        "internal_id": event.internal_id,
        "account_id": NIL,
        "environment_id": NIL,
        "source": "",
        "source_id": None,
        "received_at": iso(event.received_at),
        **event.body,
    }


def run_of_event_view(run: Run, function_uuid: str) -> dict[str, Json]:
    return {**run_view(run, function_uuid), "environment_id": NIL}


def run_view(run: Run, function_uuid: str) -> dict[str, Json]:
    view: dict[str, Json] = {
        "run_id": run.id,
        "run_started_at": iso(run.started_at or run.created_at),
        "function_id": function_uuid,
        "function_version": 0,
        "environment_id": ENVIRONMENT,
        "event_id": run.event.internal_id,
        "status": run.status,
        "ended_at": iso(run.ended_at),
    }
    if run.ended:
        view["output"] = run.output
    return view


def function_uuid(run: Run, state: State) -> str:
    """Empty when the function is not registered any more."""
    function = state.function(run.function_id)
    return function.uuid if function else ""


def job_view(item: Item) -> dict[str, Json]:
    kind = {"call": "edge", "wait": "pause", "invoke": "pause", "signal": "pause"}
    return {
        "JobID": item.job_id,
        "at": iso(item.due),
        "position": 0,
        "kind": kind.get(item.kind, item.kind),
        "attempt": item.attempt,
    }


def function_view(function: Function, app_id: str) -> dict[str, Json]:
    triggers = [
        {"cron": t.cron}
        if t.cron is not None
        else {"event": t.event, **({"expression": t.expression} if t.expression else {})}
        for t in function.triggers
    ]
    step = {"id": DISCOVERY, "name": DISCOVERY, "uri": function.url,
            "retries": function.max_attempts - 1}  # fmt: skip
    config = {"id": function.uuid, "fv": 1, "name": function.name, "slug": function.id,
              "triggers": triggers, "steps": [step]}  # fmt: skip
    return {
        "internal_id": function.uuid,
        "env_id": NIL,
        "app_id": app_id,
        "id": function.id,
        "name": function.name,
        "config": config,
    }
