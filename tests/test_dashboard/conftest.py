"""A shop app on an engine with a dashboard, and a browser that displays it."""

from __future__ import annotations

import asyncio
import datetime
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import httpx
import pydantic
import pytest
from typing_extensions import TypeAliasType

import inngest
from inngest.dev import DevServer, Engine, InProcessDriver
from inngest.transport import CommRequest, CommResponse, Handler, ServeOptions

from .chromium import Browser, browser, chromedriver

HOSTILE = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
SCREENSHOTS = Path(__file__).resolve().parents[2] / "build/screenshots"


class OrderPlaced(pydantic.BaseModel):
    """A paid order."""

    id: str = pydantic.Field(description="The order's number")
    cents: int
    gift: bool = False


class Parcel(pydantic.BaseModel):
    size: Literal["S", "L"]
    at: datetime.datetime | None = None
    grams: Annotated[int, pydantic.Field(gt=0)] = 1


class Shipped(pydantic.BaseModel):
    parcels: Annotated[list[Parcel], pydantic.Field(min_length=1)]


Tags = TypeAliasType("Tags", "list[Tags | str]")


class Branch(pydantic.BaseModel):
    """A tree."""

    tags: Tags
    branches: list[Branch] = []


@dataclass
class Later:
    """A placeholder for a handler that is created once the engine's address is known."""

    handler: Handler | None = None

    async def handle_async(self, request: CommRequest) -> CommResponse:
        assert self.handler is not None
        return await asyncio.to_thread(self.handler.handle_sync, request)


@dataclass
class Shop:
    server: DevServer
    client: inngest.Inngest
    later: Later
    gate: threading.Event = field(default_factory=threading.Event)
    """Lets the step "pack" end."""

    def place(self, order: str, cents: int = 5) -> dict[str, object]:
        """Place an order and wait until its run has ended."""
        data: dict[str, inngest.JSON] = {"id": order, "cents": cents, "note": HOSTILE}
        event = inngest.Event(name="shop/order.placed", data=data)
        return self.server.wait_for_run(self.client.send_sync(event)[0])

    def cancel(self, run_id: str) -> None:
        url = f"{self.server.origin}/v1/runs/{run_id}"
        httpx.delete(url, timeout=60, trust_env=False).raise_for_status()


def declare(shop: Shop) -> list[inngest.Function[object]]:
    placed = inngest.EventType("shop/order.placed", OrderPlaced)

    @shop.client.create_function(fn_id="process", name="Process an order", trigger=placed)
    def process(ctx: inngest.ContextSync[OrderPlaced]) -> object:
        ctx.step.run("charge", charge, ctx.event.data.cents, ctx.attempt)
        ctx.step.sleep("cool down", datetime.timedelta(milliseconds=100))

        def pack() -> str:
            assert shop.gate.wait(60)
            return f"parcel {HOSTILE}"

        return ctx.step.run("pack", pack)

    @shop.client.create_function(
        fn_id="nightly",
        name="Nightly " + "and-with-a-long-name-" * 12,
        trigger=inngest.TriggerCron(cron="0 3 * * *"),
        retries=0,
    )
    def nightly(ctx: inngest.ContextSync) -> None: ...

    @shop.client.create_function(fn_id="tidy", trigger=inngest.TriggerDeferred())
    def tidy(ctx: inngest.ContextSync) -> None: ...

    return [process, nightly, tidy]


def charge(cents: int, attempt: int) -> int:
    if attempt == 0:
        raise ConnectionError("the bank did not answer")
    if cents < 0:
        raise inngest.NonRetriableError("an order of less than nothing\u202e")
    return cents


@pytest.fixture
def db() -> str:
    """The path of the engine's database, which a test may fill beforehand."""
    return ":memory:"


@pytest.fixture
def shop(db: str) -> Iterator[Shop]:
    later = Later()
    engine = Engine(db=db, backoff=[0.05], driver=InProcessDriver(later))
    with DevServer(port=0, engine=engine, ui=True) as server:
        client = inngest.Inngest(
            app_id="shop",
            is_production=False,
            api_base_url=server.origin,
            event_api_base_url=server.origin,
        )
        shop = Shop(server, client, later)
        functions = declare(shop)
        later.handler = Handler(client, functions, ServeOptions(framework="testing", environ={}))
        try:
            status, text = server.sync("http://shop.test/api/inngest")
            assert status == 200, text
            server.describe_events(
                {
                    "shop/order.placed": OrderPlaced.model_json_schema(),
                    "shop/shipped": Shipped.model_json_schema(),
                    "shop/planted": Branch.model_json_schema(),
                }
            )
            shop.gate.set()
            yield shop
        finally:
            shop.gate.set()
            later.handler.close()
            client.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser for all tests: starting it takes longer than most tests."""
    with (
        chromedriver() as driver,
        tempfile.TemporaryDirectory() as profile,
        browser(driver, Path(profile)) as found,
    ):
        yield found


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(chromium: Browser, shop: Shop, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The dashboard, in the color scheme of the test's parameter, if there is one."""
    has_scheme = "scheme" in request.fixturenames
    with chromium.window():
        chromium.emulate(request.getfixturevalue("scheme") if has_scheme else "light")
        chromium.resize(1440, 1000)
        chromium.open(shop.server.dashboard_url)
        yield chromium
        assert chromium.problems() == [], "the console tells of no error"
