"""Our SDK on our engine, called without sockets: flow control and the newer steps together."""

from __future__ import annotations

import datetime
from typing import Any

import httpx
import pytest

import inngest
from inngest import fetching
from inngest.dev import DevServer, Engine, InProcessDriver, VirtualClock
from inngest.dev.testing import VirtualEngine
from inngest.transport import CommRequest, CommResponse, Handler, ServeOptions

APP = "http://in-process.test/api/inngest"
SECOND = datetime.timedelta(seconds=1)


class Deferred:
    """A placeholder for a handler whose client needs the server's address first."""

    def __init__(self) -> None:
        self.client: inngest.Inngest | None = None
        self.handler: Handler | None = None

    async def handle_async(self, request: CommRequest) -> CommResponse:
        assert self.client is not None and self.handler is not None
        response = await self.handler.handle_async(request)
        if request.method == "PUT":
            await self.client.aclose()  # what it registered with belongs to this loop
        return response


def test_an_app_registers_and_runs_without_a_port_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INNGEST_DEV", "1")
    app = Deferred()
    engine = Engine(clock=VirtualClock(), driver=InProcessDriver(app))
    with DevServer(port=0, engine=engine) as server:
        client = inngest.Inngest(
            app_id="shop",
            is_production=False,
            api_base_url=server.origin,
            event_api_base_url=server.origin,
        )

        @client.create_function(
            fn_id="ship",
            trigger=inngest.TriggerEvent(event="order", expression="event.data.total > 10"),
            debounce=inngest.Debounce(period=5 * SECOND, key="event.data.id"),
            cancel=[
                inngest.Cancel(event="order.cancelled", if_exp="event.data.id == async.data.id")
            ],
        )
        async def ship(ctx: inngest.Context) -> str:
            paid = await ctx.step.wait_for_event(
                "paid",
                event="paid",
                if_exp="event.data.id == async.data.id",
                timeout=datetime.timedelta(days=1),
            )
            return "shipped" if paid else "dropped"

        app.client = client
        app.handler = Handler(client, [ship], ServeOptions(framework="test"))
        status, text = server.sync(APP)
        assert status == 200, text

        def send(name: str, **data: Any) -> str:
            (event_id,) = client.send_sync(inngest.Event(name=name, data=data))
            return event_id

        try:
            server.advance(60 * SECOND)
            send("order", id=1, total=20)
            send("order", id=3, total=5)
            first = send("order", id=1, total=30)
            second = send("order", id=2, total=30)
            server.advance(5 * SECOND)
            assert len(server.runs()) == 2
            send("paid", id=2)
            send("order.cancelled", id=1)
            server.settle()
            assert server.wait_for_run(second)["output"] == "shipped"
            cancelled = server.wait_for_run(first)
            assert cancelled["status"] == "Cancelled"
            assert cancelled["event"]["data"]["total"] == 30
        finally:
            client.close()


def test_the_newer_steps_in_the_test_kit() -> None:
    client = inngest.Inngest(app_id="shop")

    @client.create_function(fn_id="tidy", trigger=inngest.TriggerDeferred())
    async def tidy(ctx: inngest.Context) -> str:
        return f"tidied {ctx.event.data['what']}"

    @client.create_function(fn_id="rate", trigger=inngest.TriggerEvent(event="rate"))
    async def rate(ctx: inngest.Context) -> str:
        await ctx.step.defer("tidy", function=tidy, data={"what": "up"})
        answer = await ctx.step.fetch("rate", "http://rates.test/eur", name="Today's rate")
        async with httpx.AsyncClient(transport=fetching.AsyncStepTransport()) as http:
            usual = (await http.get("http://rates.test/usd")).json()["rate"]
        await ctx.step.update_metadata("note", {"usual": usual})
        signal = await ctx.step.wait_for_signal("go", signal="go", timeout="1d")
        assert signal is not None
        return f"{answer.json()['rate']} {usual} {signal.data}"

    @client.create_function(fn_id="go", trigger=inngest.TriggerEvent(event="go"))
    def go(ctx: inngest.ContextSync) -> str | None:
        return ctx.step.send_signal("go", signal="go", data="now")

    def fetch(request: Any) -> dict[str, Any]:
        return {"rate": len(request.url)}

    with VirtualEngine(client, [rate, go, tidy], fetch=fetch) as engine:
        run = engine.send(inngest.Event(name="rate"))
        sender = engine.send(inngest.Event(name="go"))
        assert (run.output, sender.output) == ("21 21 now", run.id)
        names = [step.name for step in run.steps]
        assert names == ["Today's rate", "GET http://rates.test/usd", "note", "go"]
        (tidied,) = [each for each in engine.runs() if each.function_id == "shop-tidy"]
        assert tidied.output == "tidied up"
