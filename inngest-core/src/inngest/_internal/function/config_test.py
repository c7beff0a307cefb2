from __future__ import annotations

import datetime
from typing import Any

import pytest

from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function.config import (
    Batch,
    Cancel,
    Concurrency,
    Debounce,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
    TriggerCron,
    TriggerEvent,
)


def test_wire_names_and_no_nulls() -> None:
    batch = Batch(max_size=10, timeout=datetime.timedelta(days=1), if_exp="true")
    assert batch.to_dict() == {"maxSize": 10, "timeout": "24h", "if": "true"}
    assert Throttle(limit=1, period=10_000).to_dict() == {
        "limit": 1,
        "period": "10s",
        "burst": 1,
    }


def test_a_duration_is_written_as_a_timedelta_an_int_or_text() -> None:
    for period in (datetime.timedelta(minutes=90), 5_400_000, "1h30m"):
        assert Debounce(period=period).to_dict() == {"period": "90m"}
    for jitter in (datetime.timedelta(seconds=30), 30_000):
        assert TriggerCron(cron="* * * * *", jitter=jitter).to_dict()["jitter"] == "30000ms"
    assert TriggerCron(cron="* * * * *", jitter="30s").to_dict()["jitter"] == "30s"
    assert Batch(max_size=2, timeout="1d").to_dict()["timeout"] == "24h"


def test_a_wrong_duration_is_told_once() -> None:
    with pytest.raises(FunctionConfigInvalidError) as caught:
        Timeouts(start="soon", finish="1h")
    assert caught.value.message == (
        "start: the text of a duration is made of numbers with the units w, d, h, m, s and ms, "
        "such as 1h30m"
    )


@pytest.mark.parametrize(
    ("model", "fields", "named"),
    [
        (Batch, {"max_size": 1}, "max_size"),
        (Batch, {"max_size": 2, "timout": 5}, "timout"),
        (Batch, {"max_size": "2"}, "max_size"),
        (Batch, {"max_size": 2, "timeout": 1500}, "timeout"),
        (Concurrency, {"limit": 1, "scope": "account"}, "scope"),
        (Debounce, {"period": datetime.timedelta(days=8)}, "period"),
        (Debounce, {"period": "8d"}, "period"),
        (Debounce, {"period": "5 minutes"}, "period"),
        (Timeouts, {"start": [1]}, "start"),
        (Cancel, {"event": "a", "timeout": "1.5s"}, "timeout"),
        (RateLimit, {"limit": 1, "period": datetime.timedelta(hours=25)}, "period"),
        (RateLimit, {"limit": 0, "period": 1000}, "limit"),
        (Singleton, {"mode": "hidden-value"}, "mode"),
        (Throttle, {"limit": 1}, "period"),
        (TriggerEvent, {"event": "a*"}, "event"),
        (TriggerEvent, {"event": "x" * 256}, "event"),
        (TriggerCron, {"cron": "* * * * *", "jitter": "6m"}, "jitter"),
        (TriggerCron, {"cron": "* * * * *", "jitter": 999}, "jitter"),
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
        "CRON_TZ=Asia/Kolkata 0 9 * * *",
    ],
)
def test_a_cron_expression_is_registered_as_it_is(cron: str) -> None:
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
        "CRON_TZ= 0 9 * * *",
        "1,, * * * *",
    ],
)
def test_a_cron_expression_that_no_server_reads_is_refused(cron: str) -> None:
    with pytest.raises(FunctionConfigInvalidError, match="cron: "):
        TriggerCron(cron=cron)


@pytest.mark.parametrize("event", ["a/b", "a/*", "a.*"])
def test_the_name_of_a_trigger_may_end_with_a_wildcard(event: str) -> None:
    assert TriggerEvent(event=event).to_dict() == {"event": event}


def test_from_raw_returns_the_error_of_a_stranger() -> None:
    assert isinstance(Batch.from_raw(7), FunctionConfigInvalidError)
    assert Batch.from_raw({"max_size": 2}) == Batch(max_size=2)
