from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from inngest.dev._internal.model.values import Item
from inngest.dev._internal.store.store import Store


def item(job_id: str, due: int, priority: int = 0) -> Item:
    return Item(job_id=job_id, run_id="r", kind="call", step_id="", due=due, priority=priority)


def ready(store: Store, now: int = 100) -> list[str]:
    return [each.job_id for each in store.ready(now, [], 10)]


def test_what_is_due_comes_in_its_order_and_what_came_first_is_first() -> None:
    store = Store()
    for job_id, due in (("late", 101), ("third", 9), ("first", 1), ("second", 1)):
        store.save_item(item(job_id, due))
    assert ready(store) == ["first", "second", "third"]
    store.close()


def test_priorities_count_and_still_do_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.db")
    store = Store(path)
    store.save_item(item("plain", 10))
    assert ready(store) == ["plain"]
    store.save_item(item("ahead", 20, priority=50))
    store.save_item(item("behind", 5, priority=-50))
    assert ready(store) == ["ahead", "plain", "behind"]
    store.close()
    again = Store(path)
    assert ready(again) == ["ahead", "plain", "behind"]
    again.close()


def test_what_comes_after_nothing_was_ready_is_found() -> None:
    store = Store()
    store.save_item(item("parked", 5))
    store.park("parked", "lane")
    store.save_item(item("late", 101))
    assert ready(store) == []
    store.save_item(item("new", 100))
    assert ready(store) == ["new"]
    store.drop_item("new")
    assert ready(store) == []
    assert store.unpark("lane")
    assert ready(store) == ["parked"]
    store.park("parked", "lane")
    assert ready(store) == []
    store.unpark_all(0)
    assert ready(store) == ["parked"]
    store.drop_item("parked")
    assert ready(store) == []
    assert ready(store, now=101) == ["late"]
    store.close()


def test_what_was_worked_on_is_ready_again_if_it_is_left_unfinished() -> None:
    store = Store()
    store.save_item(item("a", 5))
    assert store.ready(100, ["a"], 10) == []
    assert ready(store) == ["a"]
    store.close()


def test_timers_are_not_kept_waiting_by_calls() -> None:
    store = Store()
    store.save_item(item("call 1", 1))
    store.save_item(item("call 2", 2))
    for job_id, due in (("timer 1", 3), ("parked", 3), ("timer 2", 4), ("late", 101)):
        store.save_item(replace(item(job_id, due), kind="sleep"))
    store.park("parked", "lane")

    def taken(limit: int, *busy: str) -> list[str]:
        return [each.job_id for each in store.ready(100, busy, limit)]

    assert taken(10) == ["call 1", "call 2", "timer 1", "timer 2"]
    assert taken(3) == ["call 1", "call 2", "timer 1"], "one more look takes the other"
    assert taken(1) == ["call 1", "timer 1", "timer 2"]
    assert taken(0, "timer 1") == ["timer 2"]
    plan = store.all(
        "EXPLAIN QUERY PLAN SELECT * FROM items WHERE parked IS NULL AND due <= 1 "
        "AND kind NOT IN ('call', 'fetch') AND job_id NOT IN () ORDER BY due, rowid LIMIT 5"
    )
    assert any("items_of_timers" in row["detail"] for row in plan)
    store.close()
