"""The stored state of flow control: gates, and the events in open batches."""

from __future__ import annotations

from inngest.dev._internal.model.values import Collected, Gate, GateKind, Json
from inngest.dev._internal.store.database import Database
from inngest.dev._internal.store.rows import dump, load


class StoredGates(Database):
    def gate(self, kind: GateKind, function_id: str, key: str) -> Json:
        """Return the flow control state for this key, or None: see `Gate`."""
        row = self.one(
            "SELECT state FROM gates WHERE kind = ? AND function_id = ? AND key = ?",
            kind,
            function_id,
            key,
        )
        return None if row is None else load(row["state"])

    def save_gate(self, gate: Gate) -> None:
        place = (gate.kind, gate.function_id, gate.key)
        if gate.state is not None:
            self._db.execute(
                "INSERT OR REPLACE INTO gates VALUES (?, ?, ?, ?)", (*place, dump(gate.state))
            )
            return
        self._db.execute("DELETE FROM gates WHERE kind = ? AND function_id = ? AND key = ?", place)
        if gate.kind == "batch":
            self._db.execute("DELETE FROM collected WHERE function_id = ? AND key = ?", place[1:])

    def collected(self, function_id: str, key: str) -> list[str]:
        """Return the internal ids of the events in a batch, in order of arrival."""
        rows = self.all(
            "SELECT event_id FROM collected WHERE function_id = ? AND key = ? ORDER BY place",
            function_id,
            key,
        )
        return [row["event_id"] for row in rows]

    def save_collected(self, each: Collected) -> None:
        self._db.execute(
            "INSERT INTO collected VALUES (?, ?, ?, ?)",
            (each.function_id, each.key, each.place, each.event_id),
        )
