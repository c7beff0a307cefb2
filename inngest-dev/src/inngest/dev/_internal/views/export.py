"""A run's history as JSON, to be played against other code. Pure."""

from __future__ import annotations

from inngest.dev._internal.model.values import Json, Run

VERSION = 1


def exported(run: Run) -> dict[str, Json]:
    """What it was started by, and its steps in the order of their ends."""
    done = [run.steps[step_id] for step_id in run.stack]
    open_steps = [step for step in run.steps.values() if step.state == "pending"]
    return {
        "version": VERSION,
        "function_id": run.function_id,
        "run_id": run.id,
        "status": run.status,
        "events": [event.wire() for event in run.events],
        "steps": [{"id": s.id, "name": s.name, "op": s.op, "memo": s.memo} for s in done],
        "pending": [{"id": s.id, "name": s.name, "op": s.op} for s in open_steps],
    }
