"""The kits for authors hold good middleware and serializers right, and bad ones wrong."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import inspect
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import parse_qsl
from wsgiref.util import request_uri

import pytest

import inngest
from inngest._internal.plugins.installed import scan
from inngest.middleware import Opcode, WrappedHandler, WrappedStep
from inngest.testing import (
    Channel,
    HTTPChannel,
    MiddlewareSuite,
    PluginSuite,
    SerializerSuite,
    TransportSuite,
    play,
)
from inngest.testing.bench import client_of
from inngest.testing.exchange import Inbox
from inngest.transport import CommRequest, Handler, ServeOptions

from .transports import on_werkzeug


class Encoding(inngest.MiddlewareSync):
    """Middleware that stores outputs in another format."""

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        yield
        if step.has_output:
            step.output = base64.b64encode(json.dumps(step.output).encode()).decode()

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        yield
        if step.info.op is Opcode.STEP_RUN:
            step.output = json.loads(base64.b64decode(str(step.output)))


class Slow(inngest.Middleware):
    """Middleware that awaits in every hook."""

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


class Array:
    """Has an element-wise ``==``, like arrays."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = numbers

    def __eq__(self, other: object) -> Any:
        assert isinstance(other, Array)
        return [a == b for a, b in zip(self.numbers, other.numbers, strict=True)]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Array{self.numbers}"


class Arrays:
    """A serializer for arrays."""

    def serialize(self, obj: object, typ: object) -> object:
        return list(obj.numbers) if isinstance(obj, Array) else obj

    def deserialize(self, obj: Any, typ: object) -> object:
        return Array(*obj) if typ is Array else obj


class TestArrays(SerializerSuite):
    serializer = Arrays()
    values = ((Array(1.0, 2.0), Array),)

    def is_equal(self, got: Any, value: Any) -> bool:
        return bool(all(got == value))


def test_the_suite_heeds_what_a_serializers_values_call_equal() -> None:
    class Never(TestArrays):
        def is_equal(self, got: Any, value: Any) -> bool:
            return False

    with pytest.raises(AssertionError, match="came back as"):
        Never().test_values_come_back_equal()
    with pytest.raises(AssertionError, match="came back as"):
        Never().test_steps_give_equal_values_live_and_replayed("sync")


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
    """Middleware that encodes, but does not decode."""

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        yield
        if step.has_output:
            step.output = str(step.output)


class Greedy(Encoding):
    """Middleware that also decodes what it has not encoded."""

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        yield
        step.output = json.loads(base64.b64decode(str(step.output)))


class Swallowing(inngest.MiddlewareSync):
    def wrap_function(self, call: Any) -> Iterator[None]:
        try:
            yield
        except Exception:
            call.output = None


class Sharing(inngest.MiddlewareSync):
    """Middleware whose state is shared by all runs."""

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
        (Greedy, "test_a_step_that_runs_no_code_comes_through"),
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
    """A serializer that ignores types, and whose output is not JSON."""

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


class Careless:
    """A WSGI adapter with a common mistake."""

    def __init__(self, client: inngest.Inngest, functions: Any, mistake: str, **options: Any):
        self.mistake = mistake
        options.pop(mistake.removeprefix("forgets "), None)
        given = ServeOptions(framework="careless", **options)
        self.handler = Handler(client, functions, given)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] != self.handler.mount_path and self.mistake != "is everywhere":
            start_response("404 Not Found", [])
            return []
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        if self.mistake == "keeps the case of headers":
            headers = {name.title(): value for name, value in headers.items()}
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if self.mistake == "reads a part of the body":
            length = min(length, 65536)
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        if self.mistake == "drops the query":
            query.pop("deployId", None)
        if self.mistake == "knows its host":
            environ = {**environ, "HTTP_HOST": "127.0.0.1"}
        reply = self.handler.handle_sync(
            CommRequest(
                method=environ["REQUEST_METHOD"],
                url=request_uri(environ, include_query=False),
                headers=headers,
                query=query,
                body=environ["wsgi.input"].read(length),
                raw=None if self.mistake == "drops the request" else environ,
            )
        )
        body, written = reply.body, {"content-length": str(len(reply.body)), **reply.headers}
        if self.mistake == "drops headers of answers":
            written.pop("retry-after", None)
        if self.mistake == "writes JSON again":
            body = json.dumps(json.loads(body), indent=1).encode()
            written["content-length"] = str(len(body))
        status = 200 if self.mistake == "is always content" else reply.status
        start_response(f"{status} Status", list(written.items()))
        return [body]


@pytest.mark.parametrize(
    ("mistake", "test", "arguments"),
    [
        (
            "forgets enable_unauthed_sync",
            "who_may_ask_for_a_sync_is_for_the_app_to_say",
            (True, 200),
        ),
        ("forgets public_path", "what_the_user_says_of_a_proxy_is_registered", ()),
        ("forgets serve_origin", "what_the_user_says_of_a_proxy_is_registered", ()),
        ("forgets serve_path", "mounting_at_another_path_is_registered", (False,)),
        ("keeps the case of headers", "the_trust_probe_is_signed", ()),
        ("reads a part of the body", "four_megabytes_come_and_go", ("sync",)),
        ("drops the query", "a_sync_registers_the_app_where_it_was_reached", ()),
        ("knows its host", "a_sync_names_the_host_that_was_asked", ()),
        ("drops the request", "middleware_is_given_the_request_of_the_framework", ()),
        ("drops headers of answers", "a_later_retry_says_when", ("sync",)),
        ("writes JSON again", "introspection_tells_all_to_the_server", ()),
        ("is always content", "a_failed_step_is_a_206_with_its_error", ("sync",)),
        ("is everywhere", "mounting_leaves_other_paths_alone", ()),
    ],
)
def test_a_wrong_transport_is_found_out(
    mistake: str, test: str, arguments: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each test passes for an adapter without mistakes, and fails for one that makes its own."""
    with Inbox().open() as api:
        run_test(test, arguments, "makes none", api, monkeypatch)
        api.requests.clear()
        with pytest.raises((AssertionError, KeyError)):
            run_test(test, arguments, mistake, api, monkeypatch)


def run_test(
    name: str, arguments: Any, mistake: str, api: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Suite(TransportSuite):
        def build(self, client: Any, functions: Any, **options: Any) -> Any:
            return Careless(client, functions, mistake, **options)

        @contextmanager
        def connect(self, app: Any) -> Iterator[Channel]:
            with on_werkzeug(app) as origin:
                yield HTTPChannel(origin)

    method = getattr(Suite(), f"test_{name}")
    fixtures = {"api": api, "monkeypatch": monkeypatch}
    wanted = [one for one in inspect.signature(method).parameters if one in fixtures]
    method(*arguments, **{one: fixtures[one] for one in wanted})


def test_a_transport_is_tested_without_the_middleware_of_other_plugins() -> None:
    def names(client: inngest.Inngest) -> list[str]:
        return [factory.plugin for factory in client._plugins.middleware(client)]  # type: ignore[attr-defined]

    assert "otel" in names(inngest.Inngest(app_id="suite", is_production=False))
    assert names(client_of(api="http://127.0.0.1:9")) == []


def test_without_pytest_the_kits_say_what_they_need() -> None:
    code = "import sys; sys.modules['pytest'] = None; import inngest.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.endswith("inngest.testing needs pytest: pip install pytest\n")


@pytest.mark.parametrize("key", [None, "signkey-test-ab"])
def test_a_run_is_played_of_a_client_of_production(key: str | None) -> None:
    client = inngest.Inngest(app_id="shop", is_production=True, signing_key=key)

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
    def fn(ctx: inngest.ContextSync) -> str:
        return ctx.step.run("pay", lambda: "paid")

    assert play(client, fn).body == "paid"
    assert client.is_production, "left as it was"
