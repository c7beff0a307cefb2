"""The queue, in the store.

No claims on items are stored, so that every unfinished item is resumed after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from inngest.dev._internal.flow_control.lanes import QUEUE
from inngest.dev._internal.model.values import TIMEOUTS, Item
from inngest.dev._internal.store.database import MEMORY, Database
from inngest.dev._internal.store.rows import ITEM_FIELDS, item_of, marks, row_of_item

_TIMERS = 50
"""How many timers are read at a time."""
_ITEMS = f"SELECT {ITEM_FIELDS} FROM items "  # noqa: S608 - all of it is ours


class StoredItems(Database):
    def __init__(self, path: str = MEMORY) -> None:
        super().__init__(path)
        prior = self.one("SELECT 1 FROM items WHERE priority != 0 LIMIT 1")
        self._has_priorities = prior is not None
        """Whether any item may have a priority. If not, an index gives their order."""

    def item(self, job_id: str) -> Item | None:
        row = self.one(_ITEMS + "WHERE job_id = ?", job_id)
        return None if row is None else item_of(row)

    def has_item(self, job_id: str, generation: int) -> bool:
        """Return whether the job is still queued with this generation, not retried since."""
        query = "SELECT 1 FROM items WHERE job_id = ? AND generation = ?"
        return self.one(query, job_id, generation) is not None

    def ready(self, now: int, busy: Sequence[str], limit: int) -> list[Item]:
        """The due items that are neither parked nor busy, in the order to execute them.

        Calls and requests beyond the limit do not delay timers. Timeouts come first: a run that
        timed out while the engine was busy or stopped is not called again.
        """
        found = self._due("1", now, busy, limit) if limit else []
        if len(found) == limit and all(item.kind in ("call", "fetch") for item in found):
            found += self._due("kind NOT IN ('call', 'fetch')", now, busy, _TIMERS)
        return sorted(found, key=lambda item: item.kind not in TIMEOUTS)

    def _due(self, which: str, now: int, busy: Sequence[str], limit: int) -> list[Item]:
        order = "due - priority" if self._has_priorities else "due"
        rows = self.all(
            _ITEMS + "WHERE parked IS NULL AND due <= ? "
            f"AND {which} AND job_id NOT IN ({marks(busy)}) ORDER BY {order}, rowid LIMIT ?",
            now,
            *busy,
            limit,
        )
        return [item_of(row) for row in rows]

    def park(self, job_id: str, at: str) -> None:
        """Park an item until there is room at this throttle, or in this lane queue."""
        self._db.execute("UPDATE items SET parked = ? WHERE job_id = ?", (at, job_id))

    def unpark_each(self, lane: str) -> None:
        """Unpark the next item of each queue of this lane, or the next one at this throttle."""
        self.unpark(lane)
        queue, end = f"{lane}{QUEUE}", f"{lane}{chr(ord(QUEUE) + 1)}"
        while row := self.one(
            "SELECT parked FROM items WHERE parked > ? AND parked < ? "
            "ORDER BY parked LIMIT 1", queue, end
        ):  # fmt: skip
            queue = row["parked"]
            self.unpark(queue)

    def unpark(self, at: str) -> bool:
        """Unpark the next item parked here. Returns False if there is none."""
        done = self._db.execute(
            "UPDATE items SET parked = NULL WHERE job_id = (SELECT job_id FROM items "
            "WHERE parked = ? ORDER BY due - priority, rowid LIMIT 1)",
            (at,),
        )
        return done.rowcount > 0

    def unpark_all(self, now: int) -> None:
        """Unpark all items: limits may have changed, or a restart freed places.

        Each was due when parked, and is due now, even if the clock was set back since.
        """
        self._db.execute(
            "UPDATE items SET parked = NULL, due = MIN(due, ?) WHERE parked IS NOT NULL", (now,)
        )

    def next_due(self, after: int, busy: Sequence[str]) -> int | None:
        row = self.one(
            "SELECT MIN(due) AS due FROM items WHERE parked IS NULL AND due > ? "  # noqa: S608
            f"AND job_id NOT IN ({marks(busy)})",
            after,
            *busy,
        )
        return None if row is None else row["due"]

    def has_work(self) -> bool:
        """Return whether the queue holds anything but cron timers."""
        return self.one("SELECT 1 FROM items WHERE kind != 'cron' LIMIT 1") is not None

    def waiting(self, kind: str, match: str) -> list[Item]:
        rows = self.all(_ITEMS + "WHERE kind = ? AND match = ? ORDER BY rowid", kind, match)
        return [item_of(row) for row in rows]

    def waits(self, event_name: str, offers: Callable[[str], str]) -> list[Item]:
        """Return the waits that an event of this name may resolve, oldest first.

        The caller must evaluate their conditions.

        :param offers: returns the event's values of the given fields.
        """
        which = "items INDEXED BY items_by_demand WHERE kind = 'wait' AND match = ? AND fields"
        found = self.all(f"SELECT rowid, {ITEM_FIELDS} FROM {which} IS NULL", event_name)  # noqa: S608
        following = f"SELECT fields FROM {which} > ? ORDER BY fields LIMIT 1"  # noqa: S608
        fitting = f"SELECT rowid, {ITEM_FIELDS} FROM {which} = ? AND wanted = ?"  # noqa: S608
        fields = ""
        while row := self.one(following, event_name, fields):
            fields = row["fields"]
            found += self.all(fitting, event_name, fields, offers(fields))
        return [item_of(row[1:]) for row in sorted(found, key=lambda row: row["rowid"])]

    def items_of(self, run_id: str) -> list[Item]:
        return [item_of(r) for r in self.all(_ITEMS + "WHERE run_id = ?", run_id)]

    def goes_on(self, run_id: str) -> bool:
        """Return whether the queue holds any item of the run but its timeouts."""
        row = self.one(
            "SELECT 1 FROM items WHERE run_id = ? "
            "AND kind NOT IN ('start_timeout', 'finish_timeout') LIMIT 1",
            run_id,
        )
        return row is not None

    def timers_of(self, function_ids: Sequence[str], kind: str) -> list[Item]:
        rows = self.all(
            _ITEMS + f"WHERE function_id IN ({marks(function_ids)}) "
            "AND function_id != '' AND kind = ?",
            *function_ids,
            kind,
        )
        return [item_of(row) for row in rows]

    def save_item(self, item: Item) -> None:
        self._has_priorities = self._has_priorities or item.priority != 0
        row = row_of_item(item)
        # the remaining column, `parked`, becomes null: a replaced item is unparked
        self._db.execute(
            f"INSERT OR REPLACE INTO items ({ITEM_FIELDS}) VALUES ({marks(row)})",  # noqa: S608
            row,
        )

    def drop_item(self, job_id: str) -> None:
        self._db.execute("DELETE FROM items WHERE job_id = ?", (job_id,))
