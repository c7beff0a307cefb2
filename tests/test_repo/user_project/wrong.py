"""What type checkers must refuse: each line marked "wrong", and no other."""

import datetime
from typing import Any

import pydantic

import inngest
from inngest.experimental import remote_state_middleware
from inngest.experimental.ai import openai


class OrderPlaced(pydantic.BaseModel):
    order_id: str


class Refunded(pydantic.BaseModel):
    amount: int


order_placed = inngest.EventType("shop/order.placed", OrderPlaced)
client = inngest.Inngest(app_id="user-project", is_production=False)
event = inngest.TriggerEvent(event="shop/order")


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


@client.create_function(fn_id="order", trigger=event)
async def order(ctx: inngest.Context) -> str:
    ctx.event.data.order_id  # wrong: untyped data is a mapping
    ctx.nothing  # wrong: no such field
    await ctx.step.run("charge", charge)  # wrong: an argument is missing
    await ctx.step.run("charge", charge, "4200")  # wrong: an argument of another type
    await ctx.step.run("charge", charge, 4200, 1)  # wrong: an argument too many
    await ctx.step.run("charge", charge, amount=4200)  # wrong: handlers take no keywords
    await ctx.step.run("charge", charge_sync, 4200)  # wrong: async steps take async handlers
    await ctx.step.sleep("nap", "1h")  # wrong: a duration is not text
    await ctx.step.sleep_until("nap", datetime.timedelta(hours=1))  # wrong: not an instant
    await ctx.step.send_event("tell", "shop/paid")  # wrong: not an event
    await ctx.step.wait_for_event("wait", event="shop/paid")  # wrong: no timeout
    await ctx.step.wait_for_event("wait", "shop/paid", timeout=1000)  # wrong: not by position
    await ctx.step.invoke("call", function="order")  # wrong: not a function
    await ctx.step.invoke("call", function=order, data=[1])  # wrong: data is a mapping
    await ctx.step.invoke_by_id("call", function_id=order)  # wrong: not an id
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


inngest.Inngest()  # wrong: no id
inngest.Inngest(app_id=1)  # wrong: not text
inngest.Inngest(app_id="a", middleware=[Any])  # wrong: not a middleware
inngest.Inngest(app_id="a", serializer=NoSerializer())  # wrong: not a serializer
client.create_function(fn_id="a")  # wrong: no trigger
client.create_function(fn_id="a", trigger="shop/order")  # wrong: not a trigger
client.create_function(fn_id="a", trigger=event, retries="3")  # wrong: not a number
client.create_function(fn_id="a", trigger=event, cancel=inngest.Cancel(event="a"))  # wrong: no list
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
inngest.Debounce(period="5s")  # wrong: a duration is not text
inngest.TriggerCron()  # wrong: no expression
inngest.RetryAfterError("later")  # wrong: no time
openai.Adapter(model="m")  # wrong: no key
remote_state_middleware.S3Driver(bucket="b", client="s3")  # wrong: not a client
remote_state_middleware.RemoteStateMiddleware.factory(event)  # wrong: not a driver
