"""Middleware around the sending of events, from both faces of the client and from steps."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any
from unittest.mock import AsyncMock, Mock

import pydantic
import pytest

import inngest
from inngest import Event, Middleware, MiddlewareSync, SendEventsResult
from inngest._internal.flow import Request, Response
from inngest._internal.runtime.http_clients import HTTPClients
from inngest.errors import SendEventsError
from inngest.middleware import WrappedSend

from .worlds import World

Send = Callable[..., list[str]]


class Server(HTTPClients):
    """Accepts events, or rejects them."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.refuses = False

    def fetch(self, request: Request) -> Response:
        if self.refuses:
            answer = b'{"ids":["1"],"status":400,"error":"refused"}'
            return Response(status=400, headers={}, body=answer)
        sent = json.loads(request.body)
        self.events += sent
        ids = [str(n) for n, _ in enumerate(sent, 1)]
        return Response(status=200, headers={}, body=json.dumps({"ids": ids}).encode())

    async def fetch_async(self, request: Request) -> Response:
        await asyncio.sleep(0)
        return self.fetch(request)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def client(server: Server) -> inngest.Inngest:
    made = inngest.Inngest(app_id="app", is_production=False)
    made._http = server
    return made


@pytest.fixture(params=["send", "send_sync", "send_sync on a loop"])
def send(request: pytest.FixtureRequest, client: inngest.Inngest) -> Send:
    """Send with each of the methods that send events."""

    def send_async(*args: Any, **options: Any) -> list[str]:
        return asyncio.run(client.send(*args, **options))

    def send_on_a_loop(*args: Any, **options: Any) -> list[str]:
        async def run() -> list[str]:
            return client.send_sync(*args, **options)

        return asyncio.run(run())

    ways = {"send": send_async, "send_sync": client.send_sync}
    return ways.get(request.param, send_on_a_loop)


def noting(log: list[str], name: str, colour: str) -> Any:
    class Sync(MiddlewareSync):
        def before_send_events(self, events: list[Event[Any]]) -> None:
            log.append(f"{name} before {len(events)}")
            events[0].data = {**events[0].data, name: True}

        def wrap_send(self, send: WrappedSend) -> Iterator[None]:
            log.append(f"{name} enter")
            yield
            assert send.result is not None
            log.append(f"{name} leave {send.result.ids}")

        def after_send_events(self, result: SendEventsResult) -> None:
            log.append(f"{name} after {result.ids} {bool(result.error)}")

    class Async(Middleware):
        async def before_send_events(self, events: list[Event[Any]]) -> None:
            await asyncio.sleep(0)
            Sync.before_send_events(self, events)  # type: ignore[arg-type]

        async def wrap_send(self, send: WrappedSend) -> AsyncIterator[None]:
            log.append(f"{name} enter")
            await asyncio.sleep(0)
            yield
            await asyncio.sleep(0)
            assert send.result is not None
            log.append(f"{name} leave {send.result.ids}")

        async def after_send_events(self, result: SendEventsResult) -> None:
            await asyncio.sleep(0)
            log.append(f"{name} after {result.ids} {bool(result.error)}")

    return Sync if colour == "sync" else Async


class Article(pydantic.BaseModel):
    name: str


@pytest.mark.parametrize("hook", ["before_send_events", "wrap_send"])
def test_hooks_that_change_data_in_place_change_it_for_this_send_alone(
    client: inngest.Inngest, server: Server, send: Send, hook: str
) -> None:
    """Else what is sent twice, such as an event that is a constant, is changed twice."""

    def seal(events: list[Event[Any]]) -> None:
        for event in events:
            if isinstance(event.data, Article):
                event.data.name += "!"
            else:
                event.data["to"]["name"] += "!"
                event.data["lines"].append("end")

    class Sealing(MiddlewareSync):
        if hook == "before_send_events":

            def before_send_events(self, events: list[Event[Any]]) -> None:
                seal(events)

        else:

            def wrap_send(self, send: WrappedSend) -> Iterator[None]:
                seal(send.events)
                yield

    client.middleware = [Sealing]
    data: Any = {"to": {"name": "Ada"}, "lines": ["one"]}
    bought = inngest.EventType("b", Article)
    events: list[Event[Any]] = [Event(name="a", data=data), bought.create(Article(name="tea"))]
    for _ in range(2):
        send(events)
    once: list[Any] = [{"to": {"name": "Ada!"}, "lines": ["one", "end"]}, {"name": "tea!"}]
    assert [event["data"] for event in server.events] == once * 2
    assert events[0].data == {"to": {"name": "Ada"}, "lines": ["one"]}
    assert events[1].data == Article(name="tea")


@pytest.mark.parametrize("colours", [("sync", "async"), ("async", "sync")])
def test_hooks_around_a_send(
    client: inngest.Inngest, server: Server, send: Send, colours: tuple[str, str]
) -> None:
    log: list[str] = []
    client.middleware = [noting(log, str(n), colour) for n, colour in enumerate(colours, 1)]
    assert send([Event(name="a"), Event(name="b")]) == ["1", "2"]
    assert [event["data"] for event in server.events] == [{"1": True, "2": True}, {}]
    assert log == [
        "1 before 2",
        "2 before 2",
        "1 enter",
        "2 enter",
        "2 leave ['1', '2']",
        "1 leave ['1', '2']",
        "2 after ['1', '2'] False",
        "1 after ['1', '2'] False",
    ]


def test_middleware_can_be_left_out(client: inngest.Inngest, server: Server, send: Send) -> None:
    log: list[str] = []
    client.middleware = [noting(log, "1", "sync")]
    assert send(Event(name="a"), skip_middleware=True) == ["1"]
    assert (log, server.events[0]["data"]) == ([], {})


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_failed_send_is_told_to_the_hooks_and_raised(
    client: inngest.Inngest, server: Server, send: Send, colour: str
) -> None:
    log: list[str] = []
    server.refuses = True

    class Telling(MiddlewareSync):
        def after_send_events(self, result: SendEventsResult) -> None:
            log.append(str(result.error))

    class TellingLater(Middleware):
        async def after_send_events(self, result: SendEventsResult) -> None:
            log.append(str(result.error))

    client.middleware = [Telling if colour == "sync" else TellingLater]
    with pytest.raises(SendEventsError, match="refused") as raised:
        send(Event(name="a"))
    assert raised.value.ids == ["1"]
    assert len(log) == 1 and "refused" in log[0]


@pytest.mark.parametrize(
    "hook", ["__init__", "before_send_events", "wrap_send", "after_send_events"]
)
def test_what_a_hook_raises_is_raised_and_names_the_hook(
    client: inngest.Inngest, send: Send, hook: str
) -> None:
    def fail(self: Any, *args: Any) -> Any:
        raise ValueError("no")

    client.middleware = [type("Failing", (MiddlewareSync,), {hook: fail})]
    with pytest.raises(ValueError, match="no") as raised:
        send(Event(name="a"))
    if sys.version_info >= (3, 11):
        (note,) = raised.value.__notes__
        assert "Failing" in note


def test_middleware_of_a_send_is_given_no_request(client: inngest.Inngest, send: Send) -> None:
    given: list[object] = []

    def factory(client: inngest.Inngest, raw_request: object) -> MiddlewareSync:
        given.append(raw_request)
        return MiddlewareSync(client, raw_request)

    client.middleware = [factory]
    send(Event(name="a"))
    assert given == [None]


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_step_sends_within_the_middleware_of_the_call(world: World, colour: str) -> None:
    """Middleware tells events which call they come of by what it has seen of that call."""
    server = world.client._http = Server()

    class Tracing(MiddlewareSync):
        made = 0

        def __init__(self, client: inngest.Inngest, raw_request: object) -> None:
            self.client, self.raw_request = client, raw_request
            type(self).made += 1

        def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            self.trace = ctx.run_id

        def before_send_events(self, events: list[Event[Any]]) -> None:
            for event in events:
                event.data = {**event.data, type(self).__name__: self.trace}

        def after_send_events(self, result: SendEventsResult) -> None:
            world.log.append((type(self).__name__, self.trace, result.ids))

    def later(hook: str) -> Any:
        async def run(self: Any, *given: Any) -> None:
            await asyncio.sleep(0)
            getattr(Tracing, hook)(self, *given)

        return run

    hooks = ("transform_input", "before_send_events", "after_send_events")
    ways = {hook: later(hook) for hook in hooks} | {"__init__": Tracing.__init__, "made": 0}
    kind = Tracing if colour == "sync" else type("TracingLater", (Middleware,), ways)
    of_client: Any = type("OfClient", (kind,), {})
    of_function: Any = type("OfFunction", (kind,), {})
    world.client.middleware = [of_client]

    def body(ctx: Any) -> Generator[Any, Any, Any]:
        return (yield ctx.step.send_event("send", Event(name="a")))

    world.function(body, middleware=[of_function])
    reply = world.call()
    assert reply.body[0]["data"] == ["1"]
    run_id = server.events[0]["data"]["OfClient"]
    assert server.events[0]["data"] == {"OfClient": run_id, "OfFunction": run_id}
    assert world.log == [("OfFunction", run_id, ["1"]), ("OfClient", run_id, ["1"])]
    assert (of_client.made, of_function.made) == (1, 1)


def test_a_step_sends_by_the_send_that_the_client_has(world: World) -> None:
    """Tests replace it by a mock."""
    sent = AsyncMock(return_value=["id"]) if world.is_async else Mock(return_value=["id"])
    setattr(world.client, "send" if world.is_async else "send_sync", sent)
    event = Event(name="a")

    def body(ctx: Any) -> Generator[Any, Any, Any]:
        return (yield ctx.step.send_event("send", event))

    world.function(body)
    assert world.play().body == ["id"]
    sent.assert_called_once()


def test_what_is_no_event_is_refused_by_the_step(world: World) -> None:
    world.client.middleware = [noting(world.log, "1", "sync")]

    def body(ctx: Any) -> Generator[Any, Any, Any]:
        return (yield ctx.step.send_event("send", {"name": "a"}))

    world.function(body)
    (op,) = world.call().body
    assert world.log == []
    assert op["error"]["name"] == "SendEventsError"
    assert "not a dict" in op["error"]["message"]


def test_a_step_sends_within_the_clients_middleware(world: World) -> None:
    server = world.client._http = Server()
    log: list[str] = []
    world.client.middleware = [noting(log, "1", "async")]

    def body(ctx: Any) -> Generator[Any, Any, Any]:
        events = (Event(name="a"), Event(name="b"))  # a tuple will do
        return (yield ctx.step.send_event("send", events))

    world.function(body)
    assert world.play().body == ["1", "2"]
    assert [event["name"] for event in server.events] == ["a", "b"]
    assert log[0] == "1 before 2" and log[-1] == "1 after ['1', '2'] False"
