"""A shop whose orders survive crashes, declined cards and restarts.

Run it beside `python -m inngest dev`; README.md says how.
"""

from __future__ import annotations

import asyncio
import datetime
import os
from dataclasses import asdict, dataclass

import fastapi
import uvicorn

import inngest
import inngest.fast_api

client = inngest.Inngest(app_id="shop", is_production=False)


@dataclass(frozen=True)
class Order:
    id: str
    cents: int


def read_order(event: inngest.Event) -> Order:
    return Order(id=str(event.data["id"]), cents=int(str(event.data["cents"])))


def charge(order: Order, attempt: int) -> str:
    if attempt == 0:
        raise ConnectionError("the bank did not answer")
    return f"charged {order.cents / 100:.2f} for {order.id}"


def ship(order: Order) -> str:
    return f"parcel-{order.id}"


def shipped(order: Order, parcel: str) -> inngest.Event:
    return inngest.Event(name="shop/order.shipped", data={**asdict(order), "parcel": parcel})


async def reserve_van(parcel: str) -> str:
    return f"van for {parcel}"


async def write_to_customer(order_id: str) -> str:
    return f"mail about {order_id}"


@client.create_function(
    fn_id="process-order",
    trigger=inngest.TriggerEvent(event="shop/order.placed"),
    retries=3,
)
def process_order(ctx: inngest.ContextSync) -> dict[str, str]:
    order = read_order(ctx.event)
    payment = ctx.step.run("charge", charge, order, ctx.attempt)
    ctx.step.sleep("time to cancel", datetime.timedelta(seconds=1.5))
    parcel = ctx.step.run("ship", ship, order)
    ctx.step.send_event("announce", shipped(order, parcel))
    return {"payment": payment, "parcel": parcel}


@client.create_function(
    fn_id="deliver-order",
    trigger=inngest.TriggerEvent(event="shop/order.shipped"),
)
async def deliver_order(ctx: inngest.Context) -> list[str]:
    order, parcel = read_order(ctx.event), str(ctx.event.data["parcel"])
    return list(
        await asyncio.gather(
            ctx.step.run("reserve van", reserve_van, parcel),
            ctx.step.run("write to customer", write_to_customer, order.id),
        )
    )


app = fastapi.FastAPI()
inngest.fast_api.serve(app, client, [process_order, deliver_order])


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")), log_level="warning")
