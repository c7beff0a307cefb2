"""A shop without an address of its own: its worker connects to the engine.

Run it beside `python -m inngest dev`; README.md says how.
"""

from __future__ import annotations

import asyncio
import datetime
import logging

import inngest
import inngest.connect

client = inngest.Inngest(app_id="shop", is_production=False)


def charge(order_id: str, cents: int, attempt: int) -> str:
    if attempt == 0:
        raise ConnectionError("the bank did not answer")
    return f"charged {cents / 100:.2f} for {order_id}"


@client.create_function(
    fn_id="process-order",
    trigger=inngest.TriggerEvent(event="shop/order.placed"),
    retries=3,
)
def process_order(ctx: inngest.ContextSync) -> dict[str, str]:
    order_id, cents = str(ctx.event.data["id"]), int(str(ctx.event.data["cents"]))
    payment = ctx.step.run("charge", charge, order_id, cents, ctx.attempt)
    ctx.step.sleep("time to cancel", datetime.timedelta(seconds=1))
    parcel = ctx.step.run("ship", lambda: f"parcel-{order_id}")
    return {"payment": payment, "parcel": parcel}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(inngest.connect.connect([(client, [process_order])]).start())
