"""What plugins bring is used by clients: middleware for every call, serializers by name."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import pytest

import inngest
from inngest import MiddlewareSync
from inngest.errors import MiddlewareError, PluginError, SerializerUnknownError
from inngest.plugins import (
    API_VERSION,
    MiddlewareEntry,
    NotConfigured,
    SerializerEntry,
    hookimpl,
)

from .conftest import Make
from .worlds import World

Steps = Generator[Any, Any, Any]
LOG: list[str] = []


def noting(name: str) -> type[MiddlewareSync]:
    class Noting(MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            LOG.append(name)

        def before_send_events(self, events: Any) -> None:
            LOG.append(f"{name} sends")

    return Noting


class Upper:
    """A serializer that stores text in upper case."""

    def serialize(self, obj: Any, typ: object) -> object:
        return obj.upper()

    def deserialize(self, obj: Any, typ: object) -> object:
        return obj.lower()


class Late:
    api_version = API_VERSION

    @hookimpl
    def inngest_middleware(self, options: Mapping[str, object]) -> Any:
        if "name" not in options:
            return NotConfigured(reason="it needs a name")
        name = str(options["name"])
        return [
            MiddlewareEntry(name="b", order=10, factory=noting(f"{name} b")),
            MiddlewareEntry(name="a", order=10, factory=noting(f"{name} a")),
            MiddlewareEntry(name="first", order=-1, factory=noting(f"{name} first")),
        ]

    @hookimpl
    def inngest_serializers(self) -> list[SerializerEntry]:
        return [SerializerEntry(name="upper", serializer=Upper())]


def body(ctx: Any) -> Steps:
    yield from ()
    return "done"


def test_plugin_middleware_is_outside_the_clients_and_the_functions(make_world: Make) -> None:
    LOG.clear()
    world = make_world(
        plugins=[Late()],
        plugin_options={"Late": {"name": "plugin"}},
        middleware=[noting("client")],
    )
    world.function(body, middleware=[noting("function")])
    assert world.call().status == 200
    assert LOG == ["plugin first", "plugin a", "plugin b", "client", "function"]
    LOG.clear()
    world.client.send_sync([])
    assert [f"{name} sends" for name in ("plugin first", "plugin a", "plugin b", "client")] == LOG
    LOG.clear()
    world.client.send_sync([], skip_middleware=True)
    assert LOG == []


def test_a_plugin_whose_middleware_cannot_be_made_is_named(make_world: Make) -> None:
    def broken(client: inngest.Inngest, raw_request: object) -> Any:
        raise KeyError("no dsn")

    class Broken:
        api_version = API_VERSION

        @hookimpl
        def inngest_middleware(self) -> Any:
            return [MiddlewareEntry(name="b", factory=broken)]

    world = make_world(plugins=[Broken()])
    world.function(body)
    for message in (world.call().body["message"], _refusal(world.client)):
        assert "broken() of plugin 'broken' failed: KeyError: 'no dsn'" in message


@pytest.mark.parametrize("hook", ["before_execution", "wrap_function"])
def test_a_plugin_whose_hook_fails_is_named(make_world: Make, hook: str) -> None:
    def fail(self: object, *args: object) -> Any:
        raise KeyError("no dsn")

    tracing: Any = type("Tracing", (inngest.MiddlewareSync,), {hook: fail})

    class Broken:
        api_version = API_VERSION

        @hookimpl
        def inngest_middleware(self) -> Any:
            return [MiddlewareEntry(name="b", factory=tracing)]

    world = make_world(plugins=[Broken()])
    world.function(body)
    message = world.call().body["message"]
    assert f"the middleware hook Tracing.{hook} of plugin 'broken' failed: KeyError" in message


def _refusal(client: inngest.Inngest) -> str:
    with pytest.raises(MiddlewareError) as refused:
        client.send_sync([])
    return refused.value.message


def test_a_plugin_that_is_not_configured_stays_out(world: World, make_world: Make) -> None:
    LOG.clear()
    other = make_world(plugins=[Late()])
    other.function(body)
    assert other.call().body == "done"
    assert LOG == []


def test_serializers_are_named_for_a_client_a_function_or_a_step(make_world: Make) -> None:
    named = make_world(plugins=[Late()], serializer="upper")
    named.function(body)
    assert named.call().body == "DONE"

    world = make_world(plugins=[Late()])

    def stepping(ctx: Any) -> Steps:
        value = yield ctx.step.run("a", world.step(lambda: "text"), serializer="upper")
        assert value == "text"
        return value

    function = world.function(body, "function", serializer="upper")
    step = world.function(stepping, "step")
    assert world.call(function).body == "DONE"
    assert world.call(step).body[0]["data"] == "TEXT"
    assert world.play(step).body == "text"


@pytest.mark.parametrize("wrong", [5, Upper])
def test_a_step_says_of_a_serializer_that_is_none_what_a_client_says(
    wrong: Any, make_world: Make
) -> None:
    world = make_world()

    def stepping(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(lambda: "text"), serializer=wrong)

    world.function(stepping)
    reply = world.call()
    assert reply.status == 500
    assert "the methods serialize and deserialize" in reply.body["message"]


def test_an_unknown_serializer_is_refused_where_it_is_named(make_world: Make) -> None:
    with pytest.raises(SerializerUnknownError, match="did you mean 'upper'"):
        make_world(plugins=[Late()], serializer="uper")
    world = make_world(plugins=[Late()])
    with pytest.raises(SerializerUnknownError):
        world.function(body, serializer="uper")

    def stepping(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(lambda: "text"), serializer="uper")

    world.function(stepping)
    reply = world.call()
    assert reply.status == 500
    assert "did you mean 'upper'" in reply.body["message"]


def test_a_plugin_asked_for_by_name_must_be_there() -> None:
    with pytest.raises(PluginError, match="nothing-like-it"):
        inngest.Inngest(app_id="app", is_production=False, plugins=["nothing-like-it"])
    inngest.Inngest(app_id="app", is_production=False, plugins=False)
