"""Which options are taken, as what, and what is said of the others."""

from __future__ import annotations

from typing import Any

import pytest

from inngest.dev._internal.function.options import (
    BadOption,
    Batch,
    Cancellation,
    Concurrency,
    Debounce,
    Options,
    RateLimit,
    Singleton,
    Throttle,
    read_options,
)

YEAR = 365 * 24 * 3600 * 1000


def read(**config: Any) -> Options:
    options = read_options(config)
    assert isinstance(options, Options), options
    return options


def lane(limit: int, key: str | None = None, scope: Any = "fn", runs: bool = False) -> Concurrency:
    return Concurrency(limit=limit, key=key, scope=scope, whole_runs=runs)


def test_what_each_option_is_read_as() -> None:
    assert read(batchEvents={"maxSize": 2, "timeout": "90s", "key": "event.data.k"}).batch == (
        Batch(size=2, timeout=90_000, key="event.data.k", condition=None)
    )
    assert read(debounce={"period": "7d", "timeout": ""}).debounce == (
        Debounce(period=7 * 24 * 3600 * 1000, key=None, timeout=None)
    )
    assert read(throttle={"limit": 1, "period": "5s"}).throttle == (
        Throttle(limit=1, period=5000, burst=0, key=None)
    )
    assert read(singleton={"mode": "skip"}).singleton == Singleton(mode="skip", key=None)
    assert read(cancel=[{"event": "x"}, {"event": "y", "timeout": "1h"}]).cancel == (
        Cancellation(event="x", condition=None, timeout=YEAR),
        Cancellation(event="y", condition=None, timeout=3_600_000),
    )
    assert read(priority={"run": "event.data.p"}).priority == "event.data.p"


def test_an_idempotency_key_overrides_the_rate_limit() -> None:
    limit = {"limit": 9, "period": "1s"}
    day = RateLimit(limit=1, period=24 * 3600 * 1000, key="event.data.id")
    assert read(idempotency="event.data.id", rateLimit=limit).rate_limit == day
    assert read(rateLimit=limit).rate_limit == RateLimit(limit=9, period=1000, key=None)


@pytest.mark.parametrize(
    ("value", "limits"),
    [
        (5, (lane(5),)),
        ([{"limit": 1}, {"limit": 2, "key": "event.data.a"}], (lane(1), lane(2, "event.data.a"))),
        ([{"limit": 1, "scope": "account", "key": "'x'"}], (lane(1, "'x'", "account"),)),
        (
            {"fn": [{"limit": 2}], "step": [{"limit": 3}]},
            (lane(3), lane(2, runs=True)),
        ),
        ({"limit": 4}, ()),
    ],
)
def test_the_forms_of_concurrency(value: Any, limits: tuple[Concurrency, ...]) -> None:
    options = read_options({"concurrency": value})
    if not limits:
        assert isinstance(options, BadOption)
    else:
        assert isinstance(options, Options)
        assert options.concurrency == limits


def test_timeouts_that_cannot_be_read_are_ignored() -> None:
    options = read(timeouts={"start": "zz", "finish": "1m"})
    assert (options.start_timeout, options.finish_timeout) == (None, 60_000)


def test_empty_options_are_no_options() -> None:
    assert read(cancel=[], concurrency=[], debounce=None, idempotency="") == Options()


def test_what_the_store_keeps_is_read_as_the_same() -> None:
    options = read(
        batchEvents={"maxSize": 2, "timeout": "1s"}, concurrency=3, timeouts={"finish": "1m"}
    )
    assert read_options(options.source) == options


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"batchEvents": {"maxSize": 1, "timeout": "5s"}}, "maxSize"),
        ({"batchEvents": {"maxSize": 2, "timeout": "1d"}}, "timeout"),
        ({"batchEvents": {"maxSize": 2, "timeout": "5s", "key": "event."}}, "batchEvents.key"),
        (
            {"batchEvents": {"maxSize": 2, "timeout": "5s"}, "cancel": [{"event": "x"}]},
            "combined with cancel",
        ),
        ({"concurrency": {"fn": [{"limit": 1}, {"limit": 2}]}}, "concurrency.fn"),
        ({"concurrency": [{"limit": 1}] * 3}, "at most 2"),
        ({"concurrency": [{"limit": -1}]}, "concurrency.limit"),
        ({"concurrency": {"limit": 4}}, "list"),
        ({"rateLimit": {"limit": 0, "period": "1s"}}, "rateLimit.limit"),
        ({"rateLimit": {"limit": 1, "period": "25h"}}, "rateLimit.period"),
        ({"throttle": {"limit": 1}}, 'invalid duration ""'),
        ({"throttle": {"limit": True, "period": "1s"}}, "throttle.limit"),
        ({"debounce": {"period": "8d"}}, "debounce.period"),
        ({"debounce": {"period": 5}}, "not a duration"),
        ({"debounce": "5s"}, "not an object"),
        ({"priority": {"run": "event.data. =="}}, "priority.run"),
        ({"priority": {"run": 7}}, "not an expression"),
        ({"singleton": {"mode": "zzz"}}, "SingletonMode"),
        ({"idempotency": "unknown.x"}, "undeclared reference"),
        ({"cancel": [{"event": "x"}] * 6}, "more than 5"),
        ({"cancel": [{}]}, "no event name"),
        ({"cancel": [{"event": "x", "if": "size(event.data.l) == 1"}]}, "cancel.if"),
        ({"cancel": [{"event": "x", "timeout": "soon"}]}, "cancel.timeout"),
    ],
)
def test_what_is_invalid_is_named(config: dict[str, Any], said: str) -> None:
    options = read_options(config)
    assert isinstance(options, BadOption)
    assert said in options.detail
