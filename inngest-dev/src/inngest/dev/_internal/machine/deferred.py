"""Calls that a run defers until its end (`DeferAdd`, `DeferAbort`). Pure.

Calls over a limit are dropped and logged; they never fail the run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from inngest.dev._internal.model.ids import new_ulid, stable_uuid
from inngest.dev._internal.model.strict import clean, size_of
from inngest.dev._internal.model.values import Event, Function, Json, Run

DEFERRED_EVENT = "inngest/deferred.schedule"
MAX_DEFERS = 20
MAX_INPUT = 4 * 1024 * 1024
MAX_META = 32 * 1024
_log = logging.getLogger("inngest.dev")


def add(run: Run, function: Function, op: Mapping[str, Json], now: int) -> None:
    """Add a deferred call, unless there is already one with this id."""
    opts = op.get("opts") or {}
    given = opts.get("input")
    given = given if isinstance(given, dict) else {}
    if op["id"] in run.defers:
        return
    inputs = [given, *(each["input"] for each in run.defers.values())]
    if len(inputs) > MAX_DEFERS:
        _log.warning("run %s defers more than %d calls", run.id, MAX_DEFERS)
    elif sum(size_of(each) for each in inputs) > MAX_INPUT:
        _log.warning("the inputs of the calls that run %s defers are over 4 MB", run.id)
    elif size_of(opts.get("meta")) > MAX_META:
        _log.warning("the meta of a call that run %s defers is over 32 KB", run.id)
    else:
        run.defers[op["id"]] = {
            "event_id": new_ulid(now),
            "input": given,
            "aborted": False,
            "parent": {
                "fn_slug": clean(str(opts.get("fn_slug") or "")),
                "parent_app_id": stable_uuid("app", function.app),
                "parent_fn_id": function.uuid,
                "parent_fn_slug": function.id,
                "parent_run_id": run.id,
            },
        }


def abort(run: Run, op: Mapping[str, Json]) -> None:
    """Remove a deferred call."""
    target = (op.get("opts") or {}).get("target_hashed_id")
    if isinstance(target, str) and target in run.defers:
        run.defers[target]["aborted"] = True


def schedule(run: Run, now: int) -> list[Event]:
    """Return the events that make the deferred calls when the run ends."""
    return [
        Event(
            internal_id=each["event_id"],
            received_at=now,
            body={
                "name": DEFERRED_EVENT,
                "data": {**each["input"], "_inngest": each["parent"]},
                "id": each["event_id"],
                "ts": now,
            },
        )
        for each in run.defers.values()
        if not each["aborted"]
    ]


def warn_of_loss(event: Event, started: Iterable[Function], known: Iterable[Function]) -> None:
    """Log a warning if a deferred call does not start the function that it names."""
    call = event.inner
    name = call["fn_slug"]
    if any(function.id == name for function in started):
        return
    is_known = any(function.id == name for function in known)
    _log.warning(
        'run %s has deferred a call of function "%s", which nobody takes: %s',
        call["parent_run_id"],
        name,
        "no trigger of it does (TriggerDeferred)" if is_known else "there is no such function",
    )
