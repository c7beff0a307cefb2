from __future__ import annotations

import datetime
import pickle
from typing import Any

import pytest

from inngest._internal.duration import milliseconds, seconds, to_duration, to_go_duration
from inngest._internal.errors import NonRetriableError, RetryAfterError
from inngest._internal.step.calls import sleep_until, wait_for_event


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1000, "1s"),
        (90_000, "90s"),
        (datetime.timedelta(hours=24), "1d"),
        (datetime.timedelta(days=14), "2w"),
        ("1h30m", "90m"),
        ("2w", "2w"),
        ("1d24h", "2d"),
        ("0.5h", "30m"),
        ("2000ms", "2s"),
    ],
)
def test_durations_use_the_largest_unit(value: int | str | datetime.timedelta, text: str) -> None:
    assert to_duration(value) == text


def test_some_fields_know_no_days() -> None:
    assert to_go_duration("2w") == "336h"


@pytest.mark.parametrize("value", [0, 999, 1500, -1000, "999ms", "1.5s"])
def test_servers_are_told_whole_seconds(value: Any) -> None:
    with pytest.raises(ValueError, match="whole number of seconds"):
        to_duration(value)


@pytest.mark.parametrize(
    "value",
    ["", "5", "s", "1 h", "1h 30m", "-1h", "1e3s", "1H", "1h,", "x1h", "1.h", "\u0661h", "nan s"],
)
def test_text_without_a_length_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="such as 1h30m"):
        milliseconds(value)


@pytest.mark.parametrize("value", [True, 1.0, None, b"1h", [1]])
def test_other_types_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=f"not a {type(value).__name__}"):
        milliseconds(value)


@pytest.mark.parametrize(
    "value", [10**30, -(10**30), "999999999999w", datetime.timedelta.max, datetime.timedelta.min]
)
def test_what_no_clock_can_count_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="a thousand years"):
        to_duration(value)


def test_milliseconds_and_seconds() -> None:
    assert milliseconds(5) == 5
    assert milliseconds("1m5ms") == 60_005
    assert milliseconds(datetime.timedelta(seconds=1.5)) == 1500
    assert seconds("1m5ms") == 60.005


def test_a_retry_is_at_an_instant_or_after_a_duration() -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    for after in ("1h30m", 5_400_000, datetime.timedelta(minutes=90)):
        at = RetryAfterError("later", after).retry_after
        assert datetime.timedelta() <= at - now - datetime.timedelta(minutes=90)
        assert at - now < datetime.timedelta(minutes=95)
    error = RetryAfterError("later", now)
    assert error.retry_after == now
    assert pickle.loads(pickle.dumps(error)).retry_after == now
    with pytest.raises(ValueError, match=r"^retry_after: "):
        RetryAfterError("later", "soon")


class OutOfRange(datetime.datetime):
    """A naive datetime that Windows cannot convert, as if before 1970 or after 3000."""

    def astimezone(self, tz: datetime.tzinfo | None = None) -> OutOfRange:
        raise OSError(22, "Invalid argument")


def test_an_instant_that_the_system_cannot_convert_is_said() -> None:
    when, says = OutOfRange(9999, 12, 31), "9999-12-31 00:00:00 cannot be converted to UTC"
    with pytest.raises(NonRetriableError, match=f'^step "nap": until: {says}'):
        sleep_until("nap", when)
    with pytest.raises(NonRetriableError, match=f'^step "wait": timeout: {says}'):
        wait_for_event("wait", "x", None, when)
    with pytest.raises(ValueError, match=f"^retry_after: {says}"):
        RetryAfterError("later", when)
