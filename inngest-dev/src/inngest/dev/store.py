"""Keep the engine's state in SQLite. One connection, one writer, used from one thread.

A file is opened in WAL mode: what was committed survives the death of the process at
any moment. Who works on a queue item is never stored, so that every unfinished item is
taken up again after a restart.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from inngest.dev.model import (
    Event,
    Function,
    GateKind,
    Item,
    Json,
    Run,
    Step,
    Transition,
    Trigger,
)
from inngest.dev.options import BadOption, Options, read_options
from inngest.dev.scheduler import Candidate
from inngest.dev.schema import UnusableDatabaseError, migrate

_CHUNK = 200
_RUN = "SELECT r.*, e.body, e.received_at FROM runs r JOIN events e ON e.internal_id = r.event_id "


class Store:
    def __init__(self, path: str = ":memory:") -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise UnusableDatabaseError(f"cannot open the database {path}: {error}") from error
        self._db.row_factory = sqlite3.Row
        self._functions: list[Function] | None = None
        self._by_id: dict[str, Function] = {}
        try:
            self._db.execute("PRAGMA busy_timeout = 2000")
            # Two engines on one file would each run every step.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            migrate(self._db)
        except sqlite3.Error as error:
            self._db.close()
            raise UnusableDatabaseError(f"cannot use the database {path}: {error}") from error
        except UnusableDatabaseError:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Nested blocks join the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self._functions = None
            raise
        self._db.execute("COMMIT")

    # apps and functions

    def register(
        self,
        app: str,
        *,
        url: str,
        sdk: str,
        checksum: str,
        functions: Iterable[Function],
        now: int,
    ) -> bool:
        """Replace the functions of an app. True when they differ from what was known."""
        known = self._one("SELECT checksum FROM apps WHERE name = ?", app)
        self._db.execute(
            "INSERT OR REPLACE INTO apps VALUES (?, ?, ?, ?, ?)", (app, url, sdk, checksum, now)
        )
        self._db.execute("DELETE FROM functions WHERE app = ?", (app,))
        for f in functions:
            triggers = _dump([[t.event, t.expression, t.cron, t.jitter] for t in f.triggers])
            row = (f.id, f.uuid, f.app, f.name, f.url, f.max_attempts, triggers,
                   _dump(f.options.source))  # fmt: skip
            self._db.execute(
                "INSERT OR REPLACE INTO functions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row
            )
        self._functions = None
        return known is None or known["checksum"] != checksum

    def apps(self) -> list[dict[str, Json]]:
        return [dict(row) for row in self._all("SELECT * FROM apps ORDER BY name")]

    def functions(self) -> list[Function]:
        if self._functions is None:
            rows = self._all("SELECT * FROM functions ORDER BY id")
            self._functions = [_function(row) for row in rows]
            self._by_id = {f.uuid: f for f in self._functions}
            self._by_id |= {f.id: f for f in self._functions}
        return self._functions

    def function(self, wanted: str) -> Function | None:
        """By composite id or UUID."""
        self.functions()
        return self._by_id.get(wanted)

    # events and runs

    def add_event(self, event: Event) -> bool:
        """False when an event with this internal id is already stored."""
        done = self._db.execute(
            "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)",
            (event.internal_id, event.name, event.received_at, _dump(event.body)),
        )
        return done.rowcount > 0

    def event(self, internal_id: str) -> Event | None:
        row = self._one("SELECT * FROM events WHERE internal_id = ?", internal_id)
        return None if row is None else _event(row["internal_id"], row)

    def events(self, name: str | None, limit: int) -> list[Event]:
        rows = self._all(
            "SELECT * FROM events WHERE ?1 IS NULL OR name = ?1 ORDER BY rowid DESC LIMIT ?2",
            name,
            limit,
        )
        return [_event(row["internal_id"], row) for row in rows]

    def started_since(self, function_id: str, event_key: str, since: int) -> bool:
        """Whether the event's id already started this function."""
        row = self._one(
            "SELECT 1 FROM runs WHERE function_id = ? AND event_key = ? AND created_at > ?",
            function_id,
            event_key,
            since,
        )
        return row is not None

    def run(self, run_id: str) -> Run | None:
        row = self._one(_RUN + "WHERE r.id = ?", run_id)
        return None if row is None else self._run(row)

    def runs(self, *, event_id: str | None = None, limit: int = 100) -> list[Run]:
        """The newest first; those of one event if asked. Without their steps."""
        rows = self._all(
            _RUN + "WHERE ?1 IS NULL OR r.event_id = ?1 OR r.id IN "  # noqa: S608
            "(SELECT run_id FROM batch_events WHERE event_id = ?1) "
            "ORDER BY r.rowid DESC LIMIT ?2",
            event_id,
            limit,
        )
        return [_run(row, self._events_of(row)) for row in rows]

    def active_runs(self, function_id: str) -> list[Run]:
        rows = self._all(
            _RUN + "WHERE r.function_id = ? AND r.ended_at IS NULL ORDER BY r.rowid", function_id
        )
        return [self._run(row) for row in rows]

    def running_in(self, lane: str) -> int:
        (count,) = self._all(
            "SELECT COUNT(*) FROM runs WHERE lane = ? AND started_at IS NOT NULL "
            "AND ended_at IS NULL",
            lane,
        )
        return int(count[0])

    def _events_of(self, row: sqlite3.Row) -> tuple[Event, ...]:
        if not row["batched"]:
            return (_event(row["event_id"], row),)
        rows = self._all(
            "SELECT e.* FROM batch_events b JOIN events e ON e.internal_id = b.event_id "
            "WHERE b.run_id = ? ORDER BY b.position",
            row["id"],
        )
        return tuple(_event(each["internal_id"], each) for each in rows)

    def _run(self, row: sqlite3.Row) -> Run:
        run = _run(row, self._events_of(row))
        done: list[tuple[int, str]] = []
        for s in self._all("SELECT * FROM steps WHERE run_id = ? ORDER BY rowid", run.id):
            run.steps[s["id"]] = Step(
                id=s["id"],
                name=s["name"],
                op=s["op"],
                state=s["state"],
                created_at=s["created_at"],
                ended_at=s["ended_at"],
                memo=_load(s["memo"]),
                dirty=False,
            )
            if s["position"] is not None:
                done.append((s["position"], s["id"]))
        run.stack = [step_id for _, step_id in sorted(done)]
        return run

    # the queue

    def item(self, job_id: str) -> Item | None:
        row = self._one("SELECT * FROM items WHERE job_id = ?", job_id)
        return None if row is None else _item(row)

    def candidates(self, now: int, busy: Sequence[str]) -> Iterator[Candidate]:
        """What is to be done now and nobody works on, in its order."""
        sql = (
            "SELECT i.*, r.function_id AS owner, r.keys, r.started_at IS NULL AS fresh "  # noqa: S608
            "FROM items i LEFT JOIN runs r ON r.id = i.run_id "
            f"WHERE i.due <= ? AND i.job_id NOT IN ({_marks(busy)}) "
            "ORDER BY i.due - i.priority, i.rowid LIMIT ? OFFSET ?"
        )
        offset = 0
        while rows := self._all(sql, now, *busy, _CHUNK, offset):
            for row in rows:
                alike = (row["owner"], row["keys"], str(row["fresh"]))
                likeness = alike if row["kind"] == "call" else (row["job_id"],)
                yield Candidate(item=_item(row), likeness=likeness)
            offset += _CHUNK

    def next_due(self, now: int, busy: Sequence[str]) -> int | None:
        row = self._one(
            f"SELECT MIN(due) AS due FROM items WHERE due > ? AND job_id NOT IN ({_marks(busy)})",  # noqa: S608
            now,
            *busy,
        )
        return None if row is None else row["due"]

    def waiting(self, kind: str, match: str) -> list[Item]:
        rows = self._all(
            "SELECT * FROM items WHERE kind = ? AND match = ? ORDER BY rowid", kind, match
        )
        return [_item(row) for row in rows]

    def items_of(self, run_id: str) -> list[Item]:
        return [_item(r) for r in self._all("SELECT * FROM items WHERE run_id = ?", run_id)]

    def timers_of(self, function_ids: Sequence[str], kind: str) -> list[Item]:
        rows = self._all(
            f"SELECT * FROM items WHERE function_id IN ({_marks(function_ids)}) "  # noqa: S608
            "AND function_id != '' AND kind = ?",
            *function_ids,
            kind,
        )
        return [_item(row) for row in rows]

    def gate(self, kind: GateKind, function_id: str, key: str) -> Json:
        row = self._one(
            "SELECT state FROM gates WHERE kind = ? AND function_id = ? AND key = ?",
            kind,
            function_id,
            key,
        )
        return None if row is None else _load(row["state"])

    # changes

    def apply(self, change: Transition) -> None:
        """Everything but the events, which the engine has to hand on."""
        for job_id in change.drops:
            self._db.execute("DELETE FROM items WHERE job_id = ?", (job_id,))
        for run in change.runs:
            self._save(run)
        for i in change.items:
            self._db.execute(
                "INSERT OR REPLACE INTO items VALUES "
                "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (i.job_id, i.run_id, i.kind, i.step_id, i.due, i.attempt, i.generation,
                 i.current, i.plan_only, i.race, i.match, i.condition, _dump(i.payload),
                 i.function_id, i.priority),
            )  # fmt: skip
        for g in change.gates:
            if g.state is None:
                self._db.execute(
                    "DELETE FROM gates WHERE kind = ? AND function_id = ? AND key = ?",
                    (g.kind, g.function_id, g.key),
                )
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO gates VALUES (?, ?, ?, ?)",
                    (g.kind, g.function_id, g.key, _dump(g.state)),
                )

    def _save(self, run: Run) -> None:
        self._db.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE "
            "SET status = excluded.status, started_at = excluded.started_at, "
            "ended_at = excluded.ended_at, output = excluded.output, "
            "version = excluded.version, plan_only = excluded.plan_only, "
            "defers = excluded.defers",
            (run.id, run.function_id, run.event.internal_id, run.event.key, run.status,
             run.created_at, run.started_at, run.ended_at, _dump(run.output), run.version,
             run.plan_only, len(run.events) > 1, _dump(run.keys), run.lane, run.priority,
             _dump(run.defers)),
        )  # fmt: skip
        if len(run.events) > 1:
            members = [(run.id, n, e.internal_id) for n, e in enumerate(run.events)]
            self._db.executemany("INSERT OR IGNORE INTO batch_events VALUES (?, ?, ?)", members)
        positions = {step_id: n for n, step_id in enumerate(run.stack)}
        for s in [s for s in run.steps.values() if s.dirty]:
            self._db.execute(
                "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (run_id, id) DO UPDATE SET op = excluded.op, "
                "state = excluded.state, ended_at = excluded.ended_at, memo = excluded.memo, "
                "position = excluded.position WHERE steps.state = 'pending'",
                (run.id, s.id, s.name, s.op, s.state, s.created_at, s.ended_at, _dump(s.memo),
                 positions.get(s.id)),
            )  # fmt: skip
            s.dirty = False
        if run.ended:
            self._db.execute("DELETE FROM items WHERE run_id = ?", (run.id,))

    # history

    def add_attempt(
        self, item: Item, step_id: str, started: int, ended: int, outcome: str, body: Json
    ) -> None:
        self._db.execute(
            "INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            (item.run_id, item.job_id, step_id, item.attempt, started, ended, outcome,
             _dump(body)),
        )  # fmt: skip

    def attempts(self, run_id: str) -> list[dict[str, Json]]:
        rows = self._all("SELECT * FROM attempts WHERE run_id = ? ORDER BY number", run_id)
        return [{**dict(row), "body": _load(row["body"])} for row in rows]

    def add_metadata(
        self, run_id: str, target: Mapping[str, Json], entry: Mapping[str, Json], now: int
    ) -> None:
        self._db.execute(
            "INSERT INTO metadata VALUES (?, ?, ?, ?, ?, ?)",
            (run_id, _dump(target), entry["kind"], entry["op"], _dump(entry["values"]), now),
        )

    def metadata(self, run_id: str) -> list[dict[str, Json]]:
        rows = self._all("SELECT * FROM metadata WHERE run_id = ? ORDER BY rowid", run_id)
        return [
            {"target": _load(r["target"]), "kind": r["kind"], "op": r["op"],
             "values": _load(r["content"])}
            for r in rows
        ]  # fmt: skip

    def _one(self, sql: str, *args: Any) -> sqlite3.Row | None:
        with closing(self._db.execute(sql, args)) as cursor:
            row: sqlite3.Row | None = cursor.fetchone()
            return row

    def _all(self, sql: str, *args: Any) -> list[sqlite3.Row]:
        with closing(self._db.execute(sql, args)) as cursor:
            return cursor.fetchall()


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" for _ in values)


def _dump(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


def _load(text: str | None) -> Json:
    return None if text is None or text == "null" else json.loads(text)


def _event(internal_id: str, row: sqlite3.Row) -> Event:
    return Event(
        internal_id=internal_id, received_at=row["received_at"], body=json.loads(row["body"])
    )


def _function(row: sqlite3.Row) -> Function:
    return Function(
        id=row["id"],
        uuid=row["uuid"],
        app=row["app"],
        name=row["name"],
        url=row["url"],
        max_attempts=row["max_attempts"],
        triggers=tuple(_trigger(*each) for each in json.loads(row["triggers"])),
        options=_options(row["options"]),
    )


def _trigger(
    event: str, expression: str | None, cron: str | None = None, jitter: str | None = None
) -> Trigger:
    return Trigger(event=event, expression=expression, cron=cron, jitter=jitter)


def _options(text: str) -> Options:
    options = read_options(json.loads(text))
    assert not isinstance(options, BadOption), "checked when the function was registered"
    return options


def _run(row: sqlite3.Row, events: tuple[Event, ...]) -> Run:
    return Run(
        id=row["id"],
        function_id=row["function_id"],
        events=events,
        status=row["status"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        output=_load(row["output"]),
        version=row["version"],
        plan_only=bool(row["plan_only"]),
        keys=_load(row["keys"]),
        lane=row["lane"],
        priority=row["priority"],
        defers=_load(row["defers"]),
    )


def _item(row: sqlite3.Row) -> Item:
    values = {name: row[name] for name in Item.__slots__}
    values["payload"] = _load(values["payload"])
    values["plan_only"], values["race"] = bool(values["plan_only"]), bool(values["race"])
    return Item(**values)
