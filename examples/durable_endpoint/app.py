"""A checkout whose request is seen through, though its bank is not always there.

Run it beside `python -m inngest dev`; README.md says how.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass

import fastapi
import uvicorn
from starlette.routing import Route

import inngest
from inngest.experimental import durable, realtime

client = inngest.Inngest(app_id="shop", is_production=False)
calls_of_the_bank: list[str] = []


@dataclass(frozen=True)
class Receipt:
    payment: str
    parcel: str


async def charge(order_id: str, cents: int) -> str:
    calls_of_the_bank.append(order_id)
    if calls_of_the_bank.count(order_id) == 1:
        raise ConnectionError("the bank did not answer")
    return f"charged {cents / 100:.2f} for {order_id}"


async def ship(order_id: str) -> str:
    return f"parcel-{order_id}"


@durable.asgi(client)
async def checkout(ctx: inngest.Context, request: durable.Request) -> Receipt:
    order = request.json()
    payment = await ctx.step.run("charge", charge, order["id"], order["cents"])
    status = {"order": order["id"], "is": "paid"}
    await ctx.step.run("tell", realtime.publish, client, "orders", "status", status)
    await ctx.step.sleep("time to cancel", datetime.timedelta(seconds=1.5))
    parcel = await ctx.step.run("ship", ship, order["id"])
    return Receipt(payment=payment, parcel=parcel)


app = fastapi.FastAPI(routes=[Route("/checkout", checkout, methods=["POST"])])


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")), log_level="warning")
