from __future__ import annotations

import inspect
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inngest._internal.errors import OutputUnserializableError
from inngest._internal.serialization.text import as_stored, encode

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_json_survives(value: object) -> None:
    encoded = encode(value, "it")
    assert isinstance(encoded, str)
    assert json.loads(encoded) == value


def deep() -> object:
    value: object = "secret"
    for _ in range(100_000):
        value = [value]
    return value


def circular() -> object:
    value: list[object] = ["secret"]
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "NaN"),
        ([math.inf], "NaN or Infinity"),
        ({"secret": -math.inf}, "NaN or Infinity"),
        (object(), "not JSON"),
        ({("secret",): 1}, "not JSON"),
        (b"secret", "not JSON"),
        (circular(), "contains itself"),
        (deep(), "nested too deeply"),
    ],
    ids=lambda value: value if isinstance(value, str) else "value",
)
def test_what_is_not_json_is_an_error_that_never_quotes_it(value: object, reason: str) -> None:
    failure = encode(value, 'step "a"')
    assert isinstance(failure, OutputUnserializableError)
    assert reason in failure.message
    assert 'step "a"' in failure.message
    assert "secret" not in failure.message
    assert not failure.is_retriable


def test_what_was_not_awaited_is_named_and_closed() -> None:
    async def pay() -> None: ...

    unawaited = pay()
    failure = encode(unawaited, 'step "a"')
    assert isinstance(failure, OutputUnserializableError)
    assert failure.message.endswith("cannot be stored: it was not awaited")
    assert inspect.getcoroutinestate(unawaited) == inspect.CORO_CLOSED


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("12345678901234567890", 12345678901234567000),  # as recorded in cloud_mode_signed_call
        ('{"n":[9007199254740993,"9007199254740993"]}', {"n": [2**53, "9007199254740993"]}),
        ("-9007199254740992", -(2**53)),
        ("1" + "0" * 400, 10**400),
        ("[1.0,1,null]", [1, 1, None]),
    ],
)
def test_a_number_comes_back_as_the_double_that_it_is_to_a_server(
    text: str, stored: object
) -> None:
    assert as_stored(text) == stored
