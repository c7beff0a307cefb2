"""A test suite for serializers: subclass it and set the serializer and some values.

::

    class TestMsgspec(SerializerSuite):
        serializer = MsgspecSerializer()
        values = [(Order(id=1), Order), ([Order(id=1)], list[Order])]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest

import inngest
from inngest.testing.runs import Ended, play
from inngest.testing.suite import Suite

PLAIN: tuple[Any, ...] = (
    None,
    True,
    0,
    2**53 - 1,
    -1.5,
    "naïve ✓\u2028",
    [],
    [1, [2, {"three": None}]],
    {"a": {"b": ["c"]}, "": ""},
)


class SerializerSuite(Suite):
    """The tests that every serializer must pass."""

    serializer: ClassVar[inngest.Serializer]
    """The serializer under test."""
    values: ClassVar[Sequence[tuple[Any, Any]]]
    """Pairs of a value and its type, including the types that the serializer is made for."""
    mismatches: ClassVar[Sequence[tuple[Any, Any]]] = ()
    """Pairs of a JSON value and a type that it must not deserialize to."""

    def is_equal(self, got: Any, value: Any) -> bool:
        """Compare values. Override it for types whose ``==`` is not a bool, such as arrays."""
        return bool(got == value)

    def test_what_it_makes_is_strict_json(self) -> None:
        for value, typ in self.values:
            json.dumps(self.serializer.serialize(value, typ), allow_nan=False)

    def test_values_come_back_equal(self) -> None:
        for value, typ in self.values:
            self._expect(self._round_trip(value, typ), value)

    def test_plain_values_without_a_type_come_back_equal(self) -> None:
        for value in PLAIN:
            for typ in (object, Any):
                got = self._round_trip(value, typ)
                assert got == value and type(got) is type(value)

    def test_a_value_is_not_changed_by_being_stored(self) -> None:
        for value, typ in self.values:
            before = repr(value)
            self.serializer.serialize(value, typ)
            assert repr(value) == before

    def test_what_is_stored_is_stable(self) -> None:
        """Serializing the same value again, or after a round trip, gives the same JSON."""
        for value, typ in self.values:
            first = json.dumps(self.serializer.serialize(value, typ))
            assert json.dumps(self.serializer.serialize(value, typ)) == first
            again = self.serializer.serialize(self._round_trip(value, typ), typ)
            assert json.dumps(again) == first

    def test_a_value_of_another_type_is_an_error(self) -> None:
        for value, typ in self.mismatches:
            with pytest.raises(Exception):  # noqa: B017, PT011  which one is the serializer's choice
                self.serializer.deserialize(value, typ)

    def test_it_may_be_used_by_many_threads(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            for _ in pool.map(lambda pair: self._round_trip(*pair), [*self.values] * 20):
                pass

    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_steps_give_equal_values_live_and_replayed(self, kind: str) -> None:
        for value, typ in self.values:
            seen: list[Any] = []
            ended = self._run(kind, value, typ, seen)
            assert ended.status == 200, ended.body
            assert len(seen) > 1
            for got in seen:
                self._expect(got, value)
            assert ended.stored["value"] == self.serializer.serialize(value, typ)

    def _expect(self, got: Any, value: Any) -> None:
        assert type(got) is type(value), f"{value!r} came back as {got!r}"
        assert self.is_equal(got, value), f"{value!r} came back as {got!r}"

    def _round_trip(self, value: Any, typ: Any) -> Any:
        text = json.dumps(self.serializer.serialize(value, typ), allow_nan=False)
        return self.serializer.deserialize(json.loads(text), typ)

    def _run(self, kind: str, value: Any, typ: Any, seen: list[Any]) -> Ended:
        """Run a step that returns ``value``; append its result to ``seen`` on each call."""
        client = inngest.Inngest(
            app_id="suite", is_production=False, plugins=False, serializer=self.serializer
        )
        give: Callable[[], Any] = lambda: value  # noqa: E731
        more: Callable[[], Any] = lambda: "more"  # noqa: E731

        def run_sync(ctx: inngest.ContextSync[Any]) -> str:
            seen.append(ctx.step.run("value", give, output_type=typ))
            ctx.step.run("another", more)
            return "done"

        async def run_async(ctx: inngest.Context[Any]) -> str:
            seen.append(await ctx.step.run("value", give, output_type=typ))
            await ctx.step.run("another", more)
            return "done"

        handler: Any = run_async if kind == "async" else run_sync
        trigger = inngest.TriggerEvent(event="suite/go")
        return play(client, client.create_function(fn_id="fn", trigger=trigger)(handler))


__all__ = ["SerializerSuite"]
