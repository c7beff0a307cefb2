"""All public calls of core, with the types that both checkers must infer. It also runs."""

import datetime
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Any, Literal

import httpx
import pydantic
from typing_extensions import assert_type

import inngest
from inngest import fetching
from inngest.errors import SendEventsError
from inngest.experimental import ai, durable, get_step_context, realtime, set_step_context, step
from inngest.middleware import (
    StepInfo,
    WrappedFunction,
    WrappedHandler,
    WrappedRequest,
    WrappedSend,
    WrappedStep,
)

MINUTE = datetime.timedelta(minutes=1)


class OrderPlaced(pydantic.BaseModel):
    order_id: str
    amount: int


class Receipt(pydantic.BaseModel):
    text: str


order_placed = inngest.EventType("shop/order.placed", OrderPlaced)
assert_type(order_placed, inngest.EventType[OrderPlaced])
assert_type(order_placed.name, str)
assert_type(order_placed.model, type[OrderPlaced])


def ambient(steps: inngest.Step) -> None:
    """What code finds around it."""
    with set_step_context(steps):
        assert_type(get_step_context(), inngest.Step | inngest.StepSync)


class Audit(inngest.Middleware):
    """Every hook that may await."""

    async def transform_input(
        self,
        ctx: inngest.Context[Any] | inngest.ContextSync[Any],
        function: inngest.Function[Any],
        steps: inngest.StepMemos,
    ) -> None:
        assert_type(self.client, inngest.Inngest)
        assert_type(self.raw_request, object)
        assert_type(ctx.run_id, str)
        assert_type(function.id, str)
        assert_type(steps.size, int)

    async def before_execution(self) -> None: ...

    async def after_execution(self) -> None: ...

    async def transform_output(self, result: inngest.TransformOutputResult) -> None:
        assert_type(result.error, Exception | None)
        assert_type(result.output, object)
        assert_type(result.has_output(), bool)

    async def before_response(self) -> None: ...

    async def before_send_events(self, events: list[inngest.Event[Any]]) -> None: ...

    async def after_send_events(self, result: inngest.SendEventsResult) -> None:
        assert_type(result.ids, list[str])
        assert_type(result.error, str | None)

    async def wrap_request(self, request: WrappedRequest) -> AsyncIterator[None]:
        yield
        assert_type(request.status, int | None)

    async def wrap_function(self, call: WrappedFunction) -> AsyncIterator[None]:
        yield
        assert_type(call.output, object)

    async def wrap_step(self, step: WrappedStep) -> AsyncIterator[None]:
        yield
        assert_type(step.info, StepInfo)

    async def wrap_step_handler(self, step: WrappedHandler) -> AsyncIterator[None]:
        assert_type(step.args, tuple[object, ...])
        yield

    async def wrap_send(self, send: WrappedSend) -> AsyncIterator[None]:
        yield
        assert_type(send.result, inngest.SendEventsResult | None)

    async def on_memoization_end(self) -> None: ...

    async def on_step_start(self, step: StepInfo) -> None:
        assert_type(step.attempt, int)
        assert_type(step.is_final_attempt, bool)

    async def on_step_complete(self, step: StepInfo) -> None: ...

    async def on_step_error(self, step: StepInfo, error: Exception) -> None: ...


class AuditSync(inngest.MiddlewareSync):
    """Every hook that does not await."""

    def __init__(self, client: inngest.Inngest, raw_request: object, name: str = "audit") -> None:
        super().__init__(client, raw_request)
        self.name = name

    def transform_input(
        self,
        ctx: inngest.Context[Any] | inngest.ContextSync[Any],
        function: inngest.Function[Any],
        steps: inngest.StepMemos,
    ) -> None: ...

    def before_execution(self) -> None: ...

    def after_execution(self) -> None: ...

    def transform_output(self, result: inngest.TransformOutputResult) -> None: ...

    def before_response(self) -> None: ...

    def before_send_events(self, events: list[inngest.Event[Any]]) -> None: ...

    def after_send_events(self, result: inngest.SendEventsResult) -> None: ...

    def wrap_request(self, request: WrappedRequest) -> Iterator[None]:
        yield

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        yield

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        yield

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        yield

    def wrap_send(self, send: WrappedSend) -> Iterator[None]:
        yield

    def on_memoization_end(self) -> None: ...

    def on_step_start(self, step: StepInfo) -> None: ...

    def on_step_complete(self, step: StepInfo) -> None: ...

    def on_step_error(self, step: StepInfo, error: Exception) -> None: ...


def named(client: inngest.Inngest, raw_request: object) -> inngest.MiddlewareSync:
    """Make a middleware with an argument of its own."""
    return AuditSync(client, raw_request, name="orders")


class Plain:
    """A serializer of the user's own."""

    def serialize(self, obj: object, typ: object) -> object:
        return obj

    def deserialize(self, obj: object, typ: object) -> object:
        return obj


serializers: list[inngest.Serializer] = [Plain(), inngest.PydanticSerializer()]

client = inngest.Inngest(
    app_id="typed",
    app_version="1.0",
    checkpointing=inngest.Checkpointing(buffered_steps=2, max_interval=MINUTE, max_runtime="1m"),
    api_base_url="http://localhost:8288",
    env="branch",
    event_api_base_url="http://localhost:8288",
    event_key="key",
    is_production=False,
    logger=logging.getLogger("typed"),
    middleware=[Audit, AuditSync, named],
    request_timeout=MINUTE,
    serializer=serializers[0],
    signing_key="signkey-test-00",
)
client.add_middleware(Audit)
client.set_logger(logging.LoggerAdapter(logging.getLogger("typed")))
assert_type(client.app_id, str)
assert_type(client.app_version, str | None)
assert_type(client.api_origin, str)
assert_type(client.env, str | None)
assert_type(client.event_api_origin, str)
assert_type(client.event_key, str | None)
assert_type(client.is_production, bool)
assert_type(client.signing_key, str | None)
assert_type(client.signing_key_fallback, str | None)


async def charge(order_id: str, amount: int) -> Receipt:
    return Receipt(text=f"{order_id}: {amount}")


async def count() -> int:
    return 1


def charge_sync(order_id: str, amount: int) -> Receipt:
    return Receipt(text=f"{order_id}: {amount}")


def count_sync() -> int:
    return 1


@step("count")
async def counted(order_id: str, *, times: int = 1) -> int:
    return times


@step("count")
def counted_sync(order_id: str, *, times: int = 1) -> int:
    return times


reference = inngest.reference_function(app_id="other", function_id="fn", output_type=Receipt)
assert_type(reference, inngest.FunctionReference[Receipt])
typed_reference = inngest.reference_function(
    function_id="fn", output_type=Receipt, data=OrderPlaced
)
assert_type(typed_reference, inngest.FunctionReference[Receipt, OrderPlaced])
untyped_reference = inngest.reference_function(function_id="fn")
assert_type(untyped_reference, inngest.FunctionReference[object])

union_reference: inngest.FunctionReference[Receipt | None, OrderPlaced] = (
    inngest.reference_function(function_id="fn", output_type=Receipt | None, data=OrderPlaced)
)
literal_reference: inngest.FunctionReference[Literal["a", "b"]] = inngest.reference_function(
    function_id="fn", output_type=Literal["a", "b"]
)


async def failed(ctx: inngest.Context) -> None:
    assert_type(ctx.event, inngest.Event)
    assert_type(ctx.event.data, Mapping[str, inngest.JSON])


def failed_sync(ctx: inngest.ContextSync) -> None: ...


adapters: list[ai.BaseAdapter] = [
    ai.anthropic.Adapter(auth_key="key", model="m"),
    ai.deepseek.Adapter(auth_key="key", model="m"),
    ai.gemini.Adapter(auth_key="key", model="m"),
    ai.grok.Adapter(auth_key="key", model="m", headers={"x-team": "a"}),
    ai.openai.Adapter(auth_key="key", model="m", base_url="http://localhost/v1"),
]


@client.create_function(
    fn_id="all-steps",
    name="All steps",
    trigger=inngest.TriggerEvent(event="shop/go", expression="event.data.n > 1"),
    retries=3,
    on_failure=failed,
    middleware=[Audit],
    cancel=[inngest.Cancel(event="shop/stop", if_exp="true", timeout=MINUTE)],
    checkpointing=False,
    concurrency=[inngest.Concurrency(limit=5, key="event.data.k", scope="env")],
    debounce=inngest.Debounce(period=MINUTE, key="event.data.k", timeout=60_000),
    idempotency="event.data.id",
    priority=inngest.Priority(run="event.data.p"),
    rate_limit=inngest.RateLimit(limit=5, period=MINUTE, key="event.data.k"),
    singleton=inngest.Singleton(mode="skip", key="event.data.k"),
    throttle=inngest.Throttle(limit=5, period=MINUTE, burst=2, key="event.data.k"),
    timeouts=inngest.Timeouts(start=MINUTE, finish="1h30m"),
)
async def all_steps(ctx: inngest.Context) -> Receipt:
    assert_type(ctx.attempt, int)
    assert_type(ctx.event.data, Mapping[str, inngest.JSON])
    assert_type(ctx.event.id, str)
    assert_type(ctx.event.name, str)
    assert_type(ctx.event.ts, int)
    assert_type(ctx.event.user, Mapping[str, inngest.JSON] | None)
    assert_type(ctx.event.v, str | None)
    assert_type(ctx.events, list[inngest.Event])
    assert_type(ctx.job_id, str | None)
    assert_type(ctx.max_attempts, int | None)
    assert_type(ctx.request_id, str | None)
    assert_type(ctx.run_id, str)
    assert_type(ctx.step, inngest.Step)
    ctx.logger.info("started")

    receipt = await ctx.step.run("charge", charge, "A1", 4200)
    assert_type(receipt, Receipt)
    assert_type(await ctx.step.run("count", count, output_type=int), int)
    assert_type(await ctx.step.sleep("nap", 1000), None)
    assert_type(await ctx.step.sleep("nap", MINUTE, name="Nap"), None)
    assert_type(await ctx.step.sleep("nap", "1h30m"), None)
    until = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    assert_type(await ctx.step.sleep_until("until", until), None)
    event = inngest.Event(name="shop/paid", data={"n": 1}, user={"id": 1}, v="1", id="e", ts=1)
    assert_type(await ctx.step.send_event("tell", event), list[str])
    assert_type(await ctx.step.send_event("tell", [event, event]), list[str])

    found = await ctx.step.wait_for_event("wait", event="shop/paid", if_exp="true", timeout=MINUTE)
    assert_type(found, inngest.Event | None)
    placed = await ctx.step.wait_for_event("wait", event=order_placed, timeout=60_000)
    assert_type(placed, inngest.Event[OrderPlaced] | None)
    if placed is not None:
        assert_type(placed.data.amount, int)

    invoked = await ctx.step.invoke(
        "call", function=typed_event, data={"order_id": "A1"}, timeout=MINUTE, v="1"
    )
    assert_type(invoked, Receipt)
    other = await ctx.step.invoke_by_id(
        "call", app_id="other", function_id="fn", data={}, timeout=60_000, v="1"
    )
    assert_type(other, object)
    answer = await ctx.step.ai.infer("ask", adapter=adapters[0], body={"messages": []})
    assert_type(answer, dict[str, object])
    assert_type(await ctx.step.ai.wrap("wrap", charge, "A1", 4200, name="Ask"), Receipt)

    signal = await ctx.step.wait_for_signal("wait", signal="paid", timeout=until)
    assert_type(signal, inngest.Signal | None)
    typed_signal = await ctx.step.wait_for_signal(
        "wait", signal="paid", timeout="1h", data_type=OrderPlaced, on_conflict="replace"
    )
    assert_type(typed_signal, inngest.Signal[OrderPlaced] | None)
    if typed_signal is not None:
        assert_type(typed_signal.data.amount, int)
        assert_type(typed_signal.name, str)
    union_signal: inngest.Signal[OrderPlaced | Receipt] | None = await ctx.step.wait_for_signal(
        "wait", signal="paid", timeout="1h", data_type=OrderPlaced | Receipt
    )
    if union_signal is not None:
        assert_type(union_signal.data, OrderPlaced | Receipt)
    assert_type(await ctx.step.send_signal("tell", signal="paid", data={"n": 1}), str | None)

    order = OrderPlaced(order_id="A1", amount=1)
    assert_type(await ctx.step.invoke("call", function=typed_reference, data=order), Receipt)
    assert_type(await ctx.step.invoke("call", function=union_reference, data=order), Receipt | None)
    assert_type(await ctx.step.invoke("call", function=reference, data={"n": 1}), Receipt)
    assert_type(await ctx.step.invoke("call", function=untyped_reference), object)
    assert_type(await ctx.step.invoke("call", function=typed_event, data=order), Receipt)

    later = await ctx.step.defer("later", function=deferred, data={"n": 1}, name="Later")
    assert_type(later, inngest.Deferred)
    assert_type(await later.abort(), None)
    await ctx.step.defer("later", function=typed_reference, data=order)

    got = await ctx.step.fetch(
        "get", "http://localhost", method="POST", headers={"x-a": "1"}, json={"n": 1}
    )
    assert_type(got, inngest.FetchedResponse)
    assert_type(got.status_code, int)
    assert_type(got.is_success, bool)
    assert_type(got.body, str)
    assert_type(got.headers, Mapping[str, str])
    assert_type(await ctx.step.update_metadata("note", {"n": 1}, kind="a", op="set"), None)
    assert_type(await counted("A1"), int)

    both = await ctx.group.parallel(
        (
            lambda: ctx.step.run("a", count),
            lambda: ctx.step.run("b", count),
        ),
        parallel_mode=inngest.ParallelMode.RACE,
    )
    assert_type(both, tuple[int, int])
    price, tags, nothing = await ctx.group.parallel(
        (
            lambda: ctx.step.run("c", count),
            lambda: ctx.step.send_event("d", event),
            lambda: ctx.step.sleep("e", 1000),
        )
    )
    assert_type(price, int)
    assert_type(tags, list[str])
    assert_type(nothing, None)
    branches = [partial(ctx.step.run, f"branch {n}", count) for n in range(9)]
    assert_type(await ctx.group.parallel(tuple(branches)), tuple[int, ...])

    try:
        await ctx.step.run("count", count)
    except inngest.StepError as error:
        assert_type(error.message, str)
        assert_type(error.name, str)
        assert_type(error.stack, str | None)
        raise inngest.NonRetriableError("no", quiet=True) from error
    if ctx.attempt:
        raise inngest.RetryAfterError("later", MINUTE, quiet=True)
    return receipt


@client.create_function(
    fn_id="all-steps-sync",
    trigger=inngest.TriggerEvent(event="shop/go"),
    batch_events=inngest.Batch(max_size=10, timeout=MINUTE, key="event.data.k", if_exp="true"),
    on_failure=failed_sync,
    middleware=[AuditSync],
    output_type=Receipt,
)
def all_steps_sync(ctx: inngest.ContextSync) -> Receipt:
    assert_type(ctx.events, list[inngest.Event])
    assert_type(ctx.max_attempts, int | None)
    assert_type(ctx.step, inngest.StepSync)

    receipt = ctx.step.run("charge", charge_sync, "A1", 4200)
    assert_type(receipt, Receipt)
    assert_type(ctx.step.run("count", count_sync, output_type=int), int)
    assert_type(ctx.step.run("count", lambda: "text"), str)
    until = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    ctx.step.sleep("nap", 1000)
    ctx.step.sleep_until("until", until)
    event = inngest.Event(name="shop/paid")
    assert_type(ctx.step.send_event("tell", event), list[str])
    assert_type(ctx.step.send_event("tell", [event, event]), list[str])

    found = ctx.step.wait_for_event("wait", event="shop/paid", if_exp="true", timeout=MINUTE)
    assert_type(found, inngest.Event | None)
    placed = ctx.step.wait_for_event("wait", event=order_placed, timeout=60_000)
    assert_type(placed, inngest.Event[OrderPlaced] | None)

    assert_type(ctx.step.invoke("call", function=typed_event), Receipt)
    assert_type(ctx.step.invoke_by_id("call", function_id="fn"), object)
    answer = ctx.step.ai.infer("ask", adapter=adapters[0], body={"messages": []})
    assert_type(answer, dict[str, object])
    assert_type(ctx.step.ai.wrap("wrap", charge_sync, "A1", 4200), Receipt)

    signal = ctx.step.wait_for_signal("wait", signal="paid", timeout=MINUTE)
    assert_type(signal, inngest.Signal | None)
    typed_signal = ctx.step.wait_for_signal(
        "wait", signal="paid", timeout=1000, data_type=OrderPlaced
    )
    assert_type(typed_signal, inngest.Signal[OrderPlaced] | None)
    either: inngest.Signal[OrderPlaced | Receipt] | None = ctx.step.wait_for_signal(
        "wait", signal="paid", timeout="1h", data_type=OrderPlaced | Receipt
    )
    if either is not None:
        assert_type(either.data, OrderPlaced | Receipt)
    assert_type(ctx.step.send_signal("tell", signal="paid"), str | None)
    order = OrderPlaced(order_id="A1", amount=1)
    assert_type(ctx.step.invoke("call", function=typed_reference, data=order), Receipt)
    later = ctx.step.defer("later", function=deferred)
    assert_type(later, inngest.DeferredSync)
    assert_type(later.abort(), None)
    got = ctx.step.fetch("get", "http://localhost", content="{}")
    assert_type(got, inngest.FetchedResponse)
    ctx.step.update_metadata("note", {"n": 1})
    assert_type(counted_sync("A1", times=2), int)

    both = ctx.group.parallel(
        (
            lambda: ctx.step.run("a", count_sync),
            lambda: ctx.step.run("b", count_sync),
        )
    )
    assert_type(both, tuple[int, int])
    price, tags = ctx.group.parallel(
        (
            lambda: ctx.step.run("c", count_sync),
            lambda: ctx.step.send_event("d", event),
        )
    )
    assert_type(price, int)
    assert_type(tags, list[str])
    branches = [partial(ctx.step.run, f"branch {n}", count_sync) for n in range(9)]
    assert_type(ctx.group.parallel(tuple(branches)), tuple[int, ...])
    return receipt


@client.create_function(fn_id="typed-event", trigger=order_placed)
async def typed_event(ctx: inngest.Context[OrderPlaced]) -> Receipt:
    assert_type(ctx.event, inngest.Event[OrderPlaced])
    assert_type(ctx.event.data, OrderPlaced)
    assert_type(ctx.event.data.order_id, str)
    assert_type([event.data.amount for event in ctx.events], list[int])
    return await ctx.step.run("charge", charge, ctx.event.data.order_id, ctx.event.data.amount)


@client.create_function(
    fn_id="typed-event-sync", trigger=order_placed.as_trigger(expression="event.data.amount > 1")
)
def typed_event_sync(ctx: inngest.ContextSync[OrderPlaced]) -> int:
    assert_type(ctx.event.data, OrderPlaced)
    return ctx.event.data.amount


@client.create_function(
    fn_id="typed-list", trigger=[order_placed, order_placed.as_trigger(expression="true")]
)
async def typed_list(ctx: inngest.Context[OrderPlaced]) -> str:
    return ctx.event.data.order_id


@client.create_function(fn_id="deferred", trigger=inngest.TriggerDeferred())
async def deferred(ctx: inngest.Context) -> None:
    assert_type(ctx.event.data, Mapping[str, inngest.JSON])


@client.create_function(fn_id="no-trigger")
async def no_trigger(ctx: inngest.Context) -> int:
    assert_type(ctx.event.data, Mapping[str, inngest.JSON])
    return 1


@client.create_function(fn_id="no-trigger-sync")
def no_trigger_sync(ctx: inngest.ContextSync) -> int:
    return 1


assert_type(no_trigger, inngest.Function[int])
assert_type(no_trigger_sync, inngest.Function[int])


@client.create_function(fn_id="cron", trigger=inngest.TriggerCron(cron="0 8 * * *", jitter="30s"))
async def cron(ctx: inngest.Context) -> None: ...


@client.create_function(
    fn_id="several",
    trigger=[inngest.TriggerEvent(event="a/*"), inngest.TriggerCron(cron="0 8 * * *")],
)
def several(ctx: inngest.ContextSync) -> dict[str, list[int]]:
    return {}


assert_type(all_steps, inngest.Function[Receipt])
assert_type(all_steps_sync, inngest.Function[Receipt])
assert_type(typed_event, inngest.Function[Receipt])
assert_type(typed_event_sync, inngest.Function[int])
assert_type(typed_list, inngest.Function[str])
assert_type(cron, inngest.Function[None])
assert_type(several, inngest.Function[dict[str, list[int]]])
assert_type(cron.id, str)
assert_type(cron.local_id, str)
assert_type(cron.name, str)
assert_type(cron.get_id(), str)
assert_type(cron.is_handler_async, bool)
assert_type(cron.is_on_failure_handler_async, bool | None)
assert_type(cron.on_failure_fn_id, str | None)

made = order_placed.create(OrderPlaced(order_id="A1", amount=1), id="e", ts=1, user={}, v="1")
assert_type(made, inngest.Event[OrderPlaced])
assert_type(made.data, OrderPlaced)


async def send() -> None:
    untyped = inngest.Event(name="shop/go")
    assert_type(await client.send(untyped), list[str])
    assert_type(await client.send(made, skip_middleware=True), list[str])
    assert_type(await client.send([untyped, made]), list[str])
    assert_type(await client.send_signal("paid", {"n": 1}), str | None)
    assert_type(await client.update_metadata("R", {"n": 1}, kind="a", op="merge"), None)
    async with httpx.AsyncClient(transport=fetching.AsyncStepTransport()) as http:
        assert_type(http, httpx.AsyncClient)
    await client.aclose()


def send_sync() -> list[str]:
    try:
        assert_type(client.send_signal_sync("paid"), str | None)
        assert_type(client.update_metadata_sync("R", {"n": 1}), None)
        with httpx.Client(transport=fetching.StepTransport()) as http:
            assert_type(http, httpx.Client)
        return client.send_sync([made, made], skip_middleware=True)
    except SendEventsError as error:
        assert_type(error.ids, list[str])
        return error.ids
    finally:
        client.close()


async def make_receipt(text: str) -> Receipt:
    return Receipt(text=text)


@durable.asgi(client)
async def checkout(ctx: inngest.Context, request: durable.Request) -> Receipt:
    assert_type(request.body, bytes)
    assert_type(request.query["a"], str)
    return await ctx.step.run("made", lambda: make_receipt(request.text()))


@durable.wsgi(client, retries=0, redirect=False, admit=lambda request: None)
def checkout_sync(ctx: inngest.ContextSync, request: durable.Request) -> durable.Response:
    return durable.Response(body=request.json(), status=201)


assert_type(checkout, durable.ASGIEndpoint)
assert_type(checkout_sync, durable.WSGIEndpoint)


async def listen() -> None:
    async with realtime.subscribe(client, "channel", ["topic"]) as messages:
        async for message in messages:
            assert_type(message, realtime.Message)
            assert_type(message.data, object)
            assert_type(message.run_id, str | None)
    with realtime.subscribe_sync(client, "channel", ["topic"]) as messages_sync:
        assert_type(next(messages_sync), realtime.Message)
    assert_type(await realtime.get_subscription_token(client, "c", ["t"]), Mapping[str, object])
    await realtime.publish(client, "channel", "topic", {"n": 1}, run_id="r", metadata=[1])
    realtime.publish_sync(client, "channel", "topic", "text")
