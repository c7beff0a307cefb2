"""Registrations that a server took or refused, and what comes of them when they are declared.

What a server takes is declared here and must be registered as recorded. What it refuses must
be refused when it is declared, by an error that names the field: a server's refusal comes
later, is for the whole app, and names nothing.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from inngest import (
    Batch,
    Cancel,
    Concurrency,
    Debounce,
    Inngest,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
    TriggerCron,
    TriggerEvent,
)
from inngest.errors import FunctionConfigInvalidError, URLInvalidError
from inngest.transport import Handler, ServeOptions

from .differences import ABSENT
from .replay import Exchange, _flat, base_url_of, load

SYNC_ERRORS, CEL = "sync_errors", "cel_trigger_expressions"
DECLARED = frozenset({SYNC_ERRORS, CEL})
"""The recordings that this file plays."""

NO_SDK = "text that is not JSON, or a GET: a request that no SDK sends"
NO_PARSER = "core reads no CEL; the server does, and its refusal is the error of the sync"
ONE_STEP = "every function has the one step that the protocol asks for"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A registration that the server accepted, declared with ``options``."""

    options: Mapping[str, Any]
    ours: Mapping[str, object] | None = None
    """What we register instead, at each path, and why."""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A registration that the server rejected; ``declare`` must raise an error that matches."""

    options: Any
    error: str


@dataclass(frozen=True)
class Inexpressible:
    """A registration that cannot be declared, and the reason."""

    reason: str


def seconds(count: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=count)


def days(count: int) -> datetime.timedelta:
    return datetime.timedelta(days=count)


def batch(**others: Any) -> dict[str, Any]:
    return {"batch_events": Batch(max_size=2, timeout=seconds(5)), **others}


def cron(text: str, jitter: str | None = None) -> dict[str, Any]:
    return {"trigger": TriggerCron(cron=text, jitter=jitter)}


def on(*names: str) -> dict[str, Any]:
    return {"trigger": [TriggerEvent(event=name) for name in names]}


FN = {"fn_id": "fn", "retries": 3, **on("se/go")}

TABLE: dict[int, Taken | Refused | Inexpressible] = {
    0: Taken(options=FN),
    1: Taken(options=FN),
    2: Inexpressible("about the kind of the server; the functions are those of 0"),
    3: Inexpressible("no functions: an app of ours cannot be served without any"),
    4: Refused(options=lambda: {"app_id": ""}, error="app_id: must be a string, and not empty"),
    5: Refused(options=lambda: cron("nope"), error="cron: .*5 fields"),
    6: Refused(options=lambda: cron("* * * * * *"), error="cron: .*5 fields"),
    7: Taken(options=cron("TZ=Europe/London 0 9 * * *")),
    8: Refused(options=lambda: cron("@hourly"), error="cron: .*5 fields"),
    9: Refused(options=lambda: cron("* * * * *", "6m"), error="jitter: .*1s to 5m"),
    10: Taken(options=cron("0 0 1 1 *", "30s")),
    11: Inexpressible(NO_PARSER),
    12: Refused(options=lambda: on("a", "a"), error="triggers: .*twice"),
    13: Taken(options={}),
    14: Refused(options=lambda: on(*(f"a{n}" for n in range(11))), error="triggers: at most 10"),
    15: Refused(
        options=lambda: {"batch_events": Batch(max_size=1, timeout=seconds(5))},
        error="max_size: .*greater than or equal to 2",
    ),
    16: Refused(
        options=lambda: {"batch_events": Batch(max_size=2, timeout=seconds(0.5))},
        error="timeout: .*at least one second",
    ),
    17: Inexpressible("a day is registered as 24h, which the server takes"),
    18: Taken(options={"batch_events": Batch(max_size=200, timeout=seconds(90))}),
    19: Refused(options=lambda: batch(cancel=[Cancel(event="x")]), error="batch_events: .*cancel"),
    20: Refused(
        options=lambda: batch(debounce=Debounce(period=seconds(5))),
        error="batch_events: .*debounce",
    ),
    21: Refused(
        options=lambda: batch(singleton=Singleton(mode="skip")), error="batch_events: .*singleton"
    ),
    22: Refused(
        options=lambda: batch(priority=Priority(run="1")), error="batch_events: .*priority"
    ),
    23: Taken(options=batch(rate_limit=RateLimit(limit=1, period=seconds(5)))),
    24: Refused(
        options=lambda: {
            "concurrency": [
                Concurrency(limit=1),
                Concurrency(limit=2, key="event.data.a"),
                Concurrency(limit=3, key="event.data.b"),
            ]
        },
        error="concurrency: at most 2",
    ),
    25: Taken(
        options={"concurrency": [Concurrency(limit=5)]},
        ours={"concurrency": ABSENT, "concurrency[0].limit": 5},
        why="one limit, as a number or in a list, means the same to the server; ours is a list",
    ),
    26: Refused(
        options=lambda: {"concurrency": [Concurrency(limit=1, scope="env")]},
        error="scope: .*need a key",
    ),
    27: Inexpressible("no null is registered: a scope that is None is left out"),
    28: Inexpressible("a limit of whole runs: the public surface has no option for it"),
    29: Refused(
        options=lambda: {"concurrency": [Concurrency(limit=1, scope=anything("zzz"))]},
        error="scope: .*'account', 'env' or 'fn'",
    ),
    30: Refused(
        options=lambda: {"debounce": Debounce(period=seconds(0.5))},
        error="period: .*at least one second",
    ),
    31: Refused(
        options=lambda: {"debounce": Debounce(period=days(8))}, error="period: .*at most 7 days"
    ),
    32: Taken(
        options={
            "debounce": Debounce(period=seconds(1), timeout=seconds(5), key="event.data.x"),
        }
    ),
    33: Refused(
        options=lambda: {"rate_limit": RateLimit(limit=0, period=seconds(5))},
        error="limit: .*greater than or equal to 1",
    ),
    34: Refused(
        options=lambda: {"rate_limit": RateLimit(limit=1, period=seconds(25 * 3600))},
        error="period: .*at most 24 hours",
    ),
    35: Taken(
        options={
            "throttle": Throttle(limit=1, period=seconds(5), burst=2, key="event.data.x"),
        }
    ),
    36: Refused(
        options=lambda: {"throttle": anything(Throttle)(limit=1)}, error="period: Field required"
    ),
    37: Inexpressible(NO_PARSER),
    38: Taken(options={"priority": Priority(run="event.data.p > 1 ? 100 : -100")}),
    39: Refused(
        options=lambda: {"cancel": [Cancel(event=f"x{n}") for n in range(6)]},
        error="cancel: at most 5",
    ),
    40: Inexpressible(NO_PARSER),
    41: Inexpressible(NO_PARSER),
    42: Taken(
        options={
            "cancel": [
                Cancel(
                    event="x",
                    if_exp="async.data.a == event.data.a && event.data.b > 1",
                    timeout=seconds(3600),
                )
            ]
        }
    ),
    43: Refused(
        options=lambda: {"singleton": Singleton(mode=anything("zzz"))},
        error="mode: .*'skip' or 'cancel'",
    ),
    44: Taken(options={"singleton": Singleton(mode="cancel", key="event.data.x")}),
    45: Taken(options={"timeouts": Timeouts(start=seconds(10), finish=seconds(60))}),
    46: Inexpressible("a duration that the server ignores; ours is a number, not a text"),
    47: Taken(options={"retries": 50}),
    48: Taken(options={"idempotency": "event.data.x"}),
    49: Inexpressible("an app always has the URL that it was called at"),
    50: Refused(
        options=lambda: {"serve_origin": "ftp://x"}, error="serve_origin .*neither http nor https"
    ),
    51: Inexpressible(ONE_STEP),
    52: Refused(
        options=lambda: {"fn_id": "", "name": ""}, error="fn_id: must be a string, and not empty"
    ),
    53: Inexpressible(ONE_STEP),
    54: Inexpressible(NO_SDK),
    55: Inexpressible(NO_SDK),
    56: Taken(options=FN),
}
"""Every exchange of the recording, by its index."""


def anything(value: Any) -> Any:
    """Hide a value's type from the type checker, as users may not have one."""
    return value


def declared(options: Mapping[str, Any], app_id: str, url: str) -> dict[str, Any]:
    """Declare and serve a function, and return its registration."""
    given = {"fn_id": "bad", "retries": 0, **on("se/bad"), **options}
    app_id, serve_origin = given.pop("app_id", app_id), given.pop("serve_origin", None)
    client = Inngest(app_id=app_id, is_production=False)
    decorate = client.create_function(**given)

    @decorate
    def fn(ctx: Any) -> None: ...

    Handler(client, [fn], ServeOptions(framework="test", serve_origin=serve_origin, environ={}))
    return fn.get_config(url).main.to_dict()


def check(exchange: Exchange, name: str, number: int, taken: Taken) -> None:
    recorded = exchange.body["functions"][number]
    url = f"{base_url_of(name)}/api/inngest"
    ours = declared(taken.options, exchange.body["appName"], url)
    theirs, us = _flat("", recorded), _flat("", ours)
    differing = {
        path.removeprefix("."): us.get(path, ABSENT)
        for path in {*theirs, *us}
        if theirs.get(path, ABSENT) != us.get(path, ABSENT)
    }
    assert differing == (taken.ours or {}), taken.why
    assert bool(taken.ours) == bool(taken.why)


def is_refused(exchange: Exchange) -> bool:
    return exchange.status >= 400


@pytest.mark.parametrize("index", sorted(TABLE))
def test_what_is_declared_is_registered_or_refused_as_recorded(
    index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INNGEST_SERVE_ORIGIN", raising=False)
    exchange = load(SYNC_ERRORS)[index]
    match TABLE[index]:
        case Taken() as taken:
            assert not is_refused(exchange)
            check(exchange, SYNC_ERRORS, 0, taken)
        case Refused(options=options, error=error):
            assert is_refused(exchange)
            with pytest.raises((FunctionConfigInvalidError, URLInvalidError)) as caught:
                declared(options(), "rec-sync-errors", "http://app.test/api/inngest")
            assert re.match(error, caught.value.message), caught.value.message
        case Inexpressible(reason=reason):
            assert reason


def test_every_registration_of_the_recording_is_in_the_table() -> None:
    assert sorted(TABLE) == [exchange.index for exchange in load(SYNC_ERRORS)]


def test_what_is_inexpressible_is_nothing_that_the_server_takes_but_these() -> None:
    exchanges = load(SYNC_ERRORS)
    taken = {
        index
        for index, outcome in TABLE.items()
        if isinstance(outcome, Inexpressible) and not is_refused(exchanges[index])
    }
    assert taken == {3, 28, 46}


def test_every_expression_of_a_trigger_is_registered_as_it_is_declared() -> None:
    exchange = next(each for each in load(CEL) if each.path == "/fn/register")
    functions = exchange.body["functions"]
    assert len(functions) == 69
    for number, function in enumerate(functions):
        (trigger,) = function["triggers"]
        options = {
            "fn_id": f"x{number}",
            "trigger": TriggerEvent(event="cel/go", expression=trigger["expression"]),
        }
        check(exchange, CEL, number, Taken(options=options))


def test_a_registration_is_json_without_nulls() -> None:
    for outcome in TABLE.values():
        if isinstance(outcome, Taken):
            config = declared(outcome.options, "app", "http://app.test/api/inngest")
            assert "null" not in json.dumps(config)
