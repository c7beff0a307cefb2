from __future__ import annotations

import pytest

from inngest.dev._internal.model.strict import size_of
from inngest.dev._internal.model.values import Json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        ([1, 2, {"a": "b"}], '[1,2,{"a":"b"}]'),
        ("é\u2028\U0001f600", '"é\u2028\U0001f600"'),
    ],
)
def test_a_size_is_that_of_the_bytes_that_are_sent(value: Json, text: str) -> None:
    assert size_of(value) == len(text.encode())
