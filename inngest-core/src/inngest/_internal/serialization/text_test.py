from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inngest._internal.errors import OutputUnserializableError
from inngest._internal.serialization.text import encode

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
