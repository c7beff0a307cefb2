"""A user's app, which is type-checked and run with the installed wheels."""

import datetime

import flask
from typing_extensions import assert_type

import inngest
import inngest.flask

app = flask.Flask(__name__)
client = inngest.Inngest(app_id="user-project", is_production=False)


async def charge(amount: int, currency: str) -> float:
    return amount / 100 if currency else 0.0


def render(name: str) -> list[str]:
    return [name]


@client.create_function(
    fn_id="order",
    retries=2,
    trigger=inngest.TriggerEvent(event="shop/order"),
)
async def order(ctx: inngest.Context) -> float:
    paid = await ctx.step.run("charge", charge, 4200, "eur")
    assert_type(paid, float)
    assert_type(await ctx.step.sleep("cool-down", datetime.timedelta(minutes=5)), None)
    ids = await ctx.step.send_event("tell", inngest.Event(name="shop/paid", data={"paid": paid}))
    assert_type(ids, list[str])
    return paid


@client.create_function(fn_id="greet", trigger=inngest.TriggerCron(cron="0 8 * * *"))
def greet(ctx: inngest.ContextSync) -> str:
    lines = ctx.step.run("render", render, ctx.event.name)
    assert_type(lines, list[str])
    ctx.step.sleep_until("later", datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc))
    return ",".join(lines)


assert_type(order, inngest.Function[float])
assert_type(greet, inngest.Function[str])

inngest.flask.serve(app, client, [order, greet])
