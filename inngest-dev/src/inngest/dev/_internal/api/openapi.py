"""Describe the engine's HTTP API as OpenAPI 3.1.

It is made of the routes, and of what `describes` and `refuses` say beside their handlers. A route
whose handler says nothing is listed with its docstring and its path. Answers may have more fields
than their descriptions.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_origin

from pydantic import TypeAdapter
from starlette.routing import BaseRoute, Route

from inngest.dev._internal.api.forms import Failure
from inngest.dev._internal.model.values import Json

JSON, TEXT, BYTES = "application/json", "text/plain", "application/octet-stream"
_COMPONENTS = "#/components/schemas/{model}"
_ATTRIBUTE, _REFUSAL = "__described__", "__refusal__"
_PHRASES: dict[int | str, str] = {
    200: "Done", 201: "Made", 204: "Done; there is nothing to tell", 303: "No event key is given",
    400: "The request is not valid", 401: "A key is missing, or wrong",
    403: "Not the dashboard's own page", 404: "There is no such thing",
    409: "It does not fit the state of things", 410: "The run has ended",
    413: "The body is too large", 422: "The query is not one of the known ones",
    500: "The signal has no name", 501: "The embedded engine does not do this",
    502: "The app did not answer as it should",
}  # fmt: skip
Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a handler takes and answers. Its forms are types that pydantic makes schemas of."""

    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[int | str, Any] = field(default_factory=dict)
    text: str = TEXT
    fails: Sequence[int] = ()


def describes(
    *,
    body: Any = None,
    query: Mapping[str, Any] | None = None,
    answers: Mapping[int | str, Any],
    text: str = TEXT,
    fails: Sequence[int] = (),
) -> Callable[[Handler], Handler]:
    """Say beside a handler what it takes and answers.

    :param answers: their forms, by status; `str` is text, `bytes` are not described.
    :param text: the media type of text.
    :param fails: statuses that are answered with the usual form of a failure.
    """
    said = Described(body=body, query=query or {}, answers=answers, text=text, fails=fails)

    def decorate(handler: Handler) -> Handler:
        setattr(handler, _ATTRIBUTE, said)
        return handler

    return decorate


def refuses(status: int, form: Any) -> Callable[[Handler], Handler]:
    """Say beside what wraps a handler with which status it refuses, and in which form."""

    def decorate(handler: Handler) -> Handler:
        setattr(handler, _REFUSAL, (status, form))
        return handler

    return decorate


def describe(routes: Iterable[BaseRoute], *, title: str, version: str) -> dict[str, Json]:
    """The description of these routes, as JSON. OpenAPI has no WebSockets: they are left out."""
    schemas: dict[str, Json] = {}
    paths: dict[str, dict[str, Json]] = {}
    for route in routes:
        if not isinstance(route, Route):
            continue
        for method in sorted((route.methods or set()) - {"HEAD"}):
            operation = _operation(route, method, schemas)
            paths.setdefault(_path(route.path), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(route: Route, method: str, schemas: dict[str, Json]) -> dict[str, Json]:
    handler = inspect.unwrap(route.endpoint)
    said: Described = getattr(handler, _ATTRIBUTE, Described(answers={"default": None}))
    summary, _, more = (inspect.getdoc(handler) or "").partition("\n\n")
    operation: dict[str, Json] = {
        "operationId": f"{method.lower()}{re.sub(r'[^a-z0-9]+', '_', route.path.lower())}",
        "parameters": list(_parameters(route, said, schemas)),
        "responses": {str(status): each for status, each in _answers(said, schemas)},
    }
    refusal = getattr(route.endpoint, _REFUSAL, None)
    if refusal is not None:
        status, form = refusal
        operation["responses"][str(status)] = _answer(status, form, TEXT, schemas)
    if summary:
        operation["summary"] = summary.replace("\n", " ")
    if more:
        operation["description"] = more
    if said.body is not None and method == "POST":
        content = {JSON: {"schema": _schema(said.body, "validation", schemas)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(route: Route, said: Described, schemas: dict[str, Json]) -> Iterator[Json]:
    for name in route.param_convertors:
        schema: Json = {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for name, form in said.query.items():
        schema = _schema(form, "validation", schemas)
        yield {"name": name, "in": "query", "required": False, "schema": schema}


def _answers(said: Described, schemas: dict[str, Json]) -> Iterator[tuple[int | str, Json]]:
    for status, form in said.answers.items():
        yield status, _answer(status, form, said.text, schemas)
    for status in said.fails:
        yield status, _answer(status, Failure, TEXT, schemas)


def _answer(status: int | str, form: Any, text: str, schemas: dict[str, Json]) -> dict[str, Json]:
    answer: dict[str, Json] = {"description": _PHRASES.get(status, "What it answers")}
    if form is str:
        answer["content"] = {text: {"schema": {"type": "string"}}}
    elif form is bytes:
        answer["content"] = {BYTES: {}}
    elif form is not None:
        answer["content"] = {JSON: {"schema": _schema(form, "serialization", schemas)}}
    return answer


def _schema(
    form: Any, mode: Literal["serialization", "validation"], schemas: dict[str, Json]
) -> Json:
    schema = TypeAdapter(form).json_schema(ref_template=_COMPONENTS, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    name = schema.get("title")
    if name is None or schema.get("type") != "object" or get_origin(form) is not None:
        return schema
    schemas[name] = schema
    return {"$ref": _COMPONENTS.format(model=name)}


def _path(template: str) -> str:
    """The path without starlette's convertors, which OpenAPI does not know."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", template)
