"""What is demanded of an event: nobody is left out whose expression holds."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from inngest.dev._internal.expressions.cel import Expression, compiled
from inngest.dev._internal.expressions.demand import offered
from inngest.dev._internal.expressions.values import from_json

NOW = 1_795_396_793_597
VALUES: list[Any] = [
    None, True, False, 0, -0.0, 1, 1.0, 1.5, -1, 2**53, 2**53 + 1, 10**400, "", "1", "true", "null",
    "a", "é", "a" * 99, "a" * 100 + "b", "a" * 100 + "c", [], [1], [True], [1.0], {}, {"b": 1},
    {"b": 1.0}, {"b": None},
]  # fmt: skip
LITERALS = ["null", "true", "false", "0", "1", "1.0", "-1", "9007199254740993", "1u", "'1'", "'a'",
            "''", "[]", "[1.0]", "{'b': 1}", "b'a'", "1 / 0", "string(event.data.a)",
            "event.data.a + 'x'", "[1].map(async, async)[0]", "now()", "size(event.data.a)"]  # fmt: skip
FIELDS = ["{}.data.a", "{}.data['b']", "{}.data.a.b", "{}.data.missing.deep", "{}.data", "{}.name",
          "{}.data.a[0]", "{}"]  # fmt: skip


def read(text: str) -> Expression:
    expression = compiled(text)
    assert isinstance(expression, Expression), expression
    return expression


def event(random: Random) -> Any:
    data = {name: random.choice(VALUES) for name in "ab" if random.random() < 0.9}
    return from_json({"name": random.choice("xy"), "data": data})


def equality(random: Random) -> str:
    field = random.choice(FIELDS)
    known = random.choice([field, field, random.choice(FIELDS), random.choice(LITERALS)])
    sides = [field.format("async"), known.replace("{}", "event", 1)]
    random.shuffle(sides)
    return f"{sides[0]} {random.choice(['==', '==', '==', '!=', '<'])} {sides[1]}"


def condition(random: Random) -> str:
    parts = [equality(random) for _ in range(random.randint(1, 3))]
    text = parts[0]
    for part in parts[1:]:
        text = random.choice([f"{text} && {part}", f"{part} && ({text})", f"{text} || {part}"])
    return random.choice([text, text, f"!({text})", f"{text} ? true : false"])


@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_left_out_whose_expression_holds(seed: int) -> None:
    random = Random(seed)
    held = passed = 0
    for _ in range(300):
        expression, first = read(condition(random)), event(random)
        wanted = expression.wanted({"event": first})
        for _ in range(20):
            came = random.choice([first, event(random), event(random)])
            holds = expression.holds({"event": first, "async": came}, NOW)
            if expression.demand is None or wanted is None:
                continue
            fits = offered(expression.demand.fields, came) == wanted
            assert fits or not holds, (expression.text, first, came)
            held += holds
            passed += not fits
    assert held > 100
    assert passed > 500


@pytest.mark.parametrize(
    "text",
    [
        "event.data.id == async.data.id",
        "async.data['id'] == event.data.id",
        "async.data.id == 'order-7'",
        "async.data.ok && async.data.id == event.data.id && async.data.n > 1.0",
        "(async.data.id == event.data.id) && (async.data.a == 1 || async.data.b == 2)",
        "async.data.id == 'order-' + string(event.data.n)",
    ],
)
def test_an_event_of_another_value_is_not_asked(text: str) -> None:
    expression = read(text)
    assert expression.demand is not None
    first = from_json({"data": {"id": "order-7", "n": 7}})
    others: list[Any] = ["order-8", 7, None, True, ["order-7"], {"id": "order-7"}, "a" * 200]
    wanted = expression.wanted({"event": first})
    assert wanted == offered(expression.demand.fields, first)
    for other in others:
        came = from_json({"data": {"id": other}})
        assert offered(expression.demand.fields, came) != wanted
    assert offered(expression.demand.fields, from_json({"data": {}})) != wanted


@pytest.mark.parametrize(
    "text",
    [
        "event.data.id != async.data.id",
        "event.data.id == async.data.id || async.data.all",
        "!(event.data.id == async.data.id)",
        "async.data.id in [event.data.id]",
        "async.data.at == string(now())",
        "async.data.a == async.data.b",
        "async.data.ids[0] == event.data.id",
        "[1].all(x, async.data.id == event.data.id)",
        "event.data.id == 1",
    ],
)
def test_what_is_no_equality_with_what_is_known_is_asked_of_every_event(text: str) -> None:
    assert read(text).demand is None


def test_what_has_no_value_yet_is_asked_of_every_event() -> None:
    assert read("async.data.id == int(event.data.id)").wanted({"event": {}}) is None
