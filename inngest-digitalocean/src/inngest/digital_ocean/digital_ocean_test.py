from __future__ import annotations

import base64
import io
import json
from types import SimpleNamespace
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

import inngest
import inngest.digital_ocean
from inngest.digital_ocean._convert import from_event
from inngest.digital_ocean.simulator import FULL_PATH, Simulator
from inngest.testing.bench import call_body
from inngest.transport import CommRequest

client = inngest.Inngest(app_id="app", is_production=False)
CONTEXT = SimpleNamespace(api_host="https://faas.example", function_name="/fn-1/shop/inngest")


@client.create_function(fn_id="sync", trigger=inngest.TriggerEvent(event="e"))
def sync(ctx: inngest.ContextSync) -> str:
    return "sync"


@client.create_function(fn_id="async", trigger=inngest.TriggerEvent(event="e"))
async def asynchronous(ctx: inngest.Context) -> str:
    return "async"


main = inngest.digital_ocean.serve(client, [sync, asynchronous])


def event(**changed: Any) -> dict[str, Any]:
    http = {
        "body": call_body().decode(),
        "headers": {"content-type": "application/json"},
        "isBase64Encoded": False,
        "method": "POST",
        "path": "",
        "queryString": "fnId=app-sync&stepId=step",
    }
    return {"http": {**http, **changed}}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("is_encoded", [False, True])
def test_functions_of_both_kinds_run(kind: str, is_encoded: bool) -> None:
    body = call_body()
    text = base64.b64encode(body).decode() if is_encoded else body.decode()
    query = f"fnId=app-{kind}&stepId=step"
    given = event(body=text, isBase64Encoded=is_encoded, queryString=query)
    result = main(given, CONTEXT)
    assert (result["statusCode"], result["body"]) == (200, f'"{kind}"')
    assert set(result) == {"body", "headers", "statusCode"}


def test_middleware_is_given_what_digital_ocean_has_called_with() -> None:
    seen: list[object] = []

    class Looking(inngest.MiddlewareSync):
        def before_execution(self) -> None:
            seen.append(self.raw_request)

    looking = inngest.Inngest(app_id="app", is_production=False, middleware=[Looking])
    function = looking.create_function(fn_id="sync")(lambda ctx: None)
    given = event()
    inngest.digital_ocean.serve(looking, [function])(given, CONTEXT)
    assert seen == [{"event": given, "context": CONTEXT}]


@pytest.mark.parametrize(
    "given",
    [
        {},
        None,
        [],
        {"http": None},
        {"name": "parsed", "http": {"headers": {}, "method": "POST", "path": ""}},
        event(headers=None),
        event(queryString=None),
        event(body=None),
        event(body="?", isBase64Encoded=True),
        event(body="é", isBase64Encoded=True),
        event(queryString=""),
        event(queryString="stepId=step"),
        event(queryString="fnId=app-sync"),
    ],
)
def test_an_event_that_is_no_request_is_a_400(given: Any) -> None:
    result = main(given, CONTEXT)
    assert result["statusCode"] == 400
    assert json.loads(str(result["body"]))["message"]
    headers: Any = result["headers"]
    assert headers["x-inngest-sdk"]


def test_other_methods_are_refused() -> None:
    assert main(event(method="DELETE"), CONTEXT)["statusCode"] == 405


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (CONTEXT, "https://faas.example/api/v1/web/fn-1/shop/inngest"),
        (
            SimpleNamespace(api_host="faas.example", function_name="/fn-1/inngest"),
            "https://faas.example/api/v1/web/fn-1/default/inngest",
        ),
        (None, "https://own.example/x"),
    ],
)
def test_the_url_is_that_of_the_function(context: object, expected: str) -> None:
    path = "x" if context is None else ""
    request = from_event(event(headers={"Host": "own.example"}, path=path), context)
    assert isinstance(request, CommRequest)
    assert request.url == expected


@pytest.mark.parametrize("is_chunked", [False, True])
def test_the_simulator_takes_a_body_of_known_and_unknown_length(is_chunked: bool) -> None:
    body = call_body()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": FULL_PATH,
        "QUERY_STRING": "fnId=app-sync&stepId=step",
        "wsgi.input": io.BytesIO(body),
    }
    environ |= {"wsgi.input_terminated": True} if is_chunked else {"CONTENT_LENGTH": len(body)}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    answer = Simulator(main)(environ, lambda status, headers: statuses.append(status))
    assert (statuses, b"".join(answer)) == (["200 OK"], b'"sync"')
