"""What is shown of a run: a line of it, or its whole history. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from inngest.dev._internal.model.durations import iso
from inngest.dev._internal.model.values import DISCOVERY, Item, Json, Run, Step

_STATES = {"sleep": "sleeping", "invoke": "invoking", "fetch": "fetching"}


def summary(run: Run) -> dict[str, Json]:
    """A line of the list of runs."""
    return {
        "run_id": run.id,
        "function_id": run.function_id,
        "status": run.status,
        "event_id": run.event.internal_id,
        "event_name": run.event.name,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "duration_ms": span(run.started_at, run.ended_at),
        "output": run.output if run.ended else None,
    }


def history(
    run: Run, attempts: Sequence[dict[str, Json]], items: Sequence[Item]
) -> dict[str, Json]:
    """A run with its steps, its attempts, and what it waits for."""
    shown = [
        {
            "step_id": a["step_id"],
            "job_id": a["job_id"],
            "attempt": a["attempt"],
            "started_at": iso(a["started_at"]),
            "ended_at": iso(a["ended_at"]),
            "duration_ms": a["ended_at"] - a["started_at"],
            "outcome": a["outcome"],
            "output": None if a["outcome"] == "failed" else a["body"],
            "error": a["body"] if a["outcome"] == "failed" else None,
        }
        for a in attempts
    ]
    waiting = [
        {
            "kind": i.kind,
            "step_id": i.step_id,
            "job_id": i.job_id,
            "due": iso(i.due),
            "attempt": i.attempt,
        }
        for i in items
    ]
    steps = [_step(s, run, attempts, items) for s in run.steps.values()]
    known = set(run.steps) | {DISCOVERY}
    steps += [
        _retrying(step_id, attempts, is_over=run.ended)
        for step_id in dict.fromkeys(a["step_id"] for a in attempts)
        if step_id not in known
    ]
    return {
        **summary(run),
        "event": run.event.wire(),
        "events": [event.wire() for event in run.events],
        "steps": steps,
        "attempts": shown,
        "waiting": [] if run.ended else waiting,
    }


def _step(
    step: Step, run: Run, attempts: Sequence[dict[str, Json]], items: Sequence[Item]
) -> dict[str, Json]:
    own = [a for a in attempts if a["step_id"] == step.id]
    started = own[0]["started_at"] if own else step.created_at
    state: str = step.state
    if step.state == "pending" and run.ended:
        state = "cancelled"
    elif step.state == "pending":
        state = _waiting_state(step, own, items)
    return {
        "id": step.id,
        "name": step.name,
        "op": step.op,
        "state": state,
        "attempts": len(own),
        "started_at": iso(started),
        "ended_at": iso(step.ended_at),
        "duration_ms": span(started, step.ended_at),
        "input": step.arguments,
        "output": step.output,
        "error": step.error,
    }


def _waiting_state(step: Step, own: Sequence[dict[str, Json]], items: Sequence[Item]) -> str:
    kind = next((i.kind for i in items if i.step_id == step.id), "call")
    if kind == "call":
        return "retrying" if own else "running"
    return _STATES.get(kind, "waiting")


def _retrying(
    step_id: str, attempts: Sequence[dict[str, Json]], *, is_over: bool
) -> dict[str, Json]:
    """A step of which the run knows nothing yet: all of its attempts so far have failed."""
    own = [a for a in attempts if a["step_id"] == step_id]
    error = own[-1]["body"]
    named = error.get("step") if isinstance(error, dict) else None
    return {
        "id": step_id,
        "name": named or step_id,
        "op": "StepRun",
        "state": "cancelled" if is_over else "retrying",
        "attempts": len(own),
        "started_at": iso(own[0]["started_at"]),
        "ended_at": None,
        "duration_ms": None,
        "input": None,
        "output": None,
        "error": error,
    }


def span(start: int | None, end: int | None) -> int | None:
    return None if start is None or end is None else end - start
