"""Steps that code finds around it: the decorator, the context, and transports for httpx."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pydantic
import pytest

import inngest
from inngest import fetching
from inngest.experimental import get_step_context, set_step_context, step

from .conftest import Make
from .worlds import World


def hashed(step_id: str) -> str:
    return hashlib.sha1(step_id.encode(), usedforsecurity=False).hexdigest()


class Receipt(pydantic.BaseModel):
    total: int


calls: list[str] = []


@step("charge")
async def charge_async(amount: int, *, currency: str = "EUR") -> Receipt:
    calls.append(currency)
    return Receipt(total=amount)


@step("charge")
def charge(amount: int, *, currency: str = "EUR") -> Receipt:
    calls.append(currency)
    return Receipt(total=amount)


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    calls.clear()
    yield
    calls.clear()


def charging(world: World) -> Callable[..., Any]:
    return charge_async if world.is_async else charge


# the decorator


def test_a_decorated_function_is_a_step(world: World) -> None:
    def body(ctx: Any) -> Any:
        first = yield charging(world)(3, currency="USD")
        second = yield charging(world)(4)
        assert type(first) is type(second) is Receipt
        return first.total + second.total

    world.function(body)
    assert world.play().body == 7
    assert world.finished == ["charge", "charge"]
    assert calls == ["USD", "EUR"]


def test_a_decorated_function_is_plain_outside() -> None:
    assert charge(3).total == 3
    assert asyncio.run(charge_async(3)).total == 3
    assert charge.__name__ == "charge"
    with pytest.raises(LookupError):
        get_step_context()


def test_a_decorator_without_an_id_is_refused() -> None:
    def work() -> None: ...

    for given, says in ((work, "a function"), ("", "''"), (None, "a NoneType")):
        with pytest.raises(TypeError, match=r'@step\("some id"\)') as refused:
            step(given)  # type: ignore[arg-type]
        assert says in str(refused.value)


def test_the_context_is_that_of_the_function_and_ends_with_it(world: World) -> None:
    def body(ctx: Any) -> Any:
        assert get_step_context() is ctx.step
        yield ctx.step.run("a", world.step())
        return get_step_context() is ctx.step

    world.function(body)
    assert world.play().body is True
    with pytest.raises(LookupError):
        get_step_context()


def test_steps_within_steps_are_refused(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.run("outer", charging(world), 1)

    world.function(body)
    (op,) = world.call().body
    assert (op["op"], op["error"]["code"]) == ("StepFailed", "step_nested")


def test_the_colour_of_a_decorated_function_is_its_functions(world: World) -> None:
    async def awaited(value: Any) -> Any:
        return await value

    def body(ctx: Any) -> Any:
        yield from ()
        if world.is_async:
            charge(1)
        else:
            asyncio.run(awaited(charge_async(1)))

    world.function(body)
    reply = world.call()
    assert (reply.status, reply.body["code"]) == (500, "async_unsupported")
    assert 'step "charge"' in reply.body["message"]
    assert calls == []


def test_decorated_functions_are_found_together_under_gather(async_world: World) -> None:
    world = async_world

    async def handler(ctx: inngest.Context) -> int:
        receipts = await asyncio.gather(charge_async(1), charge_async(2), charge_async(3))
        return sum(receipt.total for receipt in receipts)

    declare = world.client.create_function(fn_id="fn", trigger=())
    world.functions.append(declare(handler))
    assert world.call().ops == [("StepPlanned", "charge")] * 3
    assert world.play().body == 6


def test_decorated_functions_are_found_together_in_a_group(world: World) -> None:
    def body(ctx: Any) -> Any:
        receipts = yield ctx.group.parallel(tuple([lambda: charging(world)(1)] * 2))
        return sum(receipt.total for receipt in receipts)

    world.function(body)
    assert world.call().ops == [("StepPlanned", "charge")] * 2
    assert world.play().body == 2


def test_a_thread_with_the_context_may_look_but_not_step(sync_world: World) -> None:
    world = sync_world

    def handler(ctx: inngest.ContextSync) -> list[object]:
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            knows = pool.submit(context.run, get_step_context).result() is ctx.step
            plain = pool.submit(charge, 1).result().total
            refused = pool.submit(context.run, charge, 1).exception()
        return [knows, plain, type(refused).__name__]

    declare = world.client.create_function(fn_id="fn", trigger=())
    world.functions.append(declare(handler))
    assert world.call().body == [True, 1, "StepThreadError"]


def test_runs_on_several_threads_know_their_own_steps() -> None:
    barrier, seen = threading.Barrier(4, timeout=60), []

    def run(kind: str) -> None:
        world = World(kind, "thread")

        def body(ctx: Any) -> Any:
            barrier.wait()
            receipt = yield charging(world)(1)
            seen.append(get_step_context() is ctx.step)
            return receipt.total

        world.function(body)
        try:
            assert world.call(memos={hashed("charge"): {"data": {"total": 9}}}).body == 9
        finally:
            world.client.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run, kind) for kind in ("async", "sync") * 2]:
            done.result()
    assert seen == [True] * 4


def test_a_context_that_is_set_wins_and_is_not_set_twice(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        with set_step_context(ctx.step):
            assert get_step_context() is ctx.step
            again = set_step_context(ctx.step)
            with pytest.raises(Exception, match="Step context already set"):
                again.__enter__()
        return "ok"

    world.function(body)
    assert world.call().body == "ok"


def test_middleware_may_give_other_steps(make_world: Make) -> None:
    class Proxy:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    class Replace(inngest.MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            ctx.step = Proxy(ctx.step)

    world = make_world(middleware=[Replace])

    def body(ctx: Any) -> Any:
        yield from ()
        return type(get_step_context()).__name__

    world.function(body)
    assert world.call().body == "Proxy"


# transports for httpx


def answering(request: httpx.Request) -> httpx.Response:
    """The response to requests that are made without Inngest."""
    calls.append(f"{request.method} {request.url}")
    headers = [("x-a", "1"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
    return httpx.Response(201, headers=headers, content=b"\xff" + request.content)


def asking(
    world: World, *, answer: Callable[[httpx.Request], httpx.Response] = answering, **request: Any
) -> Any:
    """Make a request with an HTTPX client of this world's kind."""
    otherwise = httpx.MockTransport(answer)
    given = {"method": "GET", "url": "http://api.test/me?key=secret", **request}

    def ask() -> httpx.Response:
        with httpx.Client(transport=fetching.StepTransport(otherwise=otherwise)) as http:
            return http.request(**given)

    async def ask_async() -> httpx.Response:
        transport = fetching.AsyncStepTransport(otherwise=otherwise)
        async with httpx.AsyncClient(transport=transport) as http:
            return await http.request(**given)

    return ask_async() if world.is_async else ask()


def test_a_request_is_a_step_of_the_server(world: World) -> None:
    def body(ctx: Any) -> Any:
        answer = yield asking(world, method="POST", json={"n": 1}, headers={"x-team": "a"})
        answer.raise_for_status()
        return [answer.status_code, answer.text, answer.headers["x-b"], str(answer.url)]

    world.function(body)
    (op,) = world.call().body
    assert (op["op"], op["displayName"]) == ("Gateway", "POST http://api.test/me")
    sent = op["opts"].pop("headers")
    assert (sent.pop("x-team"), sent.pop("content-type")) == ("a", "application/json")
    assert sorted(sent) == ["accept", "user-agent"]
    assert op["opts"] == {
        "type": "step.fetch",
        "url": "http://api.test/me?key=secret",
        "method": "POST",
        "body": '{"n":1}',
    }
    headers = {
        "X-B": "2",
        "Content-Encoding": "gzip",
        "Content-Type": "text/plain; charset=latin-1",
    }
    memo = {"status_code": 200, "headers": headers, "body": "né", "url": "u"}
    reply = world.call(memos={hashed("POST http://api.test/me"): {"data": memo}})
    assert reply.body == [200, "né", "2", "http://api.test/me?key=secret"]
    assert calls == []


@pytest.mark.parametrize("sent", [{"data": {"a": "1"}}, {"content": b"\xff\x00"}], ids=str)
def test_what_the_server_cannot_carry_is_sent_by_the_app_once(
    world: World, sent: dict[str, Any]
) -> None:
    def body(ctx: Any) -> Any:
        answer = yield asking(world, method="POST", **sent)
        assert list(answer.cookies) == ["a", "b"]
        text = base64.b64encode(answer.content).decode()
        return [answer.status_code, text, answer.headers.get_list("set-cookie")]

    world.function(body)
    content = b"\xff" + httpx.Request("POST", "http://a", **sent).content
    expected = [201, base64.b64encode(content).decode(), ["a=1", "b=2"]]
    assert world.play().body == expected
    assert calls == ["POST http://api.test/me?key=secret"]


def test_errors_are_those_that_httpx_code_expects(world: World) -> None:
    def body(ctx: Any) -> Any:
        try:
            yield asking(world)
        except httpx.TransportError as error:
            caught: Any = error
            return [isinstance(caught, inngest.StepError), caught.name, str(caught.request.url)]

    world.function(body)
    memo = {"error": {"name": "GatewayError", "message": "no route"}}
    reply = world.call(memos={hashed("GET http://api.test/me"): memo})
    assert reply.body == [True, "GatewayError", "http://api.test/me?key=secret"]


def test_an_error_that_nobody_catches_fails_the_run_for_good(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield asking(world)

    world.function(body)
    memo = {"error": {"name": "GatewayError", "message": "no route"}}
    reply = world.call(memos={hashed("GET http://api.test/me"): memo})
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
    assert reply.body["code"] == "step_errored"


def test_within_a_step_and_outside_requests_are_plain(world: World) -> None:
    def work() -> Any:
        return asking(world).status_code

    async def work_async() -> Any:
        return (await asking(world)).status_code

    def body(ctx: Any) -> Any:
        return (yield ctx.step.run("a", work_async if world.is_async else work))

    world.function(body)
    assert world.play().body == 201
    answer = asking(world)
    assert (asyncio.run(answer) if world.is_async else answer).status_code == 201
    assert calls == ["GET http://api.test/me?key=secret"] * 2


def test_the_colour_of_a_client_is_its_functions(world: World) -> None:
    other = World("sync" if world.is_async else "async", world.way)

    def body(ctx: Any) -> Any:
        yield from ()
        made = asking(other)
        if not world.is_async:
            asyncio.run(made)

    world.function(body)
    reply = world.call()
    assert (reply.status, reply.body["code"]) == (500, "async_unsupported")
    assert calls == []
    other.client.close()


def test_requests_at_the_same_time_are_found_together(async_world: World) -> None:
    world = async_world

    async def handler(ctx: inngest.Context) -> list[int]:
        transport = fetching.AsyncStepTransport(otherwise=httpx.MockTransport(answering))
        async with httpx.AsyncClient(transport=transport) as http:
            urls = ["http://api.test/a", "http://api.test/b"]
            return [answer.status_code for answer in await asyncio.gather(*map(http.get, urls))]

    declare = world.client.create_function(fn_id="fn", trigger=())
    world.functions.append(declare(handler))
    assert world.call().ops == [
        ("Gateway", "GET http://api.test/a"),
        ("Gateway", "GET http://api.test/b"),
    ]
    memo = {"data": {"status_code": 204, "headers": {}, "body": "", "url": ""}}
    memos = {hashed(f"GET http://api.test/{name}"): memo for name in "ab"}
    assert world.call(memos=memos).body == [204, 204]


def test_a_transport_names_its_steps(world: World) -> None:
    def name(request: httpx.Request) -> str:
        return f"ask {request.url.host} for {json.loads(request.content)['n']}"

    def ask() -> httpx.Response:
        with httpx.Client(transport=fetching.StepTransport(step_id=name)) as http:
            return http.post("http://api.test", json={"n": 1})

    async def ask_async() -> httpx.Response:
        transport = fetching.AsyncStepTransport(step_id=name)
        async with httpx.AsyncClient(transport=transport) as http:
            return await http.post("http://api.test", json={"n": 1})

    def body(ctx: Any) -> Any:
        yield ask_async() if world.is_async else ask()

    world.function(body)
    assert world.call().ops == [("Gateway", "ask api.test for 1")]


def test_the_name_of_a_step_holds_no_password() -> None:
    request = httpx.Request("GET", "https://ada:secret@api.test:8443/me?key=secret#x")
    assert fetching.step_id_of(request) == "GET https://api.test:8443/me"


@pytest.mark.parametrize("sent", [{}, {"content": b"\xff"}], ids=["server", "app"])
def test_headers_of_an_answer_need_not_be_ascii(world: World, sent: dict[str, Any]) -> None:
    """Names of files are in them, as they are."""

    def named(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=[(b"x-name", "é €".encode())])

    def body(ctx: Any) -> Any:
        answer = yield asking(world, answer=named, **sent)
        return answer.headers["x-name"]

    world.function(body)
    memos: dict[str, Any] = {}
    if not sent:
        stored = {"status_code": 200, "headers": {"X-Name": "é €"}, "body": "", "url": ""}
        memos = {hashed("GET http://api.test/me"): {"data": stored}}
    assert world.play(memos=memos).body == "é €"


@pytest.mark.parametrize("content", ['{"a": NaN}', "Infinity", "-Infinity"])
def test_what_only_python_takes_for_json_is_not_left_to_the_server(
    world: World, content: str
) -> None:
    """It would put it in quotes."""

    def body(ctx: Any) -> Any:
        answer = yield asking(world, method="POST", content=content)
        return base64.b64encode(answer.content).decode()

    world.function(body)
    assert world.play().body == base64.b64encode(b"\xff" + content.encode()).decode()
