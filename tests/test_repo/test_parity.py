"""What comes in two colours is the same twice, but for awaiting: names, parameters, types.

A user learns one face and knows both. Where the faces must differ, the tables say how.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
from typing import Any

import pytest

import inngest
from inngest import fetching
from inngest._internal.step.ai import AI, AISync

FACES: list[tuple[type[Any], type[Any]]] = [
    (AI, AISync),
    (inngest.Deferred, inngest.DeferredSync),
    (inngest.Group, inngest.GroupSync),
    (inngest.Middleware, inngest.MiddlewareSync),
    (inngest.Step, inngest.StepSync),
]

TWINS = {
    "AISync": "AI",
    "AsyncIterator": "Iterator",
    "ContextSync": "Context",
    "DeferredSync": "Deferred",
    "GroupSync": "Group",
    "MiddlewareSync": "Middleware",
    "StepRunnerSync": "StepRunner",
    "StepSync": "Step",
}
"""Types that differ with the colour, and the name that stands for both."""

FLOWS = {"run", "parallel", "wrap"}
"""Methods that take code of the user's, which is async in one colour."""

LONE = {(inngest.GroupSync, "__init__"): "the event loop is what runs an async group"}
"""Methods of one face alone, and why."""

each_face = pytest.mark.parametrize(
    ("with_await", "plain"), FACES, ids=[pair[0].__name__ for pair in FACES]
)


class _Uncoloured(ast.NodeTransformer):
    """Removes from an annotation what differs between async and sync code."""

    def __init__(self, is_flow: bool) -> None:
        self._is_flow = is_flow

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(TWINS.get(node.id, node.id))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if self._is_flow and isinstance(node.value, ast.Name) and node.value.id == "Awaitable":
            return node.slice
        return node


def uncoloured(annotation: object, *, is_flow: bool) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return ast.unparse(_Uncoloured(is_flow).visit(ast.parse(text, mode="eval")))


def methods(face: type[Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(face).items()
        if inspect.isfunction(value)
        and (not name.startswith("_") or name == "__init__")
        and (face, name) not in LONE
    }


def shape(function: Any, name: str) -> dict[str, tuple[object, ...]]:
    """Return the parameters and, once awaited, the return type."""
    is_flow = name in FLOWS
    signature = inspect.signature(function)
    found: dict[str, tuple[object, ...]] = {
        parameter.name: (
            index,
            parameter.kind,
            parameter.default,
            uncoloured(parameter.annotation, is_flow=is_flow),
        )
        for index, parameter in enumerate(signature.parameters.values())
    }
    return found | {"return": (uncoloured(signature.return_annotation, is_flow=is_flow),)}


@each_face
def test_both_faces_have_the_same_methods(with_await: type[Any], plain: type[Any]) -> None:
    ours = methods(with_await)
    assert sorted(ours) == sorted(methods(plain))
    assert ours.keys() - {"__init__"}


def test_every_lone_method_is_one_and_has_a_reason() -> None:
    twins = {plain: with_await for with_await, plain in FACES}
    for (face, name), reason in LONE.items():
        assert reason
        assert name in vars(face)
        assert name not in vars(twins[face])


@each_face
def test_parameters_and_results_are_equal_up_to_awaiting(
    with_await: type[Any], plain: type[Any]
) -> None:
    for name, function in methods(with_await).items():
        assert shape(function, name) == shape(vars(plain)[name], name), name


@each_face
def test_docstrings_are_equal(with_await: type[Any], plain: type[Any]) -> None:
    for name, function in methods(with_await).items():
        assert inspect.getdoc(function) == inspect.getdoc(vars(plain)[name]), name


@each_face
def test_one_face_is_awaited_and_the_other_is_not(with_await: type[Any], plain: type[Any]) -> None:
    def is_awaited(function: Any) -> bool:
        return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)

    for name, function in methods(with_await).items():
        assert is_awaited(function) == (name != "__init__"), name
        assert not is_awaited(vars(plain)[name]), name


def test_both_contexts_have_the_same_fields() -> None:
    def fields(context: Any) -> list[tuple[object, ...]]:
        return [
            (each.name, uncoloured(each.type, is_flow=False), each.default, each.kw_only)
            for each in dataclasses.fields(context)
        ]

    assert fields(inngest.Context) == fields(inngest.ContextSync)
    assert inngest.Context.__doc__
    assert inngest.ContextSync.__doc__


@pytest.mark.parametrize("name", ["send", "send_signal", "update_metadata"])
def test_both_ways_to_send_are_equal_up_to_awaiting(name: str) -> None:
    send, send_sync = getattr(inngest.Inngest, name), getattr(inngest.Inngest, f"{name}_sync")
    assert shape(send, name) == shape(send_sync, f"{name}_sync")
    assert inspect.iscoroutinefunction(send)
    assert not inspect.iscoroutinefunction(send_sync)
    assert inspect.getdoc(send)
    assert inspect.getdoc(send_sync)


def test_both_transports_for_httpx_have_the_same_arguments() -> None:
    sync, with_await = fetching.StepTransport, fetching.AsyncStepTransport
    assert list(inspect.signature(sync).parameters) == list(
        inspect.signature(with_await).parameters
    )
    sync_call, awaited = sync.handle_request, with_await.handle_async_request
    assert inspect.getdoc(sync_call) == inspect.getdoc(awaited)


def test_every_overload_has_its_twin() -> None:
    def overloads(face: type[Any]) -> list[tuple[str, str, str]]:
        (body,) = ast.parse(inspect.getsource(face)).body
        assert isinstance(body, ast.ClassDef)
        return [
            (
                node.name,
                ast.unparse(node.args),
                uncoloured(ast.unparse(node.returns), is_flow=False),
            )
            for node in body.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and "overload" in map(ast.unparse, node.decorator_list)
            and node.returns
        ]

    assert overloads(inngest.Step) == overloads(inngest.StepSync)
    assert len(overloads(inngest.Step)) == 5
    given = [returned for *_, returned in overloads(inngest.Group)]
    assert given == [returned for *_, returned in overloads(inngest.GroupSync)]
    assert len(given) == 6


def test_the_comparison_sees_what_differs() -> None:
    async def one(self: object, a: int, *, b: str = "x") -> list[str]:
        return []

    def same(self: object, a: int, *, b: str = "x") -> list[str]:
        return []

    def default(self: object, a: int, *, b: str = "y") -> list[str]:
        return []

    def kind(self: object, a: int, b: str = "x") -> list[str]:
        return []

    def result(self: object, a: int, *, b: str = "x") -> list[int]:
        return []

    def order(self: object, *, b: str = "x", a: int) -> list[str]:
        return []

    assert shape(one, "one") == shape(same, "same")
    assert all(shape(one, "one") != shape(each, "x") for each in (default, kind, result, order))
