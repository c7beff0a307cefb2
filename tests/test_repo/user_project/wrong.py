"""What a type checker must refuse: the type of a step's result is kept."""

import inngest

client = inngest.Inngest(app_id="user-project", is_production=False)


async def charge(amount: int) -> float:
    return amount / 100


@client.create_function(fn_id="order", trigger=inngest.TriggerEvent(event="shop/order"))
async def order(ctx: inngest.Context) -> str:
    return await ctx.step.run("charge", charge, 4200)
