"""Durable endpoints on the embedded engine, over sockets: each kind of handler in each world."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import runpy
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import fastapi
import flask
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

import inngest
from inngest._internal.api import access
from inngest._internal.flow import Pause
from inngest.dev import DevServer, Engine, VirtualClock
from inngest.encryption import EncryptionMiddleware
from inngest.errors import SigningKeyMissingError, URLInvalidError
from inngest.experimental import durable, realtime
from inngest.experimental.remote_state_middleware import InMemoryDriver, RemoteStateMiddleware
from inngest.middleware import WrappedStep

from .bodies import finish, finish_async
from .live import TRANSPORTS
from .ports import free_port

KEY = "signkey-test-7468697320697320612074657374206b65792121"
PATH = "/orders/7/checkout"
EXAMPLE = Path(__file__).parents[2] / "examples/durable_endpoint/app.py"
LATER = timedelta(minutes=50)
"""While a token for an output is still good."""
Endpoint = Callable[..., Any]


def starlette_app(endpoint: Any) -> Any:
    return Starlette(routes=[Route(PATH, endpoint)])


def fastapi_app(endpoint: Any) -> Any:
    app = fastapi.FastAPI()
    app.add_route(PATH, endpoint, methods=["POST"])
    return app


def flask_app(endpoint: Any) -> Any:
    app = flask.Flask("shop")
    app.add_url_rule(PATH, view_func=lambda: endpoint, methods=["POST"])
    return app


def alone(endpoint: Any) -> Any:
    return endpoint


WORLDS: dict[str, tuple[str, Callable[[Any], Any], bool]] = {
    "asgi-async": ("asgi", alone, True),
    "asgi-sync": ("asgi", starlette_app, False),
    "fastapi-async": ("asgi", fastapi_app, True),
    "wsgi-sync": ("wsgi", alone, False),
    "flask-sync": ("wsgi", flask_app, False),
    "wsgi-async": ("wsgi", alone, True),
}


@dataclass
class World:
    server: DevServer
    client: inngest.Inngest
    name: str
    calls: list[str] = field(default_factory=list)

    @property
    def is_async(self) -> bool:
        return WORLDS[self.name][2]

    def step(self, name: str, work: Callable[[], Any] = lambda: None) -> Callable[[], Any]:
        """A step's handler that notes its name."""

        def run() -> Any:
            self.calls.append(name)
            return work()

        async def run_async() -> Any:
            return run()

        return run_async if self.is_async else run

    def handler(self, body: Endpoint) -> Any:
        """A handler of this world's kind: of one text, which yields its steps."""

        def run_sync(ctx: inngest.ContextSync, request: durable.Request) -> Any:
            return finish(body(ctx, request))

        async def run_async(ctx: inngest.Context, request: durable.Request) -> Any:
            return await finish_async(body(ctx, request))

        return run_async if self.is_async else run_sync

    @contextlib.contextmanager
    def serving(self, body: Endpoint, **options: Any) -> Iterator[Asking]:
        transport, build, _ = WORLDS[self.name]
        decorate = durable.asgi if transport == "asgi" else durable.wsgi
        endpoint = decorate(self.client, **options)(self.handler(body))
        with TRANSPORTS[transport].run(build(endpoint)) as origin:
            yield Asking(self, origin + PATH)

    @contextlib.contextmanager
    def serving_in_public(self, body: Endpoint, **options: Any) -> Iterator[Asking]:
        """Serve an endpoint that knows its origin, as it has to in cloud mode."""
        made: list[Any] = []

        async def asgi(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                await made[0](scope, receive, send)

        def wsgi(environ: Any, start_response: Any) -> Any:
            return made[0](environ, start_response)

        transport, build, _ = WORLDS[self.name]
        decorate = durable.asgi if transport == "asgi" else durable.wsgi
        with TRANSPORTS[transport].run(asgi if transport == "asgi" else wsgi) as origin:
            endpoint = decorate(self.client, origin=origin, **options)(self.handler(body))
            made.append(build(endpoint))
            yield Asking(self, origin + PATH)

    def run(self) -> dict[str, Any]:
        return self.server.runs(limit=1)[0]


@dataclass
class Asking:
    world: World
    url: str

    def post(self, body: object = None, *, query: str = "", **headers: str) -> httpx.Response:
        return httpx.post(
            f"{self.url}?{query}", json=body, headers=headers, timeout=60, trust_env=False
        )

    def output(self, away: httpx.Response, pass_by: timedelta = LATER) -> httpx.Response:
        """The output of a run that went on without its client."""
        assert away.status_code == 302, away.text
        self.world.server.advance(pass_by)
        return httpx.get(away.headers["location"], timeout=60, trust_env=False)


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(port=0, engine=Engine(clock=VirtualClock())) as server:
        yield server


@pytest.fixture
def client(server: DevServer) -> Iterator[inngest.Inngest]:
    made = inngest.Inngest(app_id="shop", is_production=False, api_base_url=server.origin)
    with contextlib.closing(made):
        yield made


@pytest.fixture(params=list(WORLDS))
def each(request: pytest.FixtureRequest, server: DevServer, client: inngest.Inngest) -> World:
    return World(server, client, request.param)


@pytest.fixture(params=["asgi-async", "wsgi-sync"])
def world(request: pytest.FixtureRequest, server: DevServer, client: inngest.Inngest) -> World:
    return World(server, client, request.param)


def test_a_client_gets_the_response_and_a_nap_is_slept_through(each: World) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        order = yield ctx.step.run("read", each.step("read", request.json))
        if request.query.get("nap"):
            yield ctx.step.sleep("nap", LATER / 2)
        charged = yield ctx.step.run("charge", each.step("charge", lambda: order["cents"]))
        return durable.Response(body={"charged": charged}, status=201, headers={"X-Shop": "yes"})

    with each.serving(checkout) as asking:
        answers = [asking.post({"cents": 5})]
        assert each.calls == ["read", "charge"]
        answers.append(asking.output(asking.post({"cents": 5}, query="nap=1")))
    assert each.calls == ["read", "charge"] * 2
    for answer in answers:
        assert (answer.status_code, answer.json()) == (201, {"charged": 5})
        assert answer.headers["x-shop"] == "yes"
        assert answer.headers["content-type"] == "application/json"
    run = each.run()
    assert (run["status"], run["output"]) == ("Completed", {"charged": 5})
    assert run["function_id"].endswith(f"-POST {PATH}")


CLEANING: Any = inngest.reference_function(app_id="shop", function_id="clean-up")


def deferring(world: World, abort_after: timedelta | None) -> Any:
    """A handler that defers a call between two steps, and takes it back when it has slept."""
    first, second = world.step("first"), world.step("second")

    def run_sync(ctx: inngest.ContextSync, request: durable.Request) -> str:
        ctx.step.run("first", first)
        cleaning = ctx.step.defer("clean up", function=CLEANING, data={"folder": "/tmp/7"})
        ctx.step.run("second", second)
        if abort_after is not None:
            ctx.step.sleep("nap", abort_after)
            cleaning.abort()
        return "done"

    async def run_async(ctx: inngest.Context, request: durable.Request) -> str:
        await ctx.step.run("first", first)
        cleaning = await ctx.step.defer("clean up", function=CLEANING, data={"folder": "/tmp/7"})
        await ctx.step.run("second", second)
        if abort_after is not None:
            await ctx.step.sleep("nap", abort_after)
            await cleaning.abort()
        return "done"

    return run_async if world.is_async else run_sync


def deferred_by(server: DevServer) -> list[Any]:
    query = {"name": "inngest/deferred.schedule", "include_internal": "true"}
    url = f"{server.origin}/v1/events"
    events = httpx.get(url, params=query, timeout=30, trust_env=False).json()["data"]
    return [event["data"]["folder"] for event in events]


def test_a_client_need_not_wait_for_what_is_deferred(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "handler", lambda body: body)
    with world.serving(deferring(world, None)) as asking:
        answer = asking.post()
    assert (answer.status_code, answer.json()) == (200, "done")
    assert world.calls == ["first", "second"]
    assert world.run()["status"] == "Completed"
    world.server.settle()
    assert deferred_by(world.server) == ["/tmp/7"]


def test_a_deferred_call_is_taken_back_by_the_repetition_of_its_request(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "handler", lambda body: body)
    with world.serving(deferring(world, LATER / 2)) as asking:
        answer = asking.output(asking.post())
    assert (answer.status_code, answer.json()) == (200, "done")
    assert world.calls == ["first", "second"]
    world.server.settle()
    assert deferred_by(world.server) == []


def test_a_step_is_tried_again_by_the_server(world: World) -> None:
    def flaky() -> str:
        if world.calls.count("flaky") < 3:
            raise ConnectionError("the bank did not answer")
        return "paid"

    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield ctx.step.run("before", world.step("before"))
        return (yield ctx.step.run("flaky", world.step("flaky", flaky)))

    with world.serving(checkout) as asking:
        answer = asking.output(asking.post())
    assert (answer.status_code, answer.json()) == (200, "paid")
    assert world.calls == ["before", *["flaky"] * 3]


def test_a_step_that_asks_to_end_is_caught_by_its_kind(world: World) -> None:
    def refuse() -> None:
        raise inngest.NonRetriableError("no pages")

    def checkout(ctx: Any, request: durable.Request) -> Any:
        try:
            yield ctx.step.run("read", world.step("read", refuse))
        except inngest.NonRetriableError as error:
            return f"{error.name}: {error.message}"

    with world.serving(checkout, retries=2) as asking:
        answer = asking.post()
    assert answer.json() == "NonRetriableError: no pages"
    assert world.calls == ["read"]


@pytest.mark.parametrize("retries", [0, 1])
def test_a_step_that_fails_for_good_can_be_caught(world: World, retries: int) -> None:
    """At once when there is no retry, else when the server has tried."""

    def broken() -> None:
        raise ConnectionError("no bank")

    def checkout(ctx: Any, request: durable.Request) -> Any:
        caught = "nothing"
        try:
            yield ctx.step.run("charge", world.step("charge", broken))
        except inngest.StepError as error:
            caught = f"{error.name}: {error.message}"
        yield ctx.step.run("after", world.step("after"))
        return durable.Response(body=caught, status=409)

    with world.serving(checkout, retries=retries) as asking:
        answer = asking.post()
        if retries:
            answer = asking.output(answer)
    assert (answer.status_code, answer.text) == (409, "ConnectionError: no bank")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert world.calls == ["charge"] * (retries + 1) + ["after"]
    assert world.run()["status"] == "Failed"  # as the server counts any status from 300


def test_parallel_steps_are_the_server_s(world: World) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        steps = [functools.partial(ctx.step.run, n, world.step(n, n.upper)) for n in "xy"]
        found = yield ctx.group.parallel(tuple(steps))
        last = yield ctx.step.run("z", world.step("z", lambda: "z"))
        return [*found, last]

    with world.serving(checkout) as asking:
        answer = asking.output(asking.post())
    assert answer.json() == ["X", "Y", "z"]
    assert sorted(world.calls) == ["x", "y", "z"]


def test_gathered_steps_are_run_once_each(server: DevServer, client: inngest.Inngest) -> None:
    world = World(server, client, "asgi-async")

    @durable.asgi(client)
    async def checkout(ctx: inngest.Context, request: durable.Request) -> list[str]:
        steps = [ctx.step.run(n, world.step(n, n.upper)) for n in "xy"]
        return list(await asyncio.gather(*steps))

    with TRANSPORTS["asgi"].run(checkout) as origin:
        answer = Asking(world, origin + PATH).output(
            httpx.post(origin + PATH, trust_env=False, timeout=60)
        )
    assert answer.json() == ["X", "Y"]
    assert sorted(world.calls) == ["x", "y"]


def test_an_error_of_the_handler_is_the_run_s_and_not_the_client_s(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield ctx.step.run("a", world.step("a"))
        raise ValueError("secret of the shop")

    with world.serving(checkout) as asking:
        answer = asking.post()
    assert (answer.status_code, answer.json()) == (500, {"error": "Internal Server Error"})
    run = world.run()
    assert (run["status"], run["output"]["message"]) == ("Failed", "secret of the shop")
    assert "secret of the shop" in caplog.text


def test_admit_answers_who_may_not_come_in(world: World) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield ctx.step.run("a", world.step("a"))
        yield ctx.step.sleep("nap", 1_000)
        return "in"

    def admit(request: Any) -> Any:
        if request.headers.get("authorization") != "Bearer me":
            return durable.Response(body="Who are you?", status=401)
        return None

    with world.serving(checkout, admit=admit) as asking:
        stranger = asking.post()
        assert (stranger.status_code, stranger.text) == (401, "Who are you?")
        assert world.server.runs() == []
        answer = asking.output(asking.post(authorization="Bearer me"))
    assert answer.json() == "in"


def test_a_client_may_be_told_where_to_look(world: World) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield ctx.step.sleep("nap", 1_000)

    with world.serving(checkout, redirect=False, fn_id="checkout") as asking:
        away = asking.post()
        told = away.json()
        assert (away.status_code, set(told)) == (202, {"run_id", "token"})
        world.server.advance(LATER)
    path = f"{world.server.origin}/v1/checkpoint/{told['run_id']}/output"
    answer = httpx.get(path, params={"token": told["token"]}, trust_env=False, timeout=60)
    assert (answer.status_code, answer.content) == (200, b"null")
    assert httpx.get(path, params={"token": "x"}, trust_env=False, timeout=60).status_code == 401
    assert world.run()["function_id"].endswith("-checkout")


def test_without_a_server_nothing_is_promised(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(access, "Pause", lambda seconds: Pause(0))
    origin = f"http://127.0.0.1:{free_port()}"
    lonely = inngest.Inngest(app_id="shop", is_production=False, api_base_url=origin)

    def checkout(ctx: Any, request: durable.Request) -> Any:
        if request.query.get("steps"):
            yield ctx.step.run("a", world.step("a"))
            yield ctx.step.run("b", world.step("b"))
        return "done"

    with contextlib.closing(lonely):
        world.client = lonely
        with world.serving(checkout) as asking:
            assert asking.post(query="steps=1").status_code == 503
            assert world.calls == ["a"]
            # nothing depends on the server where there are no steps
            assert asking.post().json() == "done"
    assert "is not recorded" in caplog.text


def test_what_cannot_be_kept_is_an_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield from ()
        return durable.Response(body=b"\xff\xfe") if request.query else object()

    with world.serving(checkout) as asking:
        assert asking.post().status_code == 500
        assert asking.post(query="bytes=1").status_code == 500
    assert "UTF-8" in caplog.text and "cannot be stored" in caplog.text


@pytest.mark.parametrize(
    ("response", "says"),
    [
        ({"status": 99}, "from 200 to 599, not 99"),
        ({"status": 101}, "from 200 to 599, not 101"),
        ({"status": 600}, "from 200 to 599, not 600"),
        ({"status": "200"}, "from 200 to 599, not '200'"),
        ({"status": 204, "body": "x"}, "body: must be None with status 204"),
        ({"headers": {"x-price": "5 \u20ac"}}, "x-price must be one line of Latin-1"),
        ({"headers": {"x-price": "5\r\nset-cookie: a=b"}}, "x-price must be one line"),
        ({"headers": {"x-price": " 5"}}, "without spaces around it"),
        ({"headers": {"x-price": 5}}, "x-price must be one line"),
        ({"headers": {"x\nset-cookie": "a=b"}}, "is not a valid header name"),
        ({"headers": {"pr\u00efce": "5"}}, "is not a valid header name"),
        ({"headers": {"": "5"}}, "is not a valid header name"),
        ({"headers": {"Content-Length": "5"}}, "content-length is set by the web server"),
    ],
)
def test_what_http_cannot_say_is_refused(response: Any, says: str) -> None:
    with pytest.raises(inngest.NonRetriableError, match=r"^durable\.Response: ") as refused:
        durable.Response(**response)
    assert says in str(refused.value)


def test_a_response_that_cannot_be_is_a_failed_run(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield from ()
        return durable.Response(status=99)

    with world.serving(checkout) as asking:
        assert asking.post().status_code == 500
    assert world.run()["status"] == "Failed"
    assert "from 200 to 599, not 99" in caplog.text


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_may_have_no_body(world: World, status: int) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield from ()
        return durable.Response(status=status, headers={"x-name": "\u00e9"})

    with world.serving(checkout) as asking:
        answer = asking.post()
    assert (answer.status_code, answer.content) == (status, b"")
    assert "content-type" not in answer.headers


def test_a_body_that_cannot_be_read_is_the_client_s_error(
    each: World, caplog: pytest.LogCaptureFixture
) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        if request.query.get("steps"):
            yield ctx.step.sleep("nap", 1_000)
        return request.text() if request.query.get("text") else request.json()

    with each.serving(checkout) as asking:
        for body in (b"", b"{", b"\xff", b"[" * 100_000):
            answer = httpx.post(asking.url, content=body, timeout=60, trust_env=False)
            assert (answer.status_code, answer.json()) == (400, {"error": "the body is not JSON"})
        answer = httpx.post(f"{asking.url}?text=1", content=b"\xff", timeout=60, trust_env=False)
        assert (answer.status_code, answer.json()["error"]) == (
            400,
            "the body is not text in UTF-8",
        )
        away = httpx.post(f"{asking.url}?steps=1", content=b"{", timeout=60, trust_env=False)
        assert asking.output(away).status_code == 400
    assert each.run()["status"] == "Failed"  # as the server counts any status from 300
    assert [log for log in caplog.records if log.levelno >= logging.ERROR] == []


def test_a_handler_may_answer_bad_bodies_itself(world: World) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield from ()
        try:
            return request.json()
        except durable.RequestBodyError:
            return durable.Response(body="what?", status=422)

    with world.serving(checkout) as asking:
        answer = httpx.post(asking.url, content=b"{", timeout=60, trust_env=False)
    assert (answer.status_code, answer.text) == (422, "what?")
    assert issubclass(durable.RequestBodyError, ValueError)


def test_an_output_that_is_too_large_is_a_failed_step(world: World) -> None:
    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield ctx.step.run("small", world.step("small"))
        try:
            yield ctx.step.run("big", world.step("big", lambda: "x" * 4 * 1024 * 1024))
        except inngest.StepError as error:
            return error.message
        return "the output is there"

    with world.serving(checkout) as asking:
        answer = asking.output(asking.post())
    assert 'the output of step "big" has 4194306 bytes' in answer.json()
    assert world.calls == ["small", "big"]


def test_middleware_surrounds_an_endpoint(world: World) -> None:
    seen: list[str] = []

    class Watching(inngest.MiddlewareSync):
        def before_execution(self) -> None:
            seen.append("before")

        def transform_output(self, result: inngest.TransformOutputResult) -> None:
            seen.append("step" if result.step else "end")

    world.client.add_middleware(Watching)

    def checkout(ctx: Any, request: durable.Request) -> Any:
        return (yield ctx.step.run("a", world.step("a", lambda: 1)))

    with world.serving(checkout) as asking:
        assert asking.post().json() == 1
    assert seen == ["before", "step", "end"]


def test_a_failure_that_ends_the_run_is_told_to_middleware_as_one(world: World) -> None:
    seen: list[bool] = []

    class Watching(inngest.MiddlewareSync):
        def wrap_request(self, request: Any) -> Iterator[None]:
            yield
            seen.append(request.ends_run)

        def wrap_function(self, call: Any) -> Iterator[None]:
            seen.append(call.is_final_attempt)
            yield

    world.client.add_middleware(Watching)

    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield ctx.step.run("a", world.step("a"))
        raise ValueError("no luck")

    with world.serving(checkout) as asking:
        assert asking.post().status_code == 500
    assert world.run()["status"] == "Failed"
    assert seen == [True, True]


HIDING: dict[str, tuple[Any, str]] = {
    "encryption": (EncryptionMiddleware.factory("a secret"), "__ENCRYPTED__"),
    "remote state": (RemoteStateMiddleware.factory(InMemoryDriver()), "__REMOTE_STATE__"),
}


@pytest.mark.parametrize("defers", [False, True], ids=["", "defers"])
@pytest.mark.parametrize("name", HIDING)
def test_middleware_that_hides_outputs_hides_them_from_the_server_alone(
    world: World, name: str, defers: bool
) -> None:
    factory, mark = HIDING[name]
    world.client.add_middleware(factory)

    def checkout(ctx: Any, request: durable.Request) -> Any:
        order = yield ctx.step.run("read", world.step("read", request.json))
        if defers:
            yield ctx.step.defer("later", function=CLEANING)
        if request.query.get("nap"):
            yield ctx.step.sleep("nap", LATER / 2)
        text = f"for {order['who']}"
        return durable.Response(body=text, status=201, headers={"x-shop": "yes"})

    with world.serving(checkout) as asking:
        answer = asking.post({"who": "Ada"})
        assert (answer.status_code, answer.text) == (201, "for Ada")
        kept = world.run()
        assert kept["output"][mark] is True and "Ada" not in str(kept["output"])
        answer = asking.output(asking.post({"who": "Ada"}, query="nap=1"))
    assert (answer.status_code, answer.headers["x-shop"]) == (201, "yes")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()[mark] is True


@pytest.mark.parametrize("reads", ["before", "after", "before and after"])
def test_hooks_of_flask_read_the_body_that_an_endpoint_reads(
    server: DevServer, client: inngest.Inngest, reads: str
) -> None:
    """As Sentry's do: who reads a socket to its end twice waits for ever."""
    seen: list[Any] = []

    @durable.wsgi(client)
    def checkout(ctx: inngest.ContextSync, request: durable.Request) -> Any:
        return request.json()

    app = flask_app(checkout)

    def look(response: Any = None) -> Any:
        seen.append(flask.request.get_json())
        return response

    if "before" in reads:
        app.before_request(look)
    if "after" in reads:
        app.after_request(look)
    world = World(server, client, "flask-sync")
    with TRANSPORTS["wsgi"].run(app) as origin:
        answer = Asking(world, origin + PATH).post({"article": "tea"})
    assert answer.json() == {"article": "tea"}
    assert seen == [{"article": "tea"}] * len(reads.split(" and "))


@pytest.mark.parametrize("naps", [False, True])
def test_a_serializer_is_for_steps_and_not_for_responses(server: DevServer, naps: bool) -> None:
    class Wrapping:
        def serialize(self, obj: object, typ: object) -> object:
            return {"wrapped": obj}

        def deserialize(self, obj: Any, typ: object) -> object:
            return obj["wrapped"]

    client = inngest.Inngest(
        app_id="shop", is_production=False, api_base_url=server.origin, serializer=Wrapping()
    )
    world = World(server, client, "wsgi-sync")

    def checkout(ctx: Any, request: durable.Request) -> Any:
        text = yield ctx.step.run("a", world.step("a", lambda: "paid"))
        if naps:
            yield ctx.step.sleep("nap", LATER / 2)
        return durable.Response(body=text, status=201)

    with contextlib.closing(client), world.serving(checkout) as asking:
        answer = asking.post()
        if naps:
            answer = asking.output(answer)
    assert (answer.status_code, answer.text) == (201, "paid")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("naps", [False, True], ids=["live", "repeated"])
def test_a_hook_makes_something_else_of_a_step_that_failed_for_good(
    world: World, naps: bool
) -> None:
    class Replacing(inngest.MiddlewareSync):
        def wrap_step(self, step: WrappedStep) -> Iterator[None]:
            try:
                yield
            except inngest.StepError as error:
                if step.info.id == "translated":
                    raise LookupError(error.message) from error
                step.output = f"instead of {error.message}"

    world.client.add_middleware(Replacing)

    def broken() -> None:
        raise inngest.NonRetriableError("no bank")

    def checkout(ctx: Any, request: durable.Request) -> Any:
        text = yield ctx.step.run("replaced", world.step("replaced", broken))
        try:
            yield ctx.step.run("translated", world.step("translated", broken))
        except LookupError as error:
            text += f", {error!r}"
        if naps:
            yield ctx.step.sleep("nap", LATER / 2)
        return text

    with world.serving(checkout) as asking:
        answer = asking.post()
        if naps:
            answer = asking.output(answer)
    assert answer.json() == "instead of no bank, LookupError('no bank')"
    assert world.calls == ["replaced", "translated"]


def test_a_hook_that_swallows_an_error_leaves_an_empty_response(world: World) -> None:
    class Swallowing(inngest.MiddlewareSync):
        def wrap_function(self, call: Any) -> Iterator[None]:
            with contextlib.suppress(ValueError):
                yield

    world.client.add_middleware(Swallowing)

    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield ctx.step.run("a", world.step("a"))
        raise ValueError("no luck")

    with world.serving(checkout) as asking:
        answer = asking.post()
    assert (answer.status_code, answer.json()) == (200, None)


@pytest.mark.parametrize("kind", ["asgi-async", "wsgi-sync"])
def test_in_the_cloud_only_the_server_repeats_requests(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine(clock=VirtualClock(), signing_key=KEY)
    with DevServer(port=0, engine=engine) as server:
        client = inngest.Inngest(
            app_id="shop", is_production=True, signing_key=KEY, api_base_url=server.origin
        )
        world = World(server, client, kind)

        def checkout(ctx: Any, request: durable.Request) -> Any:
            yield ctx.step.run("a", world.step("a"))
            yield ctx.step.sleep("nap", 1_000)
            return request.text()

        with contextlib.closing(client), world.serving_in_public(checkout) as asking:
            away = asking.post("not canonical: \u00e9")
            run_id = away.json()["run_id"]
            for signature in ("", "t=1&s=00", f"t=1&s={'0' * 64}"):
                headers = {"x-run-id": run_id, "x-inngest-signature": signature}
                forged = asking.post("not canonical: \u00e9", **headers)
                assert forged.status_code == 401
            assert world.calls == ["a"]
            assert json.loads(asking.output(away).json()) == "not canonical: \u00e9"
    assert world.calls == ["a"]
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_a_request_that_could_be_repeated_elsewhere_is_refused(world: World) -> None:
    """The server signs what a client has sent: it must come to nobody else, nor to other code."""

    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield ctx.step.run("a", world.step("a"))

    with world.serving(checkout) as asking:
        for host in ("shop.example/api/inngest?", "a@b", "a b", "[", "shop.example#", "\\"):
            answer = asking.post(host=host)
            assert answer.status_code == 400, host
        for path in ("/orders/%2e%2e/api/inngest", "/orders/7/checkout/%2E%2e"):
            where = httpx.URL(asking.url).copy_with(raw_path=path.encode())
            assert httpx.post(where, trust_env=False).status_code == 400, path
        for host in ("shop.example", "shop_1:8000", "127.0.0.1:8000", "[::1]:8000"):
            assert asking.post(host=host).status_code == 200, host
    assert world.calls == ["a"] * 4


def test_who_waits_for_an_output_is_told_when_the_server_stops(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inngest.dev._internal.server._PATIENCE", 60.0)

    def checkout(ctx: Any, request: durable.Request) -> Any:
        yield ctx.step.sleep("nap", 1_000)

    with world.serving(checkout) as asking, ThreadPoolExecutor(1) as pool:
        where = asking.post().headers["location"]
        waiting = pool.submit(httpx.get, where, timeout=60, trust_env=False)
        waits = world.server.engine._watchers.waits
        for _ in range(6000):
            if waits:
                break
            time.sleep(0.01)
        world.server.stop()
        answer = waiting.result(60)
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def test_a_bad_configuration_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INNGEST_SIGNING_KEY", raising=False)
    keyless = inngest.Inngest(app_id="shop", is_production=True)
    with pytest.raises(SigningKeyMissingError):
        durable.wsgi(keyless)(lambda ctx, request: None)
    deployed = inngest.Inngest(app_id="shop", is_production=True, signing_key=KEY)
    monkeypatch.delenv("INNGEST_SERVE_ORIGIN", raising=False)
    with pytest.raises(URLInvalidError, match="INNGEST_SERVE_ORIGIN"):
        durable.asgi(deployed)(lambda ctx, request: None)
    monkeypatch.setenv("INNGEST_SERVE_ORIGIN", "https://shop.example")
    durable.asgi(deployed)(lambda ctx, request: None)
    client = inngest.Inngest(app_id="shop", is_production=False)
    with pytest.raises(URLInvalidError):
        durable.asgi(client, origin="::")(lambda ctx, request: None)


def test_an_asgi_endpoint_lives_as_long_as_its_server(client: inngest.Inngest) -> None:
    endpoint = durable.asgi(client)(lambda ctx, request: None)
    told: list[str] = []

    async def live() -> None:
        coming = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive() -> Any:
            return next(coming)

        async def send(message: Any) -> None:
            told.append(message["type"])

        await endpoint({"type": "lifespan"}, receive, send)
        await endpoint({"type": "websocket"}, receive, send)

    asyncio.run(live())
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


def test_the_example_is_seen_through(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_BASE_URL", server.origin)
    example: Any = runpy.run_path(str(EXAMPLE))
    client = example["client"]
    with contextlib.closing(client), TRANSPORTS["asgi"].run(example["app"]) as origin:
        url = f"{origin}/checkout"
        away = httpx.post(url, json={"id": "o-1", "cents": 1250}, timeout=60, trust_env=False)
        with realtime.subscribe_sync(client, "orders", ["status"]) as messages:
            server.advance(LATER)
            assert next(messages).data == {"order": "o-1", "is": "paid"}
        answer = httpx.get(away.headers["location"], timeout=60, trust_env=False)
    assert answer.json() == {"payment": "charged 12.50 for o-1", "parcel": "parcel-o-1"}
