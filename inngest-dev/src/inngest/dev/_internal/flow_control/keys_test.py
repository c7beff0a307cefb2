from __future__ import annotations

import pytest

from inngest.dev._internal.expressions import values
from inngest.dev._internal.flow_control import keys
from inngest.dev._internal.flow_control.keys import holds, key_of
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


def test_a_large_event_is_read_once_for_all_that_is_evaluated_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by the failure handlers of many functions: each has an expression for all failures."""
    read: list[object] = []

    def counted(body: object) -> object:
        read.append(body)
        return values.from_json(body)

    monkeypatch.setattr(keys, "from_json", counted)
    one, two = (
        Event(internal_id=name, received_at=1, body={"name": "e", "data": {"n": name}})
        for name in ("one", "two")
    )
    found = [holds(f"event.data.n == '{name}'", one, 1) for name in ("one", "two")]
    assert found == [True, False]
    assert [holds("event.data.n == async.data.n", one, 1, each) for each in (one, two, two)] == [
        True, False, False
    ]  # fmt: skip
    assert key_of("event.data.n", two, 1) == '"two"'
    assert [each["data"]["n"] for each in read] == ["one", "one", "two", "two"]  # type: ignore[index]
