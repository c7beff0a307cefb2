"""A readable report of an engine: its runs, and unused stubs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inngest.dev._internal.testing.records import RecordedRun
    from inngest.dev._internal.testing.session import Session

_NOT_RUN_BY_THE_APP = {
    "Sleep": "it sleeps: advance the clock",
    "WaitForEvent": "it waits for an event: send it",
    "WaitForSignal": "it waits for a signal: send it",
    "InvokeFunction": "it invokes a function: serve one that answers",
    "Gateway": "it is a request: give the engine fetch=",
    "AIGateway": "it is a request: give the engine fetch=",
}


def story(session: Session, runs: Sequence[RecordedRun], latest: int | None = None) -> str:
    """Return a paragraph for each of the (latest) runs, and one for unused stubs."""
    shown = runs if latest is None else runs[-latest:]
    paragraphs = [run.timeline() for run in shown]
    if len(shown) < len(runs):
        paragraphs.insert(0, f"{len(runs) - len(shown)} earlier runs are left out here")
    if runs:
        paragraphs += _idle_stubs(session, shown)
    return "\n\n".join(paragraphs)


def whats_on(session: Session) -> str:
    """Return the progress of the runs, for the message of a timeout."""
    runs = session.read(lambda: session.engine.store.runs(limit=-1))  # the latest first
    active = [run for run in runs if not run.ended]
    if not active:
        return f", and {len(runs)} runs have ended" if runs else ""
    latest = active[0]
    return (
        f"; of {len(runs)} runs, {len(active)} have not ended, the latest {latest.function_id} "
        f'by "{latest.event.name}". A function that starts itself again never comes to an end'
    )


def _idle_stubs(session: Session, runs: Sequence[RecordedRun]) -> Iterator[str]:
    idle = session.stubs.idle()
    if not idle:
        return
    ops = {step.name: step.op for run in runs for step in run.steps}
    names = ", ".join(f'"{name}"' for name in ops) or "none"
    for stub in idle:
        reason = _NOT_RUN_BY_THE_APP.get(ops.get(stub.step, ""), f"the steps were {names}")
        where = f" in {stub.function_id}" if stub.function_id else ""
        yield f'the stub of "{stub.step}"{where} stood in for nothing; {reason}'
