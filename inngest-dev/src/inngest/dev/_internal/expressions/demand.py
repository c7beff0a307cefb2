"""What an expression demands of the event that comes in (`async`), to be found by an index. Pure.

`event.data.id == async.data.id && async.data.ok` can only be true of an event whose `data.id` is
that of the first event: it demands this value. Waits and runs are stored by what they demand, and
an event finds them by what it offers. None is missed whose expression is true; of those that are
found, the whole expression is still to be evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lark import Token, Tree

from inngest.dev._internal.expressions.compiler import Code, Scope, code_of
from inngest.dev._internal.expressions.values import Value, kind

ASYNC = "async"
_CLOCK = ("now", "now_plus", "now_minus")
_LONGEST = 100
"""Characters of a text that are compared, besides its length: an index is for the most of them."""
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    fields: str
    """The fields of `async` that values are demanded of: their paths, as JSON."""
    codes: tuple[Code, ...]
    """What evaluates to the values, in the same order."""

    def wanted(self, scope: Scope) -> str:
        """The demanded values as text: what `offered` gives for each event that has them.

        :raises EvaluationError: as the expression does.
        """
        return _text_of([code(scope) for code in self.codes])


def offered(fields: str, event: Value) -> str:
    """What an event has in these fields, as text to compare with `Demand.wanted`.

    :param event: as of `from_json`.
    """
    return _text_of([_at(path, event) for path in json.loads(fields)])


def demand_of(tree: Tree[Any], names: frozenset[str]) -> Demand | None:
    """What the expression demands; None if it may be true of any event."""
    found = [each for part in _conjuncts(tree) for each in _equality(part)]
    if not found:
        return None
    codes = tuple(code_of(other, names) for _, other in found)
    return Demand(fields=json.dumps([path for path, _ in found]), codes=codes)


def _conjuncts(tree: Tree[Any]) -> Iterator[Tree[Any]]:
    if tree.data == "and":
        for child in tree.children:
            assert isinstance(child, Tree)
            yield from _conjuncts(child)
    else:
        yield tree


def _equality(tree: Tree[Any]) -> Iterator[tuple[Path, Tree[Any]]]:
    """The path in `async` and the other side, of a comparison of a field with a fixed value.

    Fixed is what depends neither on `async` nor on the time.
    """
    if tree.data != "relation" or str(tree.children[1]) != "==":
        return
    left, _, right = tree.children
    for field, other in ((left, right), (right, left)):
        assert isinstance(other, Tree)
        path = _path(field)
        if path is not None and _is_fixed(other):
            yield path, other
            return


def _path(node: Tree[Any] | Token) -> Path | None:
    match node:
        case Tree(data="name", children=[name]):
            return () if name == ASYNC else None
        case Tree(data="select", children=[inner, name]):
            key = str(name)
        case Tree(data="index", children=[inner, Tree(data="string") as text]):
            key = code_of(text, frozenset())({})
        case _:
            return None
    path = _path(inner)
    return None if path is None or not isinstance(key, str) else (*path, key)


def _is_fixed(tree: Tree[Any]) -> bool:
    return not any(
        (node.data == "name" and node.children[0] == ASYNC)
        or (node.data == "call" and node.children[0] in _CLOCK)
        for node in tree.iter_subtrees()
    )


def _at(path: Path, event: Value) -> Value:
    value = event
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text_of(values: list[Value]) -> str:
    return json.dumps([_shown(value) for value in values])


def _shown(value: Value) -> Value:
    """What is the same for all values that are equal, in the sense of expressions.

    Different values may share it: lists, e.g., are distinguished only by kind.
    """
    match value:
        case bool():
            return value
        case int() | float():
            return ["number", float(value) + 0.0]  # there are two zeros
        case str():
            return ["string", len(value), value[:_LONGEST]]
        case _:
            return [kind(value)]
