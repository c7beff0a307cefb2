"""What the dashboard lists: pages of runs and events, the newest first. Reads only.

A page begins after a position (`before`), and not after so many rows: so it costs the same
however far down it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from inngest.dev._internal.model.durations import iso
from inngest.dev._internal.model.values import Function, Json, Trigger
from inngest.dev._internal.store.rows import dump
from inngest.dev._internal.store.runs import OF_EVENT
from inngest.dev._internal.store.store import Store
from inngest.dev._internal.views.history import span

MAX_PAGE = 200
_PREVIEW = 90
_RUNS = (
    "SELECT r.rowid AS position, r.id, r.function_id, r.status, r.created_at, r.started_at, "
    "r.ended_at, r.event_id, e.name AS event_name FROM runs r "
    "JOIN events e ON e.internal_id = r.event_id "
)
_EVENTS = (
    "SELECT e.rowid AS position, e.internal_id, e.name, e.received_at, "
    # large ones are not decoded to be listed
    "CASE WHEN LENGTH(e.body) <= 10000 THEN e.body END AS whole, SUBSTR(e.body, 1, 1000) AS start, "
    "(SELECT COUNT(*) FROM runs r WHERE r.event_id = e.internal_id) + (SELECT COUNT(*) FROM "
    "batch_events b WHERE b.event_id = e.internal_id AND b.position > 0) AS runs FROM events e "
)
_IN_BATCH = (
    "(r.batched AND EXISTS (SELECT 1 FROM batch_events b JOIN events m "
    "ON m.internal_id = b.event_id WHERE b.run_id = r.id AND {}))"
)


_ACTIVE = "r.ended_at IS NULL"
_UNFINISHED = "r.ended_at IS NOT NULL AND r.status != 'Completed'"
_AMONG_ACTIVE = "r.rowid IN (SELECT a.rowid FROM runs a WHERE a.ended_at IS NULL)"
_INDEXED = {
    "Scheduled": _AMONG_ACTIVE,
    "Running": _AMONG_ACTIVE,
    "Failed": _UNFINISHED,
    "Cancelled": _UNFINISHED,
}
"""For each status, what is true of all runs with it, too, and has an index. SQLite is told of it."""
_NAMES = """
    WITH RECURSIVE names (name) AS (
        SELECT MIN(name) FROM events
        UNION ALL
        SELECT (SELECT MIN(e.name) FROM events e WHERE e.name > names.name)
        FROM names WHERE names.name IS NOT NULL
    )
    SELECT name, (
        SELECT e.internal_id FROM events e WHERE e.name = names.name ORDER BY e.rowid DESC LIMIT 1
    ) AS internal_id
    FROM names WHERE name IS NOT NULL AND name NOT LIKE 'inngest/%' LIMIT 500
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    status: str = ""
    function: str = ""
    event: str = ""
    """The internal id of the event that started it, or of one of its batch."""
    search: str = ""
    before: int | None = None
    limit: int = 100


def runs_page(store: Store, wanted: RunFilter) -> list[dict[str, Json]]:
    where, given = _fitting(wanted)
    sql = _RUNS + _where(where) + "ORDER BY r.rowid DESC LIMIT ?"
    return [
        {
            "position": row["position"],
            "run_id": row["id"],
            "function_id": row["function_id"],
            "status": row["status"],
            "event_id": row["event_id"],
            "event_name": row["event_name"],
            "created_at": iso(row["created_at"]),
            "started_at": iso(row["started_at"]),
            "ended_at": iso(row["ended_at"]),
            "duration_ms": span(row["started_at"], row["ended_at"]),
        }
        for row in store.all(sql, *given, min(wanted.limit, MAX_PAGE))
    ]


def _fitting(wanted: RunFilter) -> tuple[list[str], list[Any]]:
    where, given = _conditions(
        ("r.status = ?", wanted.status),
        ("r.function_id = ?", wanted.function),
        ("r.rowid < ?", wanted.before),
    )
    if wanted.status in _INDEXED:
        where.append(_INDEXED[wanted.status])
    if wanted.event:
        where.append(OF_EVENT)
        given += [wanted.event] * 2
    if wanted.search:
        sql, likes = _holds(wanted.search, "r.id", "r.function_id", "e.name", "e.body", "r.output")
        in_batch, more = _holds(wanted.search, "m.body")
        where.append(f"({sql} OR {_IN_BATCH.format(in_batch)})")
        given += [*likes, *more]
    return where, given


def events_page(
    store: Store, *, search: str, internal: bool, before: int | None, limit: int
) -> list[dict[str, Json]]:
    where, given = _conditions(("e.rowid < ?", before))
    if not internal:
        where.append("e.name NOT LIKE 'inngest/%'")
    if search:
        sql, likes = _holds(search, "e.name", "e.body", "e.internal_id")
        where.append(sql)
        given += likes
    sql = _EVENTS + _where(where) + "ORDER BY e.rowid DESC LIMIT ?"
    return [
        {
            "position": row["position"],
            "internal_id": row["internal_id"],
            "name": row["name"],
            "received_at": iso(row["received_at"]),
            "preview": _preview(row["name"], row["whole"], row["start"]),
            "runs": row["runs"],
        }
        for row in store.all(sql, *given, min(limit, MAX_PAGE))
    ]


def _preview(name: str, whole: str | None, start: str) -> str:
    """The beginning of an event's data, as JSON."""
    if whole is not None:
        text = json.dumps(json.loads(whole).get("data"), ensure_ascii=False, separators=(",", ":"))
    else:
        text = start.removeprefix(f'{{"name":{dump(name)},"data":')
    return text if len(text) <= _PREVIEW else text[: _PREVIEW - 1] + "…"


def counts(store: Store, wanted: RunFilter) -> dict[str, int]:
    """How many runs fit, by their status."""
    where, given = _fitting(wanted)
    if not where:
        return _all_counts(store)
    sql = "SELECT r.status, COUNT(*) AS number FROM runs r "
    if wanted.search:
        sql += "JOIN events e ON e.internal_id = r.event_id "
    rows = store.all(sql + _where(where) + "GROUP BY r.status", *given)
    return {row["status"]: row["number"] for row in rows}


def _all_counts(store: Store) -> dict[str, int]:
    """Counts the others by an index: completed ones, which are most, are all the rest."""
    found = {
        row["status"]: row["number"]
        for which in (_ACTIVE, _UNFINISHED)
        for row in store.all(
            f"SELECT status, COUNT(*) AS number FROM runs r WHERE {which} GROUP BY status"  # noqa: S608
        )
    }
    (last,) = store.all("SELECT COALESCE(MAX(rowid), 0) FROM runs")  # none is ever deleted
    completed = last[0] - sum(found.values())
    return found | {"Completed": completed} if completed else found


def functions(store: Store) -> list[dict[str, Json]]:
    return [_function(each) for each in store.functions()]


def event_names(store: Store) -> list[dict[str, Json]]:
    """Names that events may be sent with: of stored events, and of triggers.

    With each comes the internal id of its latest event, if there is one.
    """
    known: dict[str, str | None] = {r["name"]: r["internal_id"] for r in store.all(_NAMES)}
    triggers = [t.event for f in store.functions() for t in f.triggers]
    for name in triggers:
        if name and not name.startswith("inngest/") and "*" not in name:
            known.setdefault(name, None)
    return [{"name": name, "last": known[name]} for name in sorted(known)]


def _function(function: Function) -> dict[str, Json]:
    return {
        "id": function.id,
        "name": function.name,
        "app": function.app,
        "url": function.url,
        "retries": function.max_attempts - 1,
        "triggers": [_trigger(each) for each in function.triggers],
        "options": function.options.source,
    }


def _trigger(trigger: Trigger) -> dict[str, Json]:
    if trigger.cron is not None:
        return {"cron": trigger.cron}
    return {"event": trigger.event, "expression": trigger.expression}


def _conditions(*pairs: tuple[str, Any]) -> tuple[list[str], list[Any]]:
    used = [(sql, value) for sql, value in pairs if value not in ("", None)]
    return [sql for sql, _ in used], [value for _, value in used]


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)} " if conditions else ""


def _holds(text: str, *columns: str) -> tuple[str, list[str]]:
    """SQL, and its values: whether one of the columns holds a text, plain or as in JSON."""
    likes = [_like(each) for each in dict.fromkeys((text, dump(text)[1:-1]))]
    tests = [f"{column} LIKE ? ESCAPE '\\'" for column in columns for _ in likes]
    return f"({' OR '.join(tests)})", likes * len(columns)


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
