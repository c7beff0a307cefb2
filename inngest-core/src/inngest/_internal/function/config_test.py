from __future__ import annotations

import datetime
from typing import Any

import pytest

from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function.config import (
    Batch,
    Concurrency,
    Debounce,
    RateLimit,
    Singleton,
    Throttle,
    TriggerCron,
    TriggerEvent,
)
from inngest._internal.function.duration import milliseconds, to_duration


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1000, "1s"),
        (90_000, "90s"),
        (datetime.timedelta(hours=24), "1d"),
        (datetime.timedelta(days=14), "2w"),
    ],
)
def test_durations_use_the_largest_unit(value: int | datetime.timedelta, text: str) -> None:
    assert to_duration(value) == text


@pytest.mark.parametrize("value", [0, 999, 1500, -1000, True, 1.0, "5s", None])
def test_other_durations_are_refused(value: Any) -> None:
    with pytest.raises(FunctionConfigInvalidError):
        to_duration(value)


def test_milliseconds() -> None:
    assert milliseconds(5) == 5
    assert milliseconds(datetime.timedelta(seconds=1.5)) == 1500


def test_wire_names_and_no_nulls() -> None:
    batch = Batch(max_size=10, timeout=datetime.timedelta(days=1), if_exp="true")
    assert batch.to_dict() == {"maxSize": 10, "timeout": "24h", "if": "true"}
    assert Throttle(limit=1, period=10_000).to_dict() == {
        "limit": 1,
        "period": "10s",
        "burst": 1,
    }


@pytest.mark.parametrize(
    ("model", "fields", "named"),
    [
        (Batch, {"max_size": 1}, "max_size"),
        (Batch, {"max_size": 2, "timout": 5}, "timout"),
        (Batch, {"max_size": "2"}, "max_size"),
        (Batch, {"max_size": 2, "timeout": 1500}, "timeout"),
        (Concurrency, {"limit": 1, "scope": "account"}, "scope"),
        (Debounce, {"period": datetime.timedelta(days=8)}, "period"),
        (RateLimit, {"limit": 1, "period": datetime.timedelta(hours=25)}, "period"),
        (RateLimit, {"limit": 0, "period": 1000}, "limit"),
        (Singleton, {"mode": "hidden-value"}, "mode"),
        (Throttle, {"limit": 1}, "period"),
        (TriggerEvent, {"event": "a*"}, "event"),
        (TriggerEvent, {"event": "x" * 256}, "event"),
        (TriggerCron, {"cron": "* * * * *", "jitter": "6m"}, "jitter"),
    ],
)
def test_errors_name_the_field_and_not_the_value(
    model: Any, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(FunctionConfigInvalidError) as caught:
        model(**fields)
    assert caught.value.message.startswith(f"{named}: ")
    assert "hidden-value" not in caught.value.message
    assert isinstance(model.from_raw(fields), FunctionConfigInvalidError)


@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *",
        "TZ=Europe/Paris 0 9 * * *",
        "*/5 0-6,12 1 jan-MAR MON-FRI",
        "0 0 1 1 *",
        "TZ=Etc/GMT+5 0 0 ? * 0",
    ],
)
def test_valid_crons(cron: str) -> None:
    assert TriggerCron(cron=cron).to_dict() == {"cron": cron}


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "@hourly",
        "* * * *",
        "0 * * * * *",
        "60 * * * *",
        "*/0 * * * *",
        "5-1 * * * *",
        "* * 0 * *",
        "* * * FOO *",
        "TZ= 0 9 * * *",
        "1,, * * * *",
    ],
)
def test_invalid_crons(cron: str) -> None:
    with pytest.raises(FunctionConfigInvalidError, match="cron: "):
        TriggerCron(cron=cron)


@pytest.mark.parametrize("event", ["a/b", "a/*", "a.*"])
def test_event_triggers(event: str) -> None:
    assert TriggerEvent(event=event).to_dict() == {"event": event}


def test_from_raw_returns_the_error_of_a_stranger() -> None:
    assert isinstance(Batch.from_raw(7), FunctionConfigInvalidError)
    assert Batch.from_raw({"max_size": 2}) == Batch(max_size=2)
