"""The kits for authors hold good middleware and serializers right, and bad ones wrong."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import pytest

import inngest
from inngest._internal.plugins.installed import scan
from inngest.middleware import WrappedHandler, WrappedStep
from inngest.testing import MiddlewareSuite, PluginSuite, SerializerSuite


class Encoding(inngest.MiddlewareSync):
    """Stores what steps return in another form."""

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        yield
        if step.has_output:
            step.output = base64.b64encode(json.dumps(step.output).encode()).decode()

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        yield
        if step.has_output:
            step.output = json.loads(base64.b64decode(str(step.output)))


class Slow(inngest.Middleware):
    """Awaits everywhere."""

    async def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
        await asyncio.sleep(0)

    async def wrap_send(self, send: Any) -> AsyncIterator[None]:
        await asyncio.sleep(0)
        yield
        await asyncio.sleep(0)


class TestEncoding(MiddlewareSuite):
    def build(self) -> Any:
        return Encoding


class TestSlow(MiddlewareSuite):
    runs_sync = False

    def build(self) -> Any:
        return Slow


@dataclasses.dataclass
class Order:
    id: int
    lines: list[str]


class TestPydantic(SerializerSuite):
    serializer = inngest.PydanticSerializer()
    values = ((Order(1, ["a"]), Order), ([Order(2, [])], list[Order]), (None, Order | None))
    mismatches = (("x", Order), ({"id": "no"}, Order))


FRAMEWORKS = (
    *("django", "fastapi", "flask", "google.protobuf", "nacl", "opentelemetry", "rich"),
    *("sqlite3", "starlette", "tornado", "uvicorn", "websockets"),
)


class Ours(PluginSuite):
    lazy = FRAMEWORKS


class TestConnect(Ours):
    name = "connect"


class TestDev(Ours):
    name = "dev"


class TestDigitalOcean(Ours):
    name = "digital-ocean"


class TestDjango(Ours):
    name = "django"


class TestEncryptionPlugin(Ours):
    name = "encryption"
    options: ClassVar = {"secret_key": "secret"}


class TestFastAPI(Ours):
    name = "fast-api"


class TestFlask(Ours):
    name = "flask"


class TestOpenTelemetryPlugin(Ours):
    name = "otel"


class TestTornado(Ours):
    name = "tornado"


def test_every_plugin_of_ours_is_tested() -> None:
    tested = {suite.name for suite in Ours.__subclasses__()}
    assert {plugin.name for plugin in scan().plugins} <= tested


class Misspelt(inngest.MiddlewareSync):
    def transform_ouput(self, result: Any) -> None:
        pass


class Coloured(inngest.MiddlewareSync):
    async def before_response(self) -> None:  # type: ignore[override]
        pass


class Narrow(inngest.MiddlewareSync):
    def transform_output(self) -> None:  # type: ignore[override]
        pass


class Lossy(inngest.MiddlewareSync):
    """Encodes and forgets to decode."""

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        yield
        if step.has_output:
            step.output = str(step.output)


class Swallowing(inngest.MiddlewareSync):
    def wrap_function(self, call: Any) -> Iterator[None]:
        try:
            yield
        except Exception:
            call.output = None


class Sharing(inngest.MiddlewareSync):
    """Keeps the last value of all runs in one place."""

    last: Any = None

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        yield
        if step.has_output:
            step.output, Sharing.last = (
                Sharing.last if step.info.is_memoized else step.output,
                step.output,
            )


class Demanding(inngest.MiddlewareSync):
    def __init__(self, client: inngest.Inngest, raw_request: Any) -> None:
        super().__init__(client, raw_request)
        self.agent = raw_request.headers["user-agent"]


@pytest.mark.parametrize(
    ("middleware", "test"),
    [
        (Misspelt, "test_its_hooks_are_hooks"),
        (Coloured, "test_its_hooks_have_its_colour"),
        (Narrow, "test_its_hooks_take_what_they_are_given"),
        (Lossy, "test_steps_give_equal_values_live_and_replayed"),
        (Sharing, "test_steps_give_equal_values_live_and_replayed"),
        (Swallowing, "test_a_failed_function_is_a_failure"),
        (Swallowing, "test_a_final_error_is_final"),
        (Demanding, "test_it_needs_no_request_of_a_framework"),
    ],
)
def test_wrong_middleware_is_found_out(middleware: Any, test: str) -> None:
    suite = MiddlewareSuite()
    suite.build = lambda: middleware  # type: ignore[method-assign]
    method = getattr(suite, test)
    arguments = ["sync"] if "kind" in method.__code__.co_varnames[:2] else []
    with pytest.raises((AssertionError, TypeError)):
        method(*arguments)


class Texts:
    """Not for types, not for JSON."""

    def serialize(self, obj: object, typ: object) -> object:
        return {repr(obj)} if isinstance(obj, list) else repr(obj)

    def deserialize(self, obj: object, typ: object) -> object:
        return obj


@pytest.mark.parametrize(
    ("test", "value"),
    [
        ("test_what_it_makes_is_strict_json", [1]),
        ("test_values_come_back_equal", 1),
        ("test_what_is_stored_is_stable", "a"),
        ("test_a_value_of_another_type_is_an_error", 1),
    ],
)
def test_a_wrong_serializer_is_found_out(test: str, value: Any) -> None:
    class Suite(SerializerSuite):
        serializer = Texts()
        values = ((value, type(value)),)
        mismatches = ((1, str),)

    with pytest.raises((AssertionError, TypeError, pytest.fail.Exception)):
        getattr(Suite(), test)()
