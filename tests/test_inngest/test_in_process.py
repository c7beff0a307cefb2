"""Our SDK on our engine, called without sockets: flow control and the newer steps together."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

import inngest
from inngest.dev import DevServer, Engine, InProcessDriver, VirtualClock
from inngest.transport import CommRequest, CommResponse, Handler, ServeOptions

APP = "http://in-process.test/api/inngest"
SECOND = datetime.timedelta(seconds=1)


class Deferred:
    """The handler is made after the server whose address its client needs."""

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
