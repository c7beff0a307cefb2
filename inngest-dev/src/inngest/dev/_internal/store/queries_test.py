from __future__ import annotations

import re
from pathlib import Path

from inngest.dev._internal.store.store import Store


def test_no_query_numbers_its_parameters() -> None:
    """Python 3.12.0 to 3.12.3 warn of them, and the suite runs on one Python only."""
    queries = [path for path in Path(__file__).parent.glob("*.py") if "_test" not in path.name]
    assert queries
    assert [path.name for path in queries if re.search(r"\?\d", path.read_text())] == []


def test_what_is_asked_all_the_time_is_found_by_an_index() -> None:
    """However many runs sleep or have ended. The newest runs of all are read from their end."""
    store = Store()
    asked: list[str] = []
    store._db.set_trace_callback(asked.append)
    store.next_due(1, ["busy"])
    store.ready(1, ["busy"], 5)
    store.unpark_each("lane")
    store.waiting("wait", "app/event")
    store.waits("app/event", str)
    store.collected("app-fn", "key")
    store.items_of("run")
    store.running_in("lane")
    store.singles("app-fn", "key")
    store.started_since("app-fn", "key", 1)
    store.active_runs("app-fn")
    store.run("run")
    store.runs(event_id="event")
    store.events("app/event", 10)
    store.attempts("run")
    store._db.set_trace_callback(None)
    assert len(asked) == 17
    plans = [  # Python 3.10 tells of parameters without their values
        (sql, row["detail"])
        for sql in asked
        for row in store.all(f"EXPLAIN QUERY PLAN {sql}", *[None] * sql.count("?"))
    ]
    read = [each for each in plans if each[1].startswith(("SCAN", "SEARCH"))]
    assert [each for each in read if "USING" not in each[1]] == []
    store.close()
