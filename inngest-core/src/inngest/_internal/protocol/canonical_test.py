from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inngest._internal.protocol.canonical import canonicalize


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-9, "1.5e-9"),
        (123456.789, "123456.789"),
        (1.2345e25, "1.2345e+25"),
        (-0.0, "0"),
        (-0.5, "-0.5"),
        (4.0, "4"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (2**53 + 1, "9007199254740992"),
        (10**21, "1e+21"),
        (True, "true"),
        ([], "[]"),
        ({}, "{}"),
        ([{}, [], None], "[{},[],null]"),
        ("\u20ac\u2028<\x0f\n", '"\u20ac\u2028<\\u000f\\n"'),
    ],
)
def test_values_are_written_as_ecmascript_does(value: object, text: str) -> None:
    assert canonicalize(value) == text.encode()


def test_keys_are_sorted_by_utf16_code_units() -> None:
    assert canonicalize({"\ufb33": 1, "\U0001f600": 2, "1": 3}) == (
        '{"1":3,"\U0001f600":2,"\ufb33":1}'.encode()
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "\ud800", b""])
def test_what_jcs_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"not JSON|surrogates"):
        canonicalize(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_round_trip(value: float) -> None:
    assert float(json.loads(canonicalize(value))) == value
