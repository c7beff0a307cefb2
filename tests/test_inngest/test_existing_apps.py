"""How apps that were written for the package ``inngest`` use it, where it is easy to lose.

Each of these is something that published apps, or their tests, do.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import functools
import hashlib
import inspect
import json
import pickle
from collections.abc import Callable, Generator, Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

import inngest
from inngest._internal.flow import Response
from inngest.errors import FunctionConfigInvalidError, SendEventsError, URLInvalidError
from inngest.transport import CommRequest, Handler, ServeOptions

from .worlds import World

Steps = Generator[Any, Any, Any]
GO = inngest.TriggerEvent(event="test/go")
URL = "http://app.test/api/inngest"


class BadDocumentError(inngest.NonRetriableError):
    """The app's own non-retriable error."""


def a_client() -> inngest.Inngest:
    return inngest.Inngest(app_id="app", is_production=False)


@pytest.mark.parametrize("kind", [inngest.NonRetriableError, BadDocumentError])
def test_what_a_step_raises_to_end_it_is_caught_by_its_kind(
    world: World, kind: type[inngest.NonRetriableError]
) -> None:
    """Apps note that a document is bad, and have the run fail."""

    def refuse() -> None:
        raise kind("no pages")

    def body(ctx: Any) -> Steps:
        try:
            yield ctx.step.run("read", world.step(refuse))
        except inngest.NonRetriableError as error:
            seen = (isinstance(error, inngest.StepError), error.quiet, error.name, error.message)
            yield ctx.step.run("note", world.step(lambda: None, seen))
            raise

    world.function(body)
    reply = world.play()
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
    assert reply.body["message"] == "no pages"
    assert world.log == [(True, False, kind.__name__, "no pages")]


def test_a_step_that_has_used_up_its_attempts_is_not_one_that_asked_to_end(world: World) -> None:
    def body(ctx: Any) -> Steps:
        try:
            yield ctx.step.run("read", world.step(lambda: 1 // 0))
        except inngest.NonRetriableError:
            return "asked to end"
        except inngest.StepError as error:
            return error.name

    world.function(body)
    assert world.play().body == "ZeroDivisionError"


def test_the_error_of_a_step_that_asked_to_end_can_be_copied(world: World) -> None:
    copies: list[BaseException] = []

    def refuse() -> None:
        raise inngest.NonRetriableError("no pages")

    def body(ctx: Any) -> Steps:
        try:
            yield ctx.step.run("read", world.step(refuse))
        except inngest.StepError as error:
            copies.extend([copy.copy(error), pickle.loads(pickle.dumps(error))])

    world.function(body)
    world.play()
    assert len(copies) == 2
    for each in copies:
        assert isinstance(each, inngest.StepError)
        assert isinstance(each, inngest.NonRetriableError)
        assert (each.name, each.message) == ("NonRetriableError", "no pages")


def test_a_decorator_may_give_a_handler_arguments_of_its_own(world: World) -> None:
    """``functools.wraps`` has the wrapper tell the signature of what it wraps."""

    def with_settings(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def run_sync(ctx: Any) -> Any:
            return handler(ctx, {"limit": 3})

        @functools.wraps(handler)
        async def run_async(ctx: Any) -> Any:
            return await handler(ctx, {"limit": 3})

        return run_async if world.is_async else run_sync

    def sync(ctx: Any, settings: dict[str, int]) -> int:
        return settings["limit"]

    async def asynchronous(ctx: Any, settings: dict[str, int]) -> int:
        return settings["limit"]

    handler = with_settings(asynchronous if world.is_async else sync)
    world.functions.append(world.client.create_function(fn_id="fn", trigger=GO)(handler))
    assert world.play().body == 3


async def _before(ctx: Any, step: Any) -> None: ...


async def _by_name(ctx: Any, *, step: Any) -> None: ...


async def _method(self: Any, ctx: Any) -> None: ...


@pytest.mark.parametrize(
    ("handler", "is_told"), [(_before, True), (_by_name, True), (_method, False)]
)
def test_a_handler_that_takes_the_steps_is_told_where_they_are_now(
    handler: Any, is_told: bool
) -> None:
    """The second argument of a handler, before 0.5."""
    with pytest.raises(FunctionConfigInvalidError, match="must take one argument") as caught:
        a_client().create_function(fn_id="fn", trigger=GO)(handler)
    assert ("ctx.step" in str(caught.value)) is is_told


def test_tests_of_apps_look_at_how_a_function_was_declared() -> None:
    async def give_up(ctx: inngest.Context) -> None: ...

    async def handler(ctx: inngest.Context) -> str:
        return "done"

    options: dict[str, Any] = {
        "batch_events": inngest.Batch(max_size=2, timeout=timedelta(seconds=5)),
        "concurrency": [inngest.Concurrency(limit=2)],
        "idempotency": "event.data.id",
        "rate_limit": inngest.RateLimit(limit=5, period=timedelta(minutes=1)),
        "retries": 2,
        "throttle": inngest.Throttle(limit=4, period=timedelta(seconds=30)),
        "timeouts": inngest.Timeouts(start=timedelta(seconds=7)),
    }
    triggers = [inngest.TriggerCron(cron="0 7 * * 1"), GO]
    made = a_client().create_function(
        fn_id="fn", name="Weekly", trigger=triggers, on_failure=give_up, **options
    )(handler)

    looked_at: Any = made
    assert looked_at._handler is handler
    assert looked_at._triggers == triggers
    declared = looked_at._opts
    assert {name: getattr(declared, name) for name in options} == options
    assert declared.on_failure is give_up
    assert (declared.local_id, declared.fully_qualified_id) == ("fn", "app-fn")
    assert declared.name == "Weekly"
    for name in ("cancel", "debounce", "priority", "singleton"):
        assert getattr(declared, name) is None


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("batch_events", {"max_size": 3, "timeout": 1000}, inngest.Batch(max_size=3, timeout=1000)),
        ("cancel", [{"event": "x", "if_exp": "true"}], [inngest.Cancel(event="x", if_exp="true")]),
        ("concurrency", [{"limit": 2}], [inngest.Concurrency(limit=2)]),
        ("debounce", {"period": 1000}, inngest.Debounce(period=1000)),
        ("priority", {"run": "1"}, inngest.Priority(run="1")),
        ("rate_limit", {"limit": 1, "period": 1000}, inngest.RateLimit(limit=1, period=1000)),
        ("singleton", {"mode": "skip"}, inngest.Singleton(mode="skip")),
        ("throttle", {"limit": 1, "period": 1000}, inngest.Throttle(limit=1, period=1000)),
        ("timeouts", {"start": 1000}, inngest.Timeouts(start=1000)),
    ],
)
def test_an_option_may_be_a_dictionary_of_its_fields(name: str, given: Any, meant: Any) -> None:
    options: dict[str, Any] = {name: given}
    made = a_client().create_function(fn_id="fn", trigger=GO, **options)(lambda ctx: None)
    assert getattr(made.get_config(URL).main, name) == meant


@pytest.mark.parametrize(
    "given", [[{"limit": 2, "maximum": 3}], [{"limit": "2"}], {"limit": 2}, [None, {}]]
)
def test_a_dictionary_that_does_not_fit_is_refused(given: Any) -> None:
    with pytest.raises(FunctionConfigInvalidError):
        a_client().create_function(fn_id="fn", trigger=GO, concurrency=given)(lambda ctx: None)


def test_one_trigger_is_a_list_of_one() -> None:
    looked_at: Any = a_client().create_function(fn_id="fn", trigger=GO)(lambda ctx: None)
    assert looked_at._triggers == [GO]


def test_the_configuration_of_a_function_has_attributes() -> None:
    def give_up(ctx: inngest.ContextSync) -> None: ...

    cron = inngest.TriggerCron(cron="0 7 * * 1")
    made = a_client().create_function(
        fn_id="fn",
        name="Weekly",
        trigger=[cron, GO],
        retries=3,
        concurrency=[inngest.Concurrency(limit=2)],
        rate_limit=inngest.RateLimit(limit=5, period=timedelta(minutes=1)),
        on_failure=give_up,
    )(lambda ctx: None)

    main, on_failure = made.get_config(URL)
    assert main == made.get_config(URL).main
    assert (main.id, main.name, main.idempotency) == ("app-fn", "Weekly", None)
    assert main.triggers == [cron, GO]
    assert isinstance(main.triggers[0], inngest.TriggerCron)
    assert main.concurrency == [inngest.Concurrency(limit=2)]
    assert main.rate_limit == inngest.RateLimit(limit=5, period=timedelta(minutes=1))
    assert main.cancel is None
    step = main.steps["step"]
    assert step.retries is not None
    assert step.retries.attempts == 3
    assert (step.id, step.name, step.runtime.type) == ("step", "step", "http")
    assert step.runtime.url == f"{URL}?fnId=app-fn&stepId=step"
    assert on_failure is not None
    assert (on_failure.id, on_failure.name) == ("app-fn-failure", "Weekly (failure)")
    assert [type(each) for each in on_failure.triggers] == [inngest.TriggerEvent]


def test_the_configuration_of_a_function_is_told_as_it_is_registered() -> None:
    made = a_client().create_function(
        fn_id="fn",
        trigger=GO,
        batch_events=inngest.Batch(max_size=2, timeout=timedelta(seconds=5)),
    )(lambda ctx: None)
    assert made.get_config(URL).on_failure is None
    assert made.get_config(URL).main.to_dict() == {
        "id": "app-fn",
        "name": "fn",
        "batchEvents": {"maxSize": 2, "timeout": "5s"},
        "triggers": [{"event": "test/go"}],
        "steps": {
            "step": {
                "id": "step",
                "name": "step",
                "runtime": {"type": "http", "url": f"{URL}?fnId=app-fn&stepId=step"},
            }
        },
    }


@pytest.mark.parametrize("name", ["api_base_url", "event_api_base_url", "event_key", "env"])
def test_what_a_setting_leaves_empty_is_not_given(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``Inngest(api_base_url=os.getenv("BASE_URL", ""))``."""
    monkeypatch.setenv("INNGEST_DEV", "1")
    options: dict[str, Any] = {name: ""}
    client, plain = inngest.Inngest(app_id="app", **options), inngest.Inngest(app_id="app")
    for each in ("api_origin", "event_api_origin", "env"):
        assert getattr(client, each) == getattr(plain, each)


def test_a_client_names_the_default_origins_as_ever() -> None:
    plain = inngest.Inngest(app_id="app", is_production=True)
    assert plain.api_origin == "https://api.inngest.com/"
    assert plain.event_api_origin == "https://inn.gs/"
    assert a_client().api_origin == a_client().event_api_origin == "http://127.0.0.1:8288/"
    for given in ("http://h:1", "http://h:1/"):
        client = inngest.Inngest(
            app_id="app", is_production=False, api_base_url=given, event_api_base_url=given
        )
        assert client.api_origin == client.event_api_origin == given


def test_a_url_of_blanks_is_still_refused() -> None:
    with pytest.raises(URLInvalidError):
        inngest.Inngest(app_id="app", is_production=False, api_base_url=" ")


def test_the_signatures_of_options_say_what_they_take() -> None:
    for kind, names in (
        (inngest.Batch, ["max_size", "timeout", "key", "if_exp"]),
        (inngest.Throttle, ["key", "limit", "period", "burst"]),
        (inngest.SendEventsResult, ["error", "ids"]),
    ):
        fresh: Any = type(kind.__name__, (kind,), {})  # which nobody has made one of
        assert set(inspect.signature(fresh).parameters) == set(names)
    burst = inspect.signature(inngest.Throttle).parameters["burst"]
    assert (burst.default, burst.kind) == (1, inspect.Parameter.KEYWORD_ONLY)


def test_what_was_sent_is_read_and_written_like_other_models() -> None:
    """Stores of an app keep it."""
    result = inngest.SendEventsResult(ids=["1"])
    assert inngest.SendEventsResult.from_raw({"ids": ["1"], "status": 200}) == result
    assert result.to_dict() == {"ids": ["1"]}
    assert isinstance(inngest.SendEventsResult.from_raw({"ids": 1}), Exception)


def test_the_serializer_of_pydantic_is_one() -> None:
    assert inngest.Serializer in inngest.PydanticSerializer.__mro__


def test_packages_find_the_names_of_headers() -> None:
    from inngest._internal.server_lib import HeaderKey

    assert HeaderKey.SIGNATURE.value == "x-inngest-signature"
    assert HeaderKey.REQUEST_VERSION.value == "x-inngest-req-version"


@pytest.mark.parametrize("data", [{"n": float("nan")}, {"n": [float("inf")]}, {"n": object()}])
def test_events_that_cannot_be_json_are_a_value_error(data: dict[str, Any]) -> None:
    """As apps catch it that were written when an HTTP library raised it."""
    client = a_client()
    with pytest.raises(ValueError, match=r"data\.n") as raised:
        client.send_sync(inngest.Event(name="a", data=data))
    assert isinstance(raised.value, SendEventsError)
    with pytest.raises(ValueError, match=r"data\.n"):
        asyncio.run(client.send(inngest.Event(name="a", data=data)))


@pytest.mark.parametrize(
    ("is_production", "kind", "text"),
    [
        (True, "dev", "Sync rejected since it's from a Dev Server but expected Cloud"),
        (False, "cloud", "Sync rejected since it's from Cloud but expected Dev Server"),
    ],
)
def test_a_sync_by_a_server_of_the_wrong_kind_is_told_why(
    is_production: bool, kind: str, text: str
) -> None:
    client = inngest.Inngest(app_id="app", is_production=is_production, signing_key="ab")
    function = client.create_function(fn_id="fn", trigger=GO)(lambda ctx: None)
    handler = Handler(client, [function], ServeOptions(framework="x"))
    request = CommRequest(
        method="PUT", url=URL, headers={"x-inngest-server-kind": kind}, query={}, body=b""
    )
    answer = handler.handle_sync(request)
    assert (answer.status, json.loads(answer.body)["message"]) == (400, text)


def test_the_environment_is_asked_when_functions_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Tests set it around ``serve``, and take it back."""
    client = inngest.Inngest(app_id="app", signing_key="ab", is_production=True)
    function = client.create_function(fn_id="fn", trigger=GO)(lambda ctx: None)
    client._http = mock.Mock()
    client._http.fetch.return_value = Response(status=200, headers={}, body=b'{"ok":true}')
    with monkeypatch.context() as around:
        around.setenv("INNGEST_STREAMING", "force")
        around.setenv("INNGEST_ENABLE_UNAUTHED_SYNC", "true")
        handler = Handler(client, [function], ServeOptions(framework="x"))
    assert handler.is_streaming
    request = CommRequest(method="PUT", url=URL, headers={}, query={}, body=b"")
    assert handler.handle_sync(request).status == 200


def test_middleware_changes_the_event_and_each_of_the_batch(world: World) -> None:
    """The first of the batch is not changed twice, as it is where the two are one."""

    class Reading(inngest.MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            for event in [ctx.event, *ctx.events]:
                event.data["text"] = event.data["text"][::-1]

    def body(ctx: Any) -> Steps:
        yield from ()
        return [event.data["text"] for event in [ctx.event, *ctx.events]]

    world.client.add_middleware(Reading)
    world.function(body)
    assert world.call(event={"data": {"text": "terces"}}).body == ["secret", "secret"]


class Order:
    """A type that only the app's middleware can encode."""

    def __init__(self, number: str) -> None:
        self.number = number


class OrdersAsJSON(inngest.MiddlewareSync):
    def transform_input(self, ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
        for memo in steps.values():
            if isinstance(memo.data, dict):
                memo.data = Order(**memo.data)

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        if isinstance(result.output, Order):
            result.output = vars(result.output)


def test_middleware_makes_json_of_what_a_step_gives(world: World) -> None:
    def body(ctx: Any) -> Steps:
        order: Any = yield ctx.step.run("a", world.step(lambda: Order("o-1")))
        return [type(order).__name__, order.number]

    world.client.add_middleware(OrdersAsJSON)
    world.function(body)
    reply = world.call()
    assert [(op["op"], op["data"]) for op in reply.body] == [("StepRun", {"number": "o-1"})]
    assert world.play().body == ["Order", "o-1"]


class Failing(inngest.MiddlewareSync):
    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        json.dumps(result.output)


class Indifferent(inngest.MiddlewareSync):
    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        pass


@pytest.mark.parametrize("middleware", [Failing, Indifferent])
def test_an_output_that_no_middleware_makes_json_of_fails_its_step(
    world: World, middleware: type[inngest.MiddlewareSync]
) -> None:
    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(lambda: Order("o-1")))

    world.client.add_middleware(middleware)
    world.function(body)
    (op,) = world.call().body
    assert (op["op"], op["error"]["code"]) == ("StepFailed", "output_unserializable")
    assert 'step "a": a value of type Order cannot be stored' in op["error"]["message"]


def test_an_error_that_is_stored_for_a_wait_is_a_step_error(world: World) -> None:
    def body(ctx: Any) -> Steps:
        try:
            yield ctx.step.wait_for_event("wait", event="x", timeout=1000)
        except inngest.StepError as error:
            return [error.name, error.message]

    world.function(body)
    stored = {"error": {"name": "GoneError", "message": "gone"}}
    wait = hashlib.sha1(b"wait").hexdigest()
    assert world.call(memos={wait: stored}).body == ["GoneError", "gone"]


def test_hooks_may_name_their_arguments_as_they_like(world: World) -> None:
    class Hooks(inngest.MiddlewareSync):
        def transform_input(self, context: Any, fn: Any, memos: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            world.log.append((fn.local_id, memos.size))

        def transform_output(self, output: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            world.log.append(output.output)

        def before_send_events(self, outgoing: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            world.log.append(len(outgoing))

    def body(ctx: Any) -> Steps:
        yield from ()
        return "done"

    world.client.add_middleware(Hooks)
    world.function(body)
    assert world.play().body == "done"
    assert world.log == [("fn", 0), "done"]


def test_a_handler_is_tested_without_a_server() -> None:
    """Tests call ``function._handler`` with a context of mocks."""

    async def one() -> int:
        return 1

    async def handler(ctx: inngest.Context) -> int:
        return await ctx.step.run("one", one)

    class FakeStep:
        async def run(self, step_id: str, work: Callable[..., Any], *args: Any) -> Any:
            result = work(*args)
            return await result if inspect.isawaitable(result) else result

    class FakeContext:
        step = FakeStep()

    looked_at: Any = a_client().create_function(fn_id="fn", trigger=GO)(handler)
    assert asyncio.run(looked_at._handler(FakeContext())) == 1


def test_contexts_and_clients_are_mocked_by_their_classes() -> None:
    event = mock.MagicMock(spec=inngest.Event)
    event.data = {"n": 1}
    ctx = mock.MagicMock(spec=inngest.Context)
    ctx.event = event
    assert isinstance(ctx, inngest.Context)
    assert ctx.event.data == {"n": 1}
    client = mock.MagicMock(spec=inngest.Inngest)
    assert isinstance(client.send, mock.AsyncMock)
    assert not isinstance(client.send_sync, mock.AsyncMock)
    step = mock.create_autospec(inngest.Step, instance=True)
    step.run.return_value = 3
    assert asyncio.run(step.run("one", print)) == 3


def test_what_a_client_sends_is_replaced() -> None:
    client, event = a_client(), inngest.Event(name="test/go")
    with mock.patch.object(client, "send", new_callable=mock.AsyncMock) as send:
        send.return_value = ["id"]
        assert asyncio.run(client.send(event)) == ["id"]
    send.assert_awaited_once_with(event)
    with mock.patch.object(inngest.Inngest, "send_sync", return_value=["id"]):
        assert client.send_sync(event) == ["id"]
    with mock.patch("inngest.Inngest") as kind:
        assert inngest.Inngest is kind
    assert isinstance(client, inngest.Inngest)


def test_what_is_bound_around_steps_is_unbound_where_a_call_ends(world: World) -> None:
    """``ContextVar.reset`` wants the context that ``set`` was called in."""
    bound: contextvars.ContextVar[str] = contextvars.ContextVar("bound")

    @contextlib.contextmanager
    def binding() -> Iterator[None]:
        token = bound.set("here")
        try:
            yield
        finally:
            bound.reset(token)
            world.log.append("unbound")

    def sync(ctx: Any) -> Any:
        with binding():
            found = ctx.step.run("one", bound.get)
            ctx.step.sleep("a while", 1000)
        return found

    async def asynchronous(ctx: Any) -> Any:
        with binding():
            found = await ctx.step.run("one", bound.get)
            await ctx.step.sleep("a while", 1000)
        return found

    handler: Any = asynchronous if world.is_async else sync
    world.functions.append(world.client.create_function(fn_id="fn", trigger=GO)(handler))
    assert world.play().body == "here"
    assert world.log == ["unbound"] * 3
