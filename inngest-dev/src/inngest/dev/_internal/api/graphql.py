"""The few GraphQL queries that tools poll. lark reads them; anything else is an error.

Not GraphQL in general: no fragments, directives, mutations or introspection.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import LarkError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from inngest.dev._internal.api import forms
from inngest.dev._internal.api.openapi import describes
from inngest.dev._internal.api.responses import body_of
from inngest.dev._internal.model.strict import decode
from inngest.dev._internal.model.values import Json, Run, Step
from inngest.dev._internal.running.engine import Engine

MAX_QUERY = 16 * 1024
_GRAMMAR = r"""
start: operation
operation: ["query" [NAME] ["(" definition ("," definition)* ")"]] selection
definition: VARIABLE ":" type
type: NAME "!"? | "[" type "]" "!"?
selection: "{" field (","? field)* "}"
field: [NAME ":"] NAME ["(" argument ("," argument)* ")"] [selection]
argument: NAME ":" value
?value: VARIABLE -> variable | STRING -> string | "{" [argument ("," argument)*] "}" -> object
NAME: /[_A-Za-z][_0-9A-Za-z]*/
VARIABLE: /\$[_A-Za-z][_0-9A-Za-z]*/
STRING: /"(\\.|[^"\\\n])*"/
COMMENT: /#[^\n]*/
%import common.WS
%ignore WS
%ignore COMMENT
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    key: str
    name: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    selection: tuple[Field, ...] = ()


class QueryError(Exception):
    """Its text is for the one who asks."""


def read_query(query: str, variables: Mapping[str, Json]) -> tuple[Field, ...]:
    """:raises QueryError: for what is not one of the known forms."""
    if len(query) > MAX_QUERY:
        raise QueryError("the query is too long")
    try:
        tree = _parser().parse(query)
        (selection,) = [c for c in _node(tree.children[0]).children if _is(c, "selection")]
        return _selection(_node(selection), variables)
    except LarkError as error:
        raise QueryError(f"cannot read the query: {str(error).splitlines()[0]}") from error
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


def _node(value: Any) -> Tree[Any]:
    assert isinstance(value, Tree)
    return value


def _is(value: Any, name: str) -> bool:
    return isinstance(value, Tree) and value.data == name


def _selection(node: Tree[Any], variables: Mapping[str, Json]) -> tuple[Field, ...]:
    return tuple(_field(_node(each), variables) for each in node.children)


def _field(node: Tree[Any], variables: Mapping[str, Json]) -> Field:
    names = [str(each) for each in node.children if isinstance(each, Token)]
    nested = [_selection(each, variables) for each in node.children if _is(each, "selection")]
    arguments = [_node(each) for each in node.children if _is(each, "argument")]
    return Field(
        key=names[0],
        name=names[-1],
        arguments=dict(_argument(each, variables) for each in arguments),
        selection=nested[0] if nested else (),
    )


def _argument(node: Tree[Any], variables: Mapping[str, Json]) -> tuple[str, Json]:
    name, value = str(node.children[0]), _node(node.children[1])
    match str(value.data):
        case "variable":
            wanted = str(value.children[0])[1:]
            if wanted not in variables:
                raise QueryError(f"the variable ${wanted} has no value")
            return name, variables[wanted]
        case "string":
            try:
                return name, decode(str(value.children[0]))
            except ValueError as error:
                raise QueryError(f"unreadable string: {error}") from error
        case _:
            return name, dict(_argument(_node(each), variables) for each in value.children)


def _text(arguments: Mapping[str, Json], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise QueryError(f"the argument {name} is missing, or not a string")
    return value


def pick(value: Json, selection: tuple[Field, ...], path: str) -> Json:
    """The selected fields; one that does not exist is an error."""
    if isinstance(value, list):
        return [pick(each, selection, path) for each in value]
    if not isinstance(value, dict):
        if selection and value is not None:
            raise QueryError(f"{path} has no fields")
        return value
    if not selection:
        raise QueryError(f"the fields of {path} must be selected")
    found: dict[str, Json] = {}
    for each in selection:
        if each.name not in value:
            raise QueryError(f"the embedded engine has no field {path}.{each.name}")
        found[each.key] = pick(value[each.name], each.selection, f"{path}.{each.name}")
    return found


class GraphQl:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._roots: dict[str, Callable[[Mapping[str, Json]], Json]] = {
            "event": self._event,
            "run": self._run,
            "runTraceSpanOutputByID": self._output,
            "runTrigger": self._trigger,
        }

    @describes(
        body=forms.Query,
        answers={200: forms.Answer, 400: forms.Answer, 422: forms.Answer},
        fails=[413],
    )
    async def query(self, request: Request) -> Response:
        """The few GraphQL queries that tools poll."""
        try:
            body = decode(await body_of(request))
        except ValueError as error:
            return _errors(400, f"the body is not JSON: {error}")
        text = body.get("query") if isinstance(body, dict) else None
        variables = (body.get("variables") or {}) if isinstance(body, dict) else {}
        if not isinstance(text, str) or not isinstance(variables, dict):
            return _errors(400, "the body needs a query and may have an object of variables")
        try:
            return JSONResponse({"data": self.answer(read_query(text, variables))})
        except QueryError as error:
            return _errors(422, str(error))

    def answer(self, fields: tuple[Field, ...]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for each in fields:
            root = self._roots.get(each.name)
            if root is None:
                known = ", ".join(sorted(self._roots))
                raise QueryError(f"the embedded engine answers {known}; not {each.name}")
            found[each.key] = pick(root(each.arguments), each.selection, each.name)
        return found

    def _event(self, arguments: Mapping[str, Json]) -> Json:
        query = arguments.get("query")
        event_id = _text(query if isinstance(query, dict) else {}, "eventId")
        event = self._engine.store.event(event_id)
        if event is None:
            return None
        runs = self._engine.store.runs(event_id=event_id, limit=1000)
        shown = [{"id": r.id, "functionID": r.function_id, "status": _status(r)} for r in runs]
        return {"id": event_id, "name": event.name, "functionRuns": shown}

    def _run(self, arguments: Mapping[str, Json]) -> Json:
        run = self._engine.store.run(_text(arguments, "runID"))
        if run is None:
            return None
        spans = [
            {
                "name": step.name,
                "outputID": f"{run.id}.{step.id}",
                "status": {"pending": "RUNNING"}.get(step.state, step.state.upper()),
                "childrenSpans": [],
            }
            for step in run.steps.values()
        ]
        output = json.dumps(run.output) if run.ended else None
        root = {"name": "run", "outputID": f"{run.id}.", "status": _status(run)}
        return {
            "id": run.id,
            "status": _status(run),
            "output": output,
            "trace": {**root, "childrenSpans": spans},
        }

    def _trigger(self, arguments: Mapping[str, Json]) -> Json:
        run = self._engine.store.run(_text(arguments, "runID"))
        if run is None:
            return None
        payloads = [json.dumps(dict(event.body)) for event in run.events]
        return {"payloads": payloads, "eventName": run.event.name}

    def _output(self, arguments: Mapping[str, Json]) -> Json:
        run_id, _, step_id = _text(arguments, "outputID").partition(".")
        run = self._engine.store.run(run_id)
        if run is None:
            return None
        if not step_id:
            return _shown(run.output, run.status == "Failed")
        step = run.steps.get(step_id)
        return None if step is None else _step_output(step)


def _step_output(step: Step) -> Json:
    if step.state == "pending":
        return {"data": None, "error": None}
    is_failed = step.state == "failed"
    return _shown(step.error if is_failed else step.output, is_failed)


def _shown(value: Json, failed: bool) -> dict[str, Json]:
    if not failed:
        return {"data": json.dumps(value), "error": None}
    inner = value.get("error", value) if isinstance(value, dict) else value
    fields = inner if isinstance(inner, dict) else {"message": str(inner)}
    error = {name: fields.get(name) for name in ("message", "name", "stack")}
    return {"data": None, "error": error}


def _status(run: Run) -> str:
    return {"Scheduled": "QUEUED"}.get(run.status, run.status.upper())


def _errors(status: int, message: str) -> Response:
    return JSONResponse({"data": None, "errors": [{"message": message}]}, status)
