"""Expressions, against the table of the recording, and where it says nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inngest.dev._internal.expressions.cel import (
    MAX_LENGTH,
    BadExpression,
    Expression,
    compiled,
)
from inngest.dev._internal.expressions.values import from_json

NOW = 1_795_396_793_597
RECORDING = Path(__file__).parents[6] / "tests/recordings/cel_trigger_expressions.json"
RECORDED: dict[str, Any] = json.loads(RECORDING.read_text("utf-8"))
(SENT,) = [e["body"] for e in RECORDED["exchanges"] if e["path"].startswith("/e/")]
EVENT = {**SENT, "id": "01M82ZT77X92B90EKNVX0DENCB", "ts": NOW}


def read(text: str) -> Expression:
    expression = compiled(text)
    assert isinstance(expression, Expression), expression
    return expression


def scope_of(event: Any) -> dict[str, Any]:
    return {"event": from_json(event)}


def value(text: str, **data: Any) -> Any:
    return read(text).value(scope_of({"data": data}), NOW)


@pytest.mark.parametrize(("text", "matched"), RECORDED["results"].items())
def test_an_expression_holds_where_it_did_in_the_recording(text: str, matched: bool) -> None:
    assert read(text).holds(scope_of(EVENT), NOW) is matched


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7.0 / 2.0", 3.5),
        ("{1: 'a', 'b': 2}[1]", "a"),
        ("{1: 'a'}[1.0]", "a"),
        ("{true: 'a'}[true]", "a"),
        ("{1: 'a'}[true]", None),
        ("{1: 'a'}[[1]]", None),
        ("[1, 2] + [3]", [1, 2, 3]),
        ("[1, 2,].map(x, x * 2)", [2, 4]),
        ("[1, 2, 3].filter(x, x > 1).size()", 2),
        ("[1, 2].all(x, x > 0)", True),
        ("[1, 2, 2].exists_one(x, x == 2)", False),
        ("{'a': {'b': 1},}.a.b", 1),
        ("[[1], [2]].exists(x, x.exists(y, y == 2))", True),
        ("r'\\d' == '\\\\d' && '\\?' == '?'", True),
        (r"'\\?'.size() == 2 && '\u0041\x41\101\U00000041\`' == 'AAAA`'", True),
        (r"b'\x41\101\?' == b'AA?'", True),
        ("'''a\nb''' == 'a\\nb'", True),
        ("b'a' == bytes('a')", True),
        ("0x1F == 31 && 3u == 3 && 1e3 == 1000", True),
        ("duration('1h') > duration('59m')", True),
        ("date('2024-03-01') - date('2024-02-01') == duration('29d')", True),
        ("date('2024-02-29').getMonth() == 1 && date('2024-02-29').getDate() == 29", True),
        ("timestamp('2024-02-29T05:06:07Z').getHours()", 5),
        ("int('12') + int(3.9)", 15),
        ("string(true) + string(1.5) + string(2.0)", "true1.52"),
        ("string(duration('5000h')) + string(duration('1ms'))", "18000000s0.001s"),
        ("uint('3') == 3 && double('1.5') == 1.5 && bool('true')", True),
        ("type(1.0) + type('') + type(null) + type([])", "doublestringnulllist"),
        ("true ? 1 : 2", 1),
        ("// a comment\n1 == 1", True),
        ("1 == 2 || (3 > 2 && !(1 > 2))", True),
        ("1 in [1] in [true]", True),
        ("1 / 0 == 1 || true", True),
        ("true || 1 / 0 == 1", True),
        ("1 / 0 == 1 && false", False),
        ("[1, 0].exists(x, 1 / x == 1)", True),
    ],
)
def test_the_language(text: str, expected: Any) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0",
        "1 / 0 == 1 || false",
        "9223372036854775807 + 1",
        "event.data.l[7]",
        "[1][0.5]",
        "[1][0.0 / 0.0]",
        "[1][double('nan')]",
        "[1][json_parse('{\"a\": NaN}').a]",
        "'a' < 1",
        "'a' + 1",
        "!1",
        "int('x')",
        "date('x')",
        "json_parse('[1]')",
        "b64decode('a')",
        "'a'.matches('(')",
        "1.0 % 2.0",
        "async.data.x",
        "[1, 2].map(x, x / 0)",
        "duration('x')",
        "has(event.data.x.y) && event.data.x",
    ],
)
def test_what_cannot_be_evaluated_has_no_value(text: str) -> None:
    assert value(text, l=[1]) in (None, False)
    assert not read(text).holds(scope_of({"data": {"l": [1]}}), NOW)


def test_numbers_of_json_are_doubles_whatever_their_size() -> None:
    assert value("event.data.n == 9007199254740993", n=2**53 + 1) is False
    assert value("event.data.n > 1e300", n=10**400) is True


def test_both_events_are_seen_by_a_wait() -> None:
    scope = {**scope_of({"data": {"id": 1}}), "async": from_json({"data": {"id": 1.0}})}
    assert read("event.data.id == async.data.id").holds(scope, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "event.data.",
        "event.x == 'a' &&",
        "unknown.data == 1",
        "event.data.x.unknown()",
        "size()",
        "lowercase('a', 'b')",
        "[1].map(1, x)",
        "has(1)",
        "'open",
        "1 + + 2",
        "99999999999999999999",
        "Message{a: 1}",
        "1" + " + 1" * MAX_LENGTH,
        r"'\q'",
        r"event.data.path.matches('\d+')",
        r"'\N{DIGIT ONE}' == '1'",
        r"b'\u0041' == b'A'",
    ],
)
@pytest.mark.filterwarnings("ignore")  # as for users: Python warns of some, and goes on
def test_what_cannot_be_read_is_bad_and_says_why(text: str) -> None:
    read = compiled(text)
    assert isinstance(read, BadExpression)
    assert read.message


def test_deep_nesting_is_bad_not_fatal() -> None:
    assert isinstance(compiled("!" * 5000 + "true"), BadExpression)


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("event.data.id == async.data.id && event.data['x'][0] > -1", True),
        ("!(event.data.a in [1, 2]) || event.data.b != null", True),
        ("event.data.a + 'x' == async.data.a", False),
        ("event.data.l.exists(i, i == 1)", False),
        ("size(event.data.l) == 1", False),
        ("event.data.a ? true : false", False),
        ("-event.data.a == 1", False),
    ],
)
def test_what_a_cancellation_may_use(text: str, simple: bool) -> None:
    assert read(text).simple is simple


def test_an_evaluation_that_goes_through_too_many_values_has_none() -> None:
    """The engine waits for it, and what it goes through may be of anybody's event."""
    many = [0] * 1000
    assert value("event.data.l.all(x, event.data.l.all(y, y == 0))", l=[0] * 500) is True
    for text in (
        "event.data.l.all(x, event.data.l.all(y, y == 0))",
        "event.data.l.all(x, !(1 in event.data.l))",
        "event.data.l.all(x, event.data.l == event.data.l)",
        "event.data.l.exists(x, event.data.l.exists(y, y == 1)) || event.data.l.size() > 5",
    ):
        assert value(text, l=many) is None


@pytest.mark.parametrize(
    "text",
    [
        "event.data.long.matches('^(a+)+$')",
        "event.data.many.all(x, (event.data.s + event.data.s).size() > 0)",
        "event.data.many.map(x, event.data.s + event.data.s).size() > 0",
        "event.data.many.all(x, (event.data.many + event.data.many).size() > 0)",
        "event.data.many.all(x, !event.data.s.contains('b'))",
        "event.data.many.all(x, uppercase(event.data.s) != '')",
        "event.data.many.all(x, !('a' + event.data.s < event.data.s))",
        "event.data.many.all(x, event.data.s + 'a' != event.data.s)",
        "event.data.many.all(x, json_parse(event.data.json).l != [])",
        "event.data.many.all(x, event.data.map[1] == null)",
        "event.data.many.all(x, event.data.nested == event.data.nested)",
        "event.data.many.all(x, event.data.nested in event.data.nested)",
        "event.data.many.all(x, !event.data.s.matches('b'))",
        "event.data.many.all(x, !event.data.s.matches('^' + '(a|b)*a(a|b){9}' + '$' + string(x)))",
        f"event.data.many.all(x, x {'+ x ' * 150}== 0.0)",
    ],
)
def test_no_evaluation_takes_long(text: str) -> None:
    many, long = [0] * 20_000, "a" * 30 + "!"
    data = {"many": many, "nested": [many], "s": "a" * 400_000, "long": long}
    data |= {"json": json.dumps({"l": many}), "map": {f"k{n}": 0 for n in range(20_000)}}
    assert not read(text).holds(scope_of({"data": data}), NOW)


def test_what_an_evaluation_makes_can_be_gone_through() -> None:
    """It becomes the text of a key. Parts of it may be in it many times."""
    assert value("[[1]].map(x, [x, x])" + ".map(x, [x, x])" * 5) is not None
    assert value("[[1]].map(x, [x, x])" + ".map(x, [x, x])" * 60) is None
    assert value("event.data.l.map(x, event.data.l)", l=[0] * 5000) is None
    doubled = "[[1]].map(x, [x, x])" + ".map(x, [x, x])" * 60
    assert value(f"{doubled} == {doubled}") is None


def test_one_that_is_given_up_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    text = "event.data.l.all(x, event.data.l.all(y, y == 0))"
    assert value(text, l=[0] * 2000) is None
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert text in record.getMessage()


def test_a_sum_does_not_fill_the_memory() -> None:
    assert value("event.data.s + event.data.s", s="a" * 100_000) == "a" * 200_000
    assert value("['a'].map(x, x + x)" + ".map(x, x + x)" * 40) is None
    assert value("[[1]].map(x, x + x)" + ".map(x, x + x)" * 40) is None
