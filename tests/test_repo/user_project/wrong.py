"""Type checkers must reject each line marked "wrong", and no other."""

import datetime
from typing import Any

import httpx
import pydantic

import inngest
from inngest import fetching
from inngest.experimental import remote_state_middleware, step
from inngest.experimental.ai import openai


class OrderPlaced(pydantic.BaseModel):
    order_id: str


class Refunded(pydantic.BaseModel):
    amount: int


order_placed = inngest.EventType("shop/order.placed", OrderPlaced)
client = inngest.Inngest(app_id="user-project", is_production=False)
event = inngest.TriggerEvent(event="shop/order")


refunding = inngest.reference_function(function_id="refund", output_type=int, data=Refunded)


async def charge(amount: int) -> float:
    return amount / 100


def charge_sync(amount: int) -> float:
    return amount / 100


class NoAdapter:
    def auth_key(self) -> str:
        return "key"


class NoSerializer:
    def serialize(self, obj: object, typ: object) -> object:
        return obj


@step("count")
def counted(amount: int) -> int:
    return amount


@client.create_function(fn_id="order", trigger=event)
async def order(ctx: inngest.Context) -> str:
    ctx.event.data.order_id  # wrong: untyped data is a mapping
    ctx.nothing  # wrong: no such field
    await ctx.step.run("charge", charge)  # wrong: an argument is missing
    await ctx.step.run("charge", charge, "4200")  # wrong: an argument of another type
    await ctx.step.run("charge", charge, 4200, 1)  # wrong: an argument too many
    await ctx.step.run("charge", charge, amount=4200)  # wrong: handlers take no keywords
    await ctx.step.run("charge", charge_sync, 4200)  # wrong: async steps take async handlers
    await ctx.step.sleep("nap", 1.5)  # wrong: a duration is not a float
    await ctx.step.sleep("nap", 1000, "Nap")  # wrong: names are not by position
    await ctx.step.run("charge", charge, 4200, name=1)  # wrong: a name is text
    await ctx.step.sleep_until("nap", datetime.timedelta(hours=1))  # wrong: not an instant
    await ctx.step.send_event("tell", "shop/paid")  # wrong: not an event
    await ctx.step.wait_for_event("wait", event="shop/paid")  # wrong: no timeout
    await ctx.step.wait_for_event("wait", "shop/paid", timeout=1000)  # wrong: not by position
    await ctx.step.invoke("call", function="order")  # wrong: not a function
    await ctx.step.invoke("call", function=order, data=[1])  # wrong: data is a mapping
    await ctx.step.invoke_by_id("call", function_id=order)  # wrong: not an id
    await ctx.step.invoke("call", function=refunding, data={"amount": 1})  # wrong: not the model
    await ctx.step.invoke("c", function=refunding, data=OrderPlaced(order_id="A"))  # wrong: model
    await ctx.step.invoke("call", function=refunding)  # wrong to pyright: no data
    await ctx.step.wait_for_signal("wait", signal="go")  # wrong: no timeout
    await ctx.step.wait_for_signal("w", signal="a", timeout=1, on_conflict="x")  # wrong: mode
    await ctx.step.send_signal("tell", "go")  # wrong: not by position
    await ctx.step.fetch("get", "http://a", data="a=1")  # wrong: no such argument
    await ctx.step.defer("later", function="order")  # wrong: not a function
    await ctx.step.ai.wrap("ask", charge, "4200")  # wrong: an argument of another type
    await ctx.step.update_metadata("note", {}, op="replace")  # wrong: no such operation
    signal = await ctx.step.wait_for_signal("wait", signal="go", timeout="1h", data_type=Refunded)
    signal.data  # wrong: it may have timed out
    if signal is not None:
        signal.data.order_id  # wrong: of another model
    await ctx.step.ai.infer("ask", adapter=NoAdapter(), body={})  # wrong: not an adapter
    await ctx.group.parallel((lambda: 1,))  # wrong: branches are awaited
    text: str = ctx.step.run("charge", charge, 4200)  # wrong: not awaited
    number: int = await ctx.step.invoke("call", function=order)  # wrong: it returns text
    found = await ctx.step.wait_for_event("wait", event=order_placed, timeout=1000)
    found.data  # wrong: it may have timed out
    if found is not None:
        found.data.amount  # wrong: the model has no such field
    return await ctx.step.run("charge", charge, 4200)  # wrong: not text


@client.create_function(fn_id="sync", trigger=event)
def sync(ctx: inngest.ContextSync) -> str:
    number: int = ctx.step.run("charge", charge_sync, 4200)  # wrong: it returns a float
    ctx.step.run("charge", charge_sync, "4200")  # wrong: an argument of another type
    invoked: str = ctx.step.invoke("a", function=refunding, data=Refunded(amount=1))  # wrong: int
    text: str = ctx.step.fetch("get", "http://a")  # wrong: an answer is more than text
    placed = ctx.step.wait_for_event("wait", event=order_placed, timeout=1000)
    refund: inngest.Event[Refunded] | None = placed  # wrong: of another model
    ctx.group.parallel((1,))  # wrong: not a branch
    return ctx.step.run("charge", charge_sync, 4200)  # wrong: not text


@client.create_function(fn_id="untyped", trigger=order_placed)  # wrong: takes untyped data
async def untyped(ctx: inngest.Context) -> None: ...


@client.create_function(fn_id="other", trigger=order_placed)  # wrong: takes another model
async def other(ctx: inngest.Context[Refunded]) -> None: ...


@client.create_function(fn_id="typed", trigger=event)  # wrong: takes a model
async def typed(ctx: inngest.Context[OrderPlaced]) -> None: ...


@client.create_function(fn_id="mixed", trigger=order_placed)  # wrong: another model
def mixed(ctx: inngest.ContextSync[Refunded]) -> None: ...


@client.create_function(fn_id="none", trigger=event)  # wrong: takes no context
async def none() -> None: ...


@client.create_function(fn_id="typed-sync", trigger=order_placed)
def typed_sync(ctx: inngest.ContextSync[OrderPlaced]) -> int:
    return ctx.event.data.order_id  # wrong: it is text


class Colour(inngest.Middleware):
    def before_response(self) -> None: ...  # wrong: not async


class ColourSync(inngest.MiddlewareSync):
    async def before_response(self) -> None: ...  # wrong: async


class Shape(inngest.Middleware):
    async def on_step_start(self) -> None: ...  # wrong: takes no step


inngest.Ingest(app_id="a")  # wrong: no such name
inngest.Inngest()  # wrong: no id
inngest.Inngest(app_id=1)  # wrong: not text
inngest.Inngest(app_id="a", middleware=[Any])  # wrong: not a middleware
inngest.Inngest(app_id="a", serializer=NoSerializer())  # wrong: not a serializer
client.create_function()  # wrong: no id
client.create_function(fn_id="a", trigger="shop/order")  # wrong: not a trigger
client.create_function(fn_id="a", trigger=event, retries="3")  # wrong: not a number
client.create_function(fn_id="a", trigger=event, cancel=inngest.Cancel(event="a"))  # wrong: no list
client.create_function(fn_id="a", trigger=event, on_failure=charge)  # wrong: takes a number
client.create_function(fn_id="a", trigger=event, on_failure=order)  # wrong: not a handler
client.send_sync("shop/order")  # wrong: not an event
order_placed.create(Refunded(amount=1))  # wrong: another model
order_placed.create({"order_id": "A1"})  # wrong: not a model
inngest.EventType("shop/order.placed", dict)  # wrong: not a model
inngest.Event(name="a", data=1)  # wrong: data is a mapping
inngest.Event(data={})  # wrong: no name
inngest.Batch(max_sise=2)  # wrong: no such field
inngest.Checkpointing(buffered="2")  # wrong: no such field
inngest.Concurrency(limit=1, scope="app")  # wrong: no such scope
inngest.Singleton(mode="maybe")  # wrong: no such mode
inngest.Debounce(period=5.0)  # wrong: a duration is not a float
inngest.TriggerCron()  # wrong: no expression
inngest.RetryAfterError("later")  # wrong: no time
openai.Adapter(model="m")  # wrong: no key
inngest.reference_function(app_id="a")  # wrong: no function
inngest.reference_function(function_id="a", data=dict)  # wrong: not a model
client.send_signal_sync(1)  # wrong: a name is text
decorated: str = counted("4200")  # wrong: an argument of another type
counted(1).upper()  # wrong: it returns a number
httpx.Client(transport=fetching.AsyncStepTransport())  # wrong: of the other colour
remote_state_middleware.S3Driver(bucket="b", client="s3")  # wrong: not a client
remote_state_middleware.RemoteStateMiddleware.factory(event)  # wrong: not a driver
