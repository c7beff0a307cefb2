from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function.config import (
    Batch,
    Cancel,
    Concurrency,
    Debounce,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
    TriggerCron,
    TriggerEvent,
)
from inngest._internal.function.options import FunctionOptions
from inngest._internal.function.registration import Runtime, failure_config, function_config

RECORDINGS = Path(__file__).parents[5] / "tests" / "recordings"
GO = TriggerEvent(event="a/b")


def recorded(name: str) -> list[dict[str, Any]]:
    path = RECORDINGS / f"{name}.json"
    for exchange in json.loads(path.read_text("utf-8"))["exchanges"]:
        if exchange["path"] == "/fn/register":
            functions: list[dict[str, Any]] = exchange["body"]["functions"]
            return functions
    raise AssertionError("no registration")


def declared(app_id: str, local_id: str, **options: Any) -> FunctionOptions:
    given = {"name": local_id, "triggers": (GO,)} | options
    return FunctionOptions(app_id=app_id, local_id=local_id, **given)


def test_all_options_are_as_recorded() -> None:
    url = "http://127.0.0.1:44473/api/inngest"
    key = "event.data.u"
    hour = datetime.timedelta(hours=1)
    first = declared(
        "rec-sync-out-of-band",
        "fn",
        name="My Fn",
        triggers=(TriggerEvent(event="oob/go"),),
        retries=2,
        cancel=[Cancel(event="oob/stop", timeout=hour)],
        concurrency=[Concurrency(key=key, limit=2, scope="fn")],
        debounce=Debounce(key=key, period=5000, timeout=60_000),
        priority=Priority(run="event.data.p"),
        rate_limit=RateLimit(key=key, limit=5, period=60_000),
        throttle=Throttle(key=key, limit=1, period=10_000, burst=2),
        timeouts=Timeouts(start=300_000, finish=hour),
        singleton=Singleton(key=key, mode="skip"),
    )
    second = declared(
        "rec-sync-out-of-band",
        "fn2",
        idempotency="event.data.id",
        triggers=(
            TriggerEvent(event="oob/a", expression="event.data.x > 1"),
            TriggerCron(cron="0 0 1 1 *", jitter="30s"),
        ),
    )
    assert [function_config(each, url=url).to_dict() for each in (first, second)] == recorded(
        "sync_out_of_band"
    )


def test_failure_handler_is_as_recorded() -> None:
    url = "http://127.0.0.1:37791/api/inngest"
    options = declared("rec-on-failure", "fn", retries=0, triggers=(TriggerEvent(event="onf/go"),))
    main, handler = function_config(options, url=url), failure_config(options, url=url)
    assert [main.to_dict(), handler.to_dict()] == recorded("on_failure")


@pytest.mark.parametrize(
    ("url", "local_id", "called"),
    [
        ("http://h/p?a=1", "x", "http://h/p?a=1&fnId=app-x&stepId=step"),
        ("http://h/p", "a b&c/\u00e9", "http://h/p?fnId=app-a%20b%26c%2F%C3%A9&stepId=step"),
        ("http://h/p?fnId=old", "x", "http://h/p?fnId=app-x&stepId=step"),
        ("wss://connect", "x", "wss://connect?fnId=app-x&stepId=step"),
    ],
)
def test_a_function_is_called_at_the_apps_url_by_its_id(
    url: str, local_id: str, called: str
) -> None:
    config = function_config(declared("app", local_id), url=url)
    assert config.steps["step"].runtime == Runtime(type="http", url=called)


def test_the_failed_id_is_quoted_in_the_expression() -> None:
    (trigger,) = failure_config(declared("app", "it's"), url="http://h").triggers
    assert isinstance(trigger, TriggerEvent)
    assert trigger.expression == "event.data.function_id == 'app-it\\'s'"


@pytest.mark.parametrize(
    "options",
    [
        {"retries": -1},
        {"retries": True},
        {"triggers": (GO, GO)},
        {"triggers": tuple(TriggerEvent(event=f"e{n}") for n in range(11))},
        {"concurrency": [Concurrency(limit=n) for n in range(3)]},
        {"cancel": [Cancel(event=f"e{n}") for n in range(6)]},
        {"batch_events": Batch(max_size=2), "priority": Priority(run="1")},
    ],
)
def test_what_a_server_refuses_is_refused_here(options: dict[str, Any]) -> None:
    with pytest.raises(FunctionConfigInvalidError):
        function_config(declared("app", "x", **options), url="http://h")
