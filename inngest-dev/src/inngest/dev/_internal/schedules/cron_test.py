"""Which schedules are read, when they fire, and what their timers bring about."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone

import pytest

from inngest.dev._internal.function.options import Options
from inngest.dev._internal.model.values import Function, Item, Trigger
from inngest.dev._internal.schedules.cron import read_jitter, read_schedule, tick, timetable

FUNCTION = Function(
    id="app-fn", uuid="u", app="app", name="fn", url="http://x", max_attempts=1,
    triggers=(Trigger(cron="*/5 * * * *"),), options=Options(),
)  # fmt: skip


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() * 1000)


def fires(schedule: str, start: str, count: int = 1) -> list[str]:
    read = read_schedule(schedule)
    assert read is not None
    moment, found = at(start), []
    for _ in range(count):
        after = read.after(moment)
        assert after is not None
        moment = after
        found.append(datetime.fromtimestamp(moment / 1000, timezone.utc).strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("schedule", "start", "expected"),
    [
        ("* * * * *", "2026-01-01T00:00:00", ["01-01 00:01", "01-01 00:02"]),
        ("*/20 9-10 * * *", "2026-01-01T09:30:00", ["01-01 09:40", "01-01 10:00"]),
        ("0 0 ? * MON", "2026-01-01T00:00:00", ["01-05 00:00", "01-12 00:00"]),
        ("0 12 1 jan,feb *", "2026-01-01T13:00:00", ["02-01 12:00"]),
        ("TZ=Europe/Paris 0 9 * * *", "2026-01-01T00:00:00", ["01-01 08:00"]),
        ("TZ=Europe/Paris 0 9 * * *", "2026-07-01T00:00:00", ["07-01 07:00"]),
        ("CRON_TZ=Asia/Kolkata 0 9 * * *", "2026-07-01T00:00:00", ["07-01 03:30"]),
        # the clocks go forward at 01:00 UTC on 29 March, and back at 01:00 UTC on 25 October
        ("TZ=Europe/Paris 0 9 * * *", "2026-03-28T12:00:00", ["03-29 07:00", "03-30 07:00"]),
        ("TZ=Europe/Paris 0 9 * * *", "2026-10-24T12:00:00", ["10-25 08:00"]),
        ("TZ=Europe/Paris 30 2 * * *", "2026-03-28T00:00:00", ["03-28 01:30", "03-30 00:30"]),
        ("TZ=Europe/Paris 0 3 * * *", "2026-03-28T12:00:00", ["03-29 01:00", "03-30 01:00"]),
        ("TZ=Europe/Paris 30 * * * *", "2026-03-29T00:00:00",
         ["03-29 00:30", "03-29 01:30", "03-29 02:30"]),
        ("TZ=Europe/Paris 0 2 * * *", "2026-10-24T12:00:00",
         ["10-25 00:00", "10-25 01:00", "10-26 01:00"]),
        ("TZ=Europe/Paris 30 2 25 10 *", "2026-10-25T00:30:00", ["10-25 01:30", "10-25 00:30"]),
        ("TZ=Europe/Paris */30 2 * * *", "2026-10-25T00:10:00",
         ["10-25 00:30", "10-25 01:00", "10-25 01:30", "10-26 01:00"]),
        ("TZ=Australia/Lord_Howe 15 2 * * *", "2026-10-03T00:00:00",  # half an hour is left out
         ["10-04 15:15", "10-05 15:15"]),
        # a day of the month or of the week, unless one of them is any day
        ("0 0 1 * 1", "2026-11-02T00:00:00", ["11-09 00:00", "11-16 00:00"]),
        ("0 0 */20 * 1", "2026-11-16T00:00:00", ["11-21 00:00", "11-23 00:00", "11-30 00:00"]),
        ("0 0 */20 * *", "2026-11-01T00:00:00", ["11-21 00:00", "12-01 00:00"]),
        ("0 0 */1 * 1", "2026-11-01T00:00:00", ["11-02 00:00", "11-09 00:00"]),
        ("0 0 5,? * MON", "2026-11-01T00:00:00", ["11-02 00:00", "11-09 00:00"]),
        # of a span of one, each second one is that one
        ("5-5/2,20 * * * *", "2026-11-01T00:00:00", ["11-01 00:05", "11-01 00:20", "11-01 01:05"]),
    ],
)  # fmt: skip
def test_a_schedule_fires(schedule: str, start: str, expected: list[str]) -> None:
    assert fires(schedule, start, len(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "nope", "* * * * * *", "* * * *", "@hourly", "60 * * * *", "* 24 * * *", "* * L * *",
     "* * * * 7", "* * * * 07", "* * * * 5-07", "* * * * MON#2", "TZ=Nowhere/Land * * * * *", "TZ=../x * * * * *", "*/0 * * * *",
     "5-1 * * * *"],
)  # fmt: skip
def test_what_the_server_refuses_is_refused(text: str) -> None:
    assert read_schedule(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, 0), ("1s", 1000), ("5m", 300_000), ("500ms", None), ("6m", None), ("x", None)],
)
def test_a_jitter_is_one_second_to_five_minutes(text: str | None, expected: int | None) -> None:
    assert read_jitter(text) == expected


def first_timer(function: Function, now: int) -> Item:
    (item,) = timetable([function], [], now).items
    return item


def test_a_tick_tells_its_time_and_sets_the_next_one() -> None:
    item = first_timer(FUNCTION, at("2026-01-01T00:01:00"))
    assert item.due == at("2026-01-01T00:05:00")
    change = tick(item, FUNCTION, item.due + 3)
    (event,) = change.events
    assert event.body["data"] == {
        "cron": "*/5 * * * *",
        "scheduledAt": "2026-01-01T00:05:00Z",
        "fireAt": "2026-01-01T00:05:00Z",
    }
    assert (event.body["id"], event.body["ts"]) == ("2026-01-01T00:05:00Z", item.due + 3)
    assert event.target == "app-fn"
    assert [i.due for i in change.items] == [at("2026-01-01T00:10:00")]
    assert change.drops == [item.job_id]


def test_many_missed_ticks_are_one() -> None:
    item = first_timer(FUNCTION, at("2026-01-01T00:01:00"))
    change = tick(item, FUNCTION, at("2026-01-02T00:03:00"))
    assert len(change.events) == 1
    assert [i.due for i in change.items] == [at("2026-01-02T00:05:00")]


def test_jitter_delays_each_tick_by_whole_seconds_that_vary() -> None:
    trigger = Trigger(cron="* * * * *", jitter="20s")
    function = dataclasses.replace(FUNCTION, triggers=(trigger,))
    item, delays = first_timer(function, at("2026-01-01T00:00:00")), []
    for _ in range(20):
        delays.append((item.due - item.payload) / 1000)
        (item,) = tick(item, function, item.due).items
    assert all(1 <= d < 20 and d == int(d) for d in delays)
    assert len(set(delays)) > 3


def test_ticks_that_jitter_puts_off_beyond_the_next_one_come_all_the_same() -> None:
    trigger = Trigger(cron="* * * * *", jitter="5m")
    function = dataclasses.replace(FUNCTION, triggers=(trigger,))
    item, minutes = first_timer(function, at("2026-01-01T00:00:00")), []
    now = item.due
    for _ in range(20):
        minutes.append(item.payload)
        (item,) = tick(item, function, now).items
        now = max(now, item.due)
    assert minutes == [at("2026-01-01T00:01:00") + n * 60_000 for n in range(20)]


def test_of_ticks_with_jitter_that_were_missed_one_is_made_up_for() -> None:
    trigger = Trigger(cron="* * * * *", jitter="5m")
    function = dataclasses.replace(FUNCTION, triggers=(trigger,))
    missed, now = first_timer(function, at("2026-01-01T00:00:00")), at("2026-01-02T00:00:00")
    (following,) = tick(missed, function, now).items
    assert now - 5 * 60_000 <= following.payload <= now + 60_000


def test_a_timetable_keeps_what_is_known_and_drops_the_rest() -> None:
    kept = first_timer(FUNCTION, at("2026-01-01T00:01:00"))
    gone = dataclasses.replace(kept, job_id="gone", match="0 0 * * *|")
    change = timetable([FUNCTION], [kept, gone], at("2026-01-01T00:07:00"))
    assert (change.items, change.drops) == ([], ["gone"])


def test_a_timer_of_a_function_that_is_gone_only_ends() -> None:
    item = first_timer(FUNCTION, at("2026-01-01T00:01:00"))
    change = tick(item, None, item.due)
    assert (change.events, change.items, change.drops) == ([], [], [item.job_id])
