"""The middleware contract, in every world: hooks, onion, order, failures, observers."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import hashlib
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import flask
import pytest

import inngest
from inngest import Event, Middleware, MiddlewareSync, TransformOutputResult
from inngest._internal.http.checkpoints import NoCheckpoints
from inngest.middleware import (
    Opcode,
    StepInfo,
    WrappedFunction,
    WrappedHandler,
    WrappedRequest,
    WrappedStep,
)

from .conftest import Make
from .worlds import Reply, World

Steps = Generator[Any, Any, Any]
COLOURS = ("async", "sync")
VAR: contextvars.ContextVar[str] = contextvars.ContextVar("test_middleware", default="unset")


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode()).hexdigest()


class Noting(MiddlewareSync):
    """Records all hooks."""

    log: list[Any]
    name: str

    def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
        self.log.append(f"{self.name} transform_input {function.local_id} {steps.size}")

    def before_execution(self) -> None:
        self.log.append(f"{self.name} before_execution")

    def after_execution(self) -> None:
        self.log.append(f"{self.name} after_execution")

    def transform_output(self, result: TransformOutputResult) -> None:
        step = result.step.id if result.step else None
        self.log.append(f"{self.name} transform_output {step}")

    def before_response(self) -> None:
        self.log.append(f"{self.name} before_response")

    def wrap_request(self, request: WrappedRequest) -> Iterator[None]:
        self.log.append(f"{self.name} request")
        yield
        self.log.append(f"{self.name} request {request.status}")

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        self.log.append(f"{self.name} function")
        yield
        self.log.append(f"{self.name} function {call.output if call.has_output else 'stopped'}")

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        self.log.append(f"{self.name} step {step.info.id} {step.info.is_memoized}")
        yield
        self.log.append(f"{self.name} step {step.info.id} {step.output}")

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        self.log.append(f"{self.name} handler {step.info.id}")
        yield
        self.log.append(f"{self.name} handler {step.info.id} {step.output}")

    def on_memoization_end(self) -> None:
        self.log.append(f"{self.name} on_memoization_end")

    def on_step_start(self, step: StepInfo) -> None:
        self.log.append(f"{self.name} on_step_start {step.id}")

    def on_step_complete(self, step: StepInfo) -> None:
        self.log.append(f"{self.name} on_step_complete {step.id}")


def noting(log: list[Any], name: str, colour: str) -> Any:
    """Make middleware, sync or async, that records all hooks."""
    given = {"log": log, "name": name}
    if colour == "sync":
        return type("Sync", (Noting,), given)
    hooks = {hook: awaiting(hook) for hook, is_hook in vars(Noting).items() if callable(is_hook)}
    return type("Async", (Middleware,), hooks | given)


def awaiting(hook: str) -> Any:
    """Return an async version of a hook."""
    plain = getattr(Noting, hook)

    async def run(self: Any, *args: Any) -> None:
        await asyncio.sleep(0)
        plain(self, *args)

    async def wrap(self: Any, record: Any) -> AsyncIterator[None]:
        await asyncio.sleep(0)
        inner = plain(self, record)
        next(inner)
        yield
        await asyncio.sleep(0)
        next(inner, None)

    return wrap if hook.startswith("wrap_") else run


@pytest.fixture(params=COLOURS)
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def one_step(world: World) -> Callable[[Any], Steps]:
    def body(ctx: Any) -> Steps:
        world.log.append("function")
        value = yield ctx.step.run("a", world.step(lambda: "A", "handler"))
        world.log.append("after a")
        return value

    return body


def test_hooks_of_a_step_that_is_run(world: World, colour: str) -> None:
    world.client.middleware = [noting(world.log, "1", colour), noting(world.log, "2", colour)]
    world.function(one_step(world))
    assert world.call().ops == [("StepRun", "a")]
    assert world.log == [
        "1 request",
        "2 request",
        "1 transform_input fn 0",
        "2 transform_input fn 0",
        "1 function",
        "2 function",
        "1 before_execution",
        "2 before_execution",
        "1 on_memoization_end",
        "2 on_memoization_end",
        "function",
        "2 step a False",
        "1 step a False",
        "1 on_step_start a",
        "2 on_step_start a",
        "1 handler a",
        "2 handler a",
        "handler",
        "2 handler a A",
        "1 handler a A",
        "1 on_step_complete a",
        "2 on_step_complete a",
        "1 step a A",
        "2 step a A",
        "2 after_execution",
        "1 after_execution",
        "2 function stopped",
        "1 function stopped",
        "2 transform_output a",
        "1 transform_output a",
        "2 before_response",
        "1 before_response",
        "2 request 206",
        "1 request 206",
    ]


def test_hooks_of_a_step_that_is_replayed(world: World, colour: str) -> None:
    world.client.add_middleware(noting(world.log, "1", colour))
    world.function(one_step(world))
    reply = world.call(memos={hashed("a"): {"data": "stored"}})
    assert (reply.status, reply.body) == (200, "stored")
    assert world.log == [
        "1 request",
        "1 transform_input fn 1",
        "1 function",
        "function",
        "1 before_execution",
        "1 on_memoization_end",
        "1 step a True",
        "1 step a stored",
        "after a",
        "1 after_execution",
        "1 function stored",
        "1 transform_output None",
        "1 before_response",
        "1 request 200",
    ]


def test_the_functions_own_middleware_is_inside_the_clients(world: World, colour: str) -> None:
    world.client.add_middleware(noting(world.log, "client", colour))
    world.function(one_step(world), middleware=[noting(world.log, "function", colour)])
    world.call()
    assert [line for line in world.log if "transform" in line] == [
        "client transform_input fn 0",
        "function transform_input fn 0",
        "function transform_output a",
        "client transform_output a",
    ]


def parallel(world: World) -> Callable[[Any], Steps]:
    def branch(name: str) -> Callable[[Any], Steps]:
        def body(ctx: Any) -> Steps:
            return (yield ctx.step.run(name, world.step(lambda: name)))

        return body

    def body(ctx: Any) -> Steps:
        branches = tuple(world.branch(branch(name), ctx) for name in "ab")
        return list((yield ctx.group.parallel(branches)))

    return body


def test_every_hook_runs_on_the_parallel_and_the_targeted_path(world: World, colour: str) -> None:
    world.client.add_middleware(noting(world.log, "1", colour))
    world.function(parallel(world))
    assert world.call().ops == [("StepPlanned", "a"), ("StepPlanned", "b")]
    assert "1 transform_output a" in world.log
    assert "1 transform_output b" in world.log
    assert "1 after_execution" in world.log
    world.log.clear()
    assert world.call(target=hashed("b")).ops == [("StepRun", "b")]
    assert "1 before_execution" in world.log
    assert "1 handler b b" in world.log
    assert "1 transform_output b" in world.log
    world.log.clear()
    memos = {hashed("a"): {"data": 1}, hashed("b"): {"data": 2}}
    assert world.call(memos=memos).body == [1, 2]
    assert world.log.count("1 before_execution") == 1
    assert world.log.count("1 on_memoization_end") == 1


def test_the_order_does_not_depend_on_the_colour(world: World) -> None:
    world.client.middleware = [noting(world.log, "1", "async"), noting(world.log, "2", "sync")]
    world.function(one_step(world))
    world.call()
    mixed = list(world.log)
    world.log.clear()
    world.client.middleware = [noting(world.log, "1", "sync"), noting(world.log, "2", "async")]
    world.call()
    assert world.log == mixed


class Encrypting(MiddlewareSync):
    """Encrypts with ``transform_input`` and ``transform_output``, as existing apps do."""

    def transform_input(
        self, ctx: Any, function: inngest.Function[Any], steps: inngest.StepMemos
    ) -> None:
        for output in steps.values():
            if isinstance(output.data, dict) and "sealed" in output.data:
                output.data = json.loads(output.data["sealed"][::-1])
        ctx.event.data = {"opened": True, **ctx.event.data}

    def transform_output(self, result: TransformOutputResult) -> None:
        if result.step is not None and result.step.op is Opcode.INVOKE:
            assert result.step.opts is not None
            payload: Any = result.step.opts["payload"]
            result.step.opts["payload"] = {**payload, "data": seal(payload["data"])}
        if result.has_output():
            result.output = seal(result.output)


class EncryptingByWraps(Middleware):
    """Encrypts with the wrapping hooks."""

    async def wrap_step(self, step: WrappedStep) -> AsyncIterator[None]:
        yield
        if isinstance(step.output, dict) and "sealed" in step.output:
            step.output = json.loads(step.output["sealed"][::-1])

    async def wrap_step_handler(self, step: WrappedHandler) -> AsyncIterator[None]:
        yield
        step.output = seal(step.output)

    async def wrap_function(self, call: WrappedFunction) -> AsyncIterator[None]:
        yield
        if call.has_output:
            call.output = seal(call.output)


def seal(value: object) -> object:
    return {"sealed": json.dumps(value)[::-1]}


def test_values_are_stored_encoded_and_read_decoded(world: World) -> None:
    def work() -> datetime.date:
        return datetime.date(2026, 1, 2)

    def body(ctx: Any) -> Steps:
        day = yield ctx.step.run("a", world.step(work))
        assert isinstance(day, datetime.date)
        again = yield ctx.step.run("b", world.step(work))
        return [day.year, again.year]

    world.function(body)
    for middleware in (Encrypting, EncryptingByWraps):
        world.client.middleware = [middleware]
        assert world.call().body[0]["data"] == seal("2026-01-02")
        assert world.play().body == seal([2026, 2026])


def coder(mark: str) -> Any:
    """Make middleware that puts values into a container, which no other middleware can open."""

    class Boxing(MiddlewareSync):
        def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
            yield
            step.output = {mark: step.output}

        def wrap_step(self, step: WrappedStep) -> Iterator[None]:
            yield
            assert isinstance(step.output, dict)
            step.output = step.output[mark]

    return Boxing


def test_what_several_encode_is_decoded_the_other_way_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def body(ctx: Any) -> Steps:
        first = yield ctx.step.run("a", world.step(lambda: 1))
        second = yield ctx.step.run("b", world.step(lambda: 2))
        return [first, second]

    world.client.middleware = [coder("outer"), coder("inner")]
    world.function(body)
    assert world.call().body[0]["data"] == {"outer": {"inner": 1}}
    assert world.play().body == [1, 2]

    def keep(*args: Any) -> Generator[Any, Any, None]:
        yield from ()

    monkeypatch.setattr(NoCheckpoints, "keep", keep)
    assert world.call().body == [1, 2]  # live, all in one call


def test_what_is_invoked_is_transformed_alone_and_in_parallel(world: World) -> None:
    world.client.middleware = [Encrypting]
    child = world.function(one_step(world), "child")

    def invoking(name: str) -> Callable[[Any], Steps]:
        def body(ctx: Any) -> Steps:
            return (yield ctx.step.invoke(name, function=child, data={"secret": 1}))

        return body

    def both(ctx: Any) -> Steps:
        branches = tuple(world.branch(invoking(name), ctx) for name in "ab")
        return list((yield ctx.group.parallel(branches)))

    alone, together = world.function(invoking("a"), "alone"), world.function(both, "together")
    for function, count in ((alone, 1), (together, 2)):
        reply = world.call(function)
        assert len(reply.body) == count
        assert "secret" not in json.dumps(reply.body)
        assert all(op["opts"]["payload"]["data"] == seal({"secret": 1}) for op in reply.body)


def test_input_can_be_changed(world: World) -> None:
    class Changing(MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
            ctx.event.data = {"n": 2}
            ctx.extra = "mine"
            assert steps.pop(hashed("a")).data == 1  # type: ignore[union-attr]

    def body(ctx: Any) -> Steps:
        assert ctx.event.data == {"n": 2}
        assert ctx.extra == "mine"
        return (yield ctx.step.run("a", world.step(lambda: 7)))

    world.client.middleware = [Changing]
    world.function(body)
    assert world.call(memos={hashed("a"): {"data": 1}}).body[0]["data"] == 7


class Alien:
    """Middleware that is not derived from the library's classes."""

    def before_execution(self) -> None: ...


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, "it returned None"),
        (42, "it returned an object of int, which is not middleware"),
        (Noting, "it returned the class Noting, not an instance of it"),
        ([], "it returned an object of list, which is not middleware"),
    ],
)
def test_a_factory_that_makes_no_middleware_fails_the_call(
    world: World, made: object, said: str
) -> None:
    """Its hooks would be missed in silence: those of encryption, say."""

    def build(client: object, raw_request: object) -> Any:
        return made

    def body(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step(lambda: 7)))

    world.client.middleware = [build]
    world.function(body)
    reply = world.call()
    assert reply.status == 500
    assert reply.body["message"] == f"the middleware hook build() failed: TypeError: {said}"


def test_a_middleware_need_not_be_derived_from_ours(world: World) -> None:
    def body(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step(lambda: 7)))

    world.client.middleware = [lambda client, raw_request: Alien()]  # type: ignore[list-item,return-value]
    world.function(body)
    assert world.call().body[0]["data"] == 7


FAILING = [
    "__init__",
    "transform_input",
    "before_execution",
    "after_execution",
    "transform_output",
    "before_response",
    "wrap_request",
    "wrap_function",
]


def failing(hook: str, colour: str, when: str = "enter", error: Exception | None = None) -> Any:
    raised = error or ValueError("secret-free")

    def fail(self: Any, *args: Any) -> Any:
        raise raised

    async def fail_async(self: Any, *args: Any) -> Any:
        raise raised

    def wrap(self: Any, record: Any) -> Iterator[None]:
        if when == "enter":
            raise raised
        yield
        raise raised

    async def wrap_async(self: Any, record: Any) -> AsyncIterator[None]:
        if when == "enter":
            raise raised
        yield
        raise raised

    if hook.startswith("wrap_"):
        made: Any = wrap_async if colour == "async" else wrap
    else:
        made = fail_async if colour == "async" and hook != "__init__" else fail
    return type("Failing", (Middleware if colour == "async" else MiddlewareSync,), {hook: made})


@pytest.mark.parametrize("when", ["enter", "leave"])
@pytest.mark.parametrize("hook", FAILING)
def test_a_hook_that_raises_is_named_and_nothing_is_reported(
    world: World, colour: str, hook: str, when: str
) -> None:
    world.client.middleware = [failing(hook, colour, when)]
    world.function(one_step(world))
    for memos in ({}, {hashed("a"): {"data": 1}}):
        reply = world.call(memos=memos)
        assert reply.status == 500
        assert reply.body["code"] == "middleware_failed"
        assert "Failing" in reply.body["message"]
        assert hook == "__init__" or hook in reply.body["message"]
        assert "ValueError: secret-free" in reply.body["message"]
        assert "x-inngest-no-retry" not in reply.headers
        assert reply.headers["x-inngest-sdk"]


def test_a_hook_can_fail_for_good(world: World, colour: str) -> None:
    error = inngest.NonRetriableError("never")
    world.client.middleware = [failing("transform_input", colour, error=error)]
    world.function(one_step(world))
    assert world.call().headers["x-inngest-no-retry"] == "true"


@pytest.mark.parametrize("when", ["enter", "leave"])
def test_a_failing_wrap_of_a_handler_fails_the_step(world: World, colour: str, when: str) -> None:
    world.client.middleware = [failing("wrap_step_handler", colour, when)]
    world.function(one_step(world))
    reply = world.call()
    assert reply.ops == [("StepError", "a")]
    assert "Failing.wrap_step_handler" in reply.body[0]["error"]["message"]


def test_a_failing_wrap_of_a_step_ends_the_call_and_cannot_be_caught(
    world: World, colour: str
) -> None:
    def body(ctx: Any) -> Steps:
        try:
            return (yield ctx.step.run("a", world.step()))
        except Exception as error:
            return f"caught {error!r}"

    world.client.middleware = [failing("wrap_step", colour)]
    world.function(body)
    for memos in ({}, {hashed("a"): {"data": 1}}):
        reply = world.call(memos=memos)
        assert (reply.status, reply.body["code"]) == (500, "middleware_failed")
        assert "Failing.wrap_step" in reply.body["message"]


def test_a_wrap_that_is_no_generator_is_told_what_it_should_be(world: World) -> None:
    class Plain(MiddlewareSync):
        def wrap_function(self, call: WrappedFunction) -> Any:
            return None

    class Coroutine(Middleware):
        async def wrap_function(self, call: WrappedFunction) -> None:  # type: ignore[override]
            return None

    world.function(one_step(world))
    for middleware in (Plain, Coroutine):
        world.client.middleware = [middleware]
        assert "one yield" in world.call().body["message"]


def test_observers_change_nothing(
    world: World, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = ("on_memoization_end", "on_step_start", "on_step_complete")
    world.client.middleware = [failing(hook, colour) for hook in hooks]
    world.function(one_step(world))
    with caplog.at_level(logging.ERROR):
        assert world.call().ops == [("StepRun", "a")]
    assert [record.getMessage() for record in caplog.records] == [
        f"Failing.{hook} failed" for hook in hooks
    ]


@pytest.mark.parametrize(
    ("error", "attempt", "is_final"),
    [
        (ValueError("no"), 0, False),
        (ValueError("no"), 2, True),
        (inngest.NonRetriableError("no"), 0, True),
    ],
)
def test_an_observer_is_told_of_the_attempt_and_whether_it_was_the_last(
    world: World, error: Exception, attempt: int, is_final: bool
) -> None:
    seen: list[Any] = []

    class Observing(Middleware):
        async def on_step_start(self, step: StepInfo) -> None:
            seen.append(("start", step.attempt))

        async def on_step_error(self, step: StepInfo, error: Exception) -> None:
            seen.append((step.id, step.attempt, step.is_final_attempt, error))

    def fail() -> None:
        raise error

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(fail))

    world.client.middleware = [Observing]
    world.function(body)
    world.call(attempt=attempt, max_attempts=3)
    assert seen == [("start", attempt), ("a", attempt, is_final, error)]


def test_a_wrap_sees_an_error_and_may_translate_or_swallow_it(world: World, colour: str) -> None:
    seen: list[str] = []

    class Translating(MiddlewareSync):
        def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
            try:
                yield
            except ValueError as error:
                seen.append(str(error))
                raise inngest.NonRetriableError("translated") from error

        def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
            try:
                yield
            except inngest.StepError as error:
                seen.append(error.message)
                call.output = "rescued"

    class TranslatingLater(Middleware):
        async def wrap_step_handler(self, step: WrappedHandler) -> AsyncIterator[None]:
            try:
                yield
            except ValueError as error:
                seen.append(str(error))
                raise inngest.NonRetriableError("translated") from error

        async def wrap_function(self, call: WrappedFunction) -> AsyncIterator[None]:
            try:
                yield
            except inngest.StepError as error:
                seen.append(error.message)
                call.output = "rescued"

    def fail() -> None:
        raise ValueError("original")

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(fail))

    world.client.middleware = [Translating if colour == "sync" else TranslatingLater]
    world.function(body)
    reply = world.play()
    assert (reply.status, reply.body) == (200, "rescued")
    assert seen == ["original", "translated"]


def test_a_wrap_can_put_another_handler_in_place(world: World) -> None:
    class Stubbing(MiddlewareSync):
        def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
            step.handler, step.args = (lambda n: n + 1), (1,)
            yield

    world.client.middleware = [Stubbing]
    world.function(one_step(world))
    assert world.call().body[0]["data"] == 2
    assert "handler" not in world.log


def test_transform_output_can_replace_errors(world: World) -> None:
    class Replacing(MiddlewareSync):
        def transform_output(self, result: TransformOutputResult) -> None:
            if result.error is not None:
                result.error = inngest.NonRetriableError("replaced")
            elif result.output == "rescue":
                result.error = RuntimeError("made up")

    def fail() -> None:
        raise ValueError("original")

    def failing_step(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(fail))

    def failing_function(ctx: Any) -> Steps:
        yield from ()
        raise ValueError("original")

    def succeeding(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(lambda: "rescue"))

    world.client.middleware = [Replacing]
    step, function, made_up = (
        world.function(body, fn_id)
        for body, fn_id in ((failing_step, "a"), (failing_function, "b"), (succeeding, "c"))
    )
    reply = world.call(step)
    assert reply.ops == [("StepFailed", "a")]
    assert reply.body[0]["error"]["message"] == "replaced"
    reply = world.call(function)
    assert (reply.body["message"], reply.headers["x-inngest-no-retry"]) == ("replaced", "true")
    assert world.call(made_up).ops == [("StepError", "a")]


@pytest.mark.parametrize(
    "error",
    [
        inngest.NonRetriableError("never"),
        inngest.RetryAfterError("later", datetime.timedelta(minutes=5)),
    ],
)
def test_a_failure_that_transform_output_makes_good_is_no_failure(
    world: World, error: Exception
) -> None:
    class Healing(MiddlewareSync):
        def transform_output(self, result: TransformOutputResult) -> None:
            if result.step is not None:
                result.error, result.output = None, "healed"

    def fail() -> None:
        raise error

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(fail))

    world.client.middleware = [Healing]
    reply = world.call(world.function(body))
    assert reply.ops == [("StepRun", "a")]
    assert reply.body[0]["data"] == "healed"
    assert not {"x-inngest-no-retry", "retry-after"} & set(reply.headers)


def test_after_execution_is_not_called_after_an_exception_of_the_function(
    world: World, colour: str
) -> None:
    def body(ctx: Any) -> Steps:
        yield from ()
        raise ValueError("no")

    world.client.add_middleware(noting(world.log, "1", colour))
    world.function(body)
    assert world.call().status == 500
    assert "1 before_execution" in world.log
    assert "1 after_execution" not in world.log
    assert "1 transform_output None" in world.log
    assert "1 before_response" in world.log


def test_each_request_has_its_own_middleware(world: World) -> None:
    made: list[Any] = []

    def factory(client: inngest.Inngest, raw_request: object) -> MiddlewareSync:
        made.append((client, raw_request is not None))
        return MiddlewareSync(client, raw_request)

    world.client.middleware = [factory]
    world.function(one_step(world))
    world.call()
    world.call()
    assert made == [(world.client, True)] * 2


def test_what_a_hook_sets_in_the_context_is_seen_by_function_and_steps(
    world: World, colour: str
) -> None:
    class Setting(MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            VAR.set("input")

        def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
            world.log.append(VAR.get())
            token = VAR.set("function")
            yield
            VAR.reset(token)
            world.log.append(VAR.get())

        def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
            token = VAR.set("step")
            yield
            VAR.reset(token)

    class SettingLater(Middleware):
        async def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            await asyncio.sleep(0)
            VAR.set("input")

        async def wrap_function(self, call: WrappedFunction) -> AsyncIterator[None]:
            await asyncio.sleep(0)
            world.log.append(VAR.get())
            token = VAR.set("function")
            yield
            await asyncio.sleep(0)
            VAR.reset(token)
            world.log.append(VAR.get())

        async def wrap_step_handler(self, step: WrappedHandler) -> AsyncIterator[None]:
            token = VAR.set("step")
            yield
            VAR.reset(token)

    def body(ctx: Any) -> Steps:
        world.log.append(VAR.get())
        return (yield ctx.step.run("a", world.step(VAR.get)))

    world.client.middleware = [Setting if colour == "sync" else SettingLater]
    world.function(body)
    reply = world.call()
    assert reply.body[0].get("data") == "step", reply
    assert world.log == ["input", "function", "input"]
    assert VAR.get() == "unset"


def test_a_hook_may_reset_what_it_set_even_if_nothing_else_is_set(world: World) -> None:
    class Setting(Middleware):
        async def wrap_function(self, call: WrappedFunction) -> AsyncIterator[None]:
            token = VAR.set("function")
            yield
            VAR.reset(token)

    world.client.middleware = [Setting]
    world.function(one_step(world))
    assert contextvars.Context().run(world.call).ops == [("StepRun", "a")]


def test_a_factory_that_returns_nothing_is_named(world: World) -> None:
    def forgetful(client: inngest.Inngest, raw_request: object) -> Any:
        return None

    world.client.middleware = [forgetful]
    world.function(one_step(world))
    assert "forgetful() failed: TypeError" in world.call().body["message"]


def test_a_wrap_of_a_step_that_fails_after_it_ran_loses_no_result(
    world: World, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.client.middleware = [failing("wrap_step", colour, "leave")]
    world.function(one_step(world))
    assert world.call().ops == [("StepRun", "a")]
    assert "Failing.wrap_step" in caplog.text
    assert world.call(memos={hashed("a"): {"data": "A"}}).body["code"] == "middleware_failed"


def test_hooks_run_where_the_function_runs(world: World, colour: str) -> None:
    """A sync hook of a sync function closes the connections of the function's thread."""
    threads: dict[str, int] = {}

    class Closing(MiddlewareSync):
        def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
            threads["before"] = threading.get_ident()
            yield
            threads["after"] = threading.get_ident()

    def body(ctx: Any) -> Steps:
        threads["function"] = threading.get_ident()
        return (yield ctx.step.run("a", world.step()))

    world.client.middleware = [Closing, noting(world.log, "1", colour)]
    world.function(body)
    assert world.call().status == 206
    assert len(set(threads.values())) == 1
    if world.way == "loop" and not world.is_async:
        assert threads["function"] != threading.get_ident()


def test_an_async_hook_runs_on_the_loop_of_the_framework() -> None:
    world = World("sync", "loop")
    loops: list[Any] = []

    class Remembering(Middleware):
        async def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            loops.append((asyncio.get_running_loop(), threading.get_ident()))

        async def wrap_step_handler(self, step: WrappedHandler) -> AsyncIterator[None]:
            loops.append((asyncio.get_running_loop(), threading.get_ident()))
            yield
            loops.append((asyncio.get_running_loop(), threading.get_ident()))

    world.client.middleware = [Remembering]
    world.function(one_step(world))
    assert world.call().status == 206
    assert len(loops) == 3
    assert len({thread for _, thread in loops}) == 1
    assert loops[0][1] == threading.get_ident()


def test_the_raw_request_is_the_frameworks(world: World) -> None:
    raws: list[object] = []

    class Raw(MiddlewareSync):
        def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
            raws.append(self.raw_request)

    world.client.middleware = [Raw]
    world.function(one_step(world))
    world.call()
    assert isinstance(raws[0], flask.Request if world.way == "http" else str)


def test_a_request_shows_its_headers_and_whether_it_ends_the_run(world: World) -> None:
    ends: list[tuple[int | None, bool]] = []

    class Watching(MiddlewareSync):
        def wrap_request(self, request: WrappedRequest) -> Iterator[None]:
            assert request.headers["traceparent"] == "00-ab-cd-01"
            yield
            ends.append((request.status, request.ends_run))

    def failing_at_last(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(lambda: 1))
        raise ValueError

    def final(ctx: Any) -> Steps:
        yield from ()
        raise inngest.NonRetriableError

    def failing_step(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(lambda: 1 / 0))

    def deferring(ctx: Any) -> Steps:
        function: Any = inngest.reference_function(app_id="app", function_id="later")
        yield ctx.step.defer("later", function=function)
        return "done"

    world.client.middleware = [Watching]
    headers = {"traceparent": "00-ab-cd-01"}
    world.play(world.function(one_step(world)), headers=headers)
    assert ends == [(206, False), (200, True)]
    ends.clear()
    world.play(world.function(failing_at_last, "failing"), headers=headers, max_attempts=2)
    assert ends == [(206, False), (500, False), (500, True)]
    ends.clear()
    world.play(world.function(final, "final"), headers=headers)
    assert ends == [(500, True)]
    ends.clear()
    world.play(world.function(failing_step, "step"), headers=headers, max_attempts=1)
    assert ends == [(206, False), (500, True)]
    ends.clear()
    assert world.call(world.function(deferring, "deferring"), headers=headers).ops == [
        ("DeferAdd", "later"),
        ("RunComplete", "complete"),
    ]
    assert ends == [(206, True)]


def test_secrets_in_options_are_not_shown() -> None:
    step = StepInfo(id="a", hashed_id="h", op=Opcode.AI_GATEWAY, opts={"auth_key": "secret"})
    assert "secret" not in repr(step)


def reply_error(reply: Reply) -> str:
    return str(reply.body["message"])


@pytest.mark.parametrize(
    "encode",
    [
        lambda output: {"sealed": output},
        lambda output: json.dumps(output),
        lambda output: output if output is None else [output],
    ],
)
def test_hooks_may_encode_whatever_is_reported(make_world: Make, encode: Any) -> None:
    """Existing middleware does, though a sleep has no output, nor has a step that is planned."""

    class Encoding(MiddlewareSync):
        def transform_output(self, result: TransformOutputResult) -> None:
            world.log.append((result.step and result.step.op.value, result.has_output()))
            result.output = encode(result.output)

    world = make_world(middleware=[Encoding])

    def body(ctx: Any) -> Steps:
        yield ctx.step.sleep("sleep", 1000)
        yield ctx.step.wait_for_event("wait", event="x", timeout=1000)
        yield ctx.step.invoke_by_id("call", function_id="other")
        yield ctx.step.run("fail", world.step(lambda: 1 / 0))

    world.function(body)
    memos: dict[str, Any] = {}
    for step, data in (("sleep", None), ("wait", None), ("call", {"data": 1})):
        (op,) = world.call(memos=dict(memos)).body
        assert (op["displayName"], op["data"]) == (step, None)
        memos[hashed(step)] = data
    (op,) = world.call(memos=memos).body
    assert (op["op"], op["error"]["name"]) == ("StepError", "ZeroDivisionError")
    kinds = ("Sleep", "WaitForEvent", "InvokeFunction", "StepError")
    assert world.log == [(kind, False) for kind in kinds]


def test_events_that_are_not_valid_any_more_are_a_clear_error(make_world: Make) -> None:
    class Breaking(MiddlewareSync):
        def before_send_events(self, events: list[Event[Any]]) -> None:
            raise ValueError("no")

    world = make_world(middleware=[Breaking])

    def body(ctx: Any) -> Steps:
        yield ctx.step.send_event("send", Event(name="x"))

    world.function(body)
    reply = world.call()
    assert reply.ops == [("StepError", "send")]
    assert reply.body[0]["error"]["name"] == "ValueError"
    with pytest.raises(ValueError, match="no"):
        world.client.send_sync(Event(name="x"))
