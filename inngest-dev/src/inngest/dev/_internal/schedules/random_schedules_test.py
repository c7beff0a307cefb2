"""Random schedules around changes of clocks, against the minutes that the clocks show."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo

import pytest

from inngest.dev._internal.schedules.cron import read_schedule

CHANGES = {
    "Europe/Berlin": [(2026, 3, 29), (2026, 10, 25)],
    "America/St_Johns": [(2026, 3, 8), (2010, 11, 7)],  # at one minute past midnight, once
    "Australia/Lord_Howe": [(2026, 4, 4), (2026, 10, 3)],  # by half an hour
    "America/Santiago": [(2025, 4, 6), (2025, 9, 7)],  # at midnight
    "Pacific/Apia": [(2011, 12, 30)],  # by a day
    "Asia/Kolkata": [(2026, 1, 1)],
}
MINUTE = timedelta(minutes=1)


def values(random: Random, least: int, most: int) -> tuple[str, set[int]]:
    """A field and what it stands for."""
    match random.choice("*lls"):
        case "*":
            return "*", set(range(least, most + 1))
        case "l":
            found = sorted(random.sample(range(least, most + 1), random.randint(1, 3)))
            return ",".join(map(str, found)), set(found)
        case _:
            step = random.choice([2, 5, 7])
            first = random.randint(least, least + 3)
            return f"{first}-{most}/{step}", set(range(first, most + 1, step))


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_fires_whenever_the_clocks_show_its_time(seed: int) -> None:
    random = Random(seed)
    zone = random.choice(list(CHANGES))
    minute, minutes = values(random, 0, 59)
    hour, hours = random.choice([values(random, 0, 23), ("0-3", set(range(4)))])
    schedule = read_schedule(f"TZ={zone} {minute} {hour} * * *")
    assert schedule is not None
    start = datetime(*random.choice(CHANGES[zone]), tzinfo=timezone.utc) - timedelta(hours=14)
    shown, wanted = ZoneInfo(zone), []
    for n in range(1, 48 * 60):
        clock = (start + n * MINUTE).astimezone(shown)
        if clock.minute in minutes and clock.hour in hours:
            wanted.append(start + n * MINUTE)
    found, moment = [], round(start.timestamp() * 1000)
    for _ in wanted[:100]:
        due = schedule.after(moment)
        assert due is not None
        found.append(datetime.fromtimestamp(due / 1000, timezone.utc))
        moment = due
    assert found == wanted[:100]
