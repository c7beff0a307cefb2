from __future__ import annotations

import pytest

from inngest.dev._internal.flow_control.keys import key_of
from inngest.dev._internal.model.values import Event


def key(expression: str, **data: object) -> str:
    body = {"name": "e", "data": data, "id": "e", "ts": 1}
    return key_of(expression, Event(internal_id="e", received_at=1, body=body), 1)


def test_equal_values_have_one_key() -> None:
    assert key("event.data.a", a={"x": 1, "y": 2}) == key("event.data.a", a={"y": 2, "x": 1})
    assert key("event.data.a", a=1) != key("event.data.a", a="1")
    assert key("event.data.missing") == key("1 / 0")


@pytest.mark.parametrize("expression", ["{1: 'a', 'b': event.data.x}", "[{true: 1, '': 2}]"])
def test_a_map_whose_keys_are_of_several_kinds_is_a_key_too(expression: str) -> None:
    assert key(expression, x=1) == key(expression, x=1)
