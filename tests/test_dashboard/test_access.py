"""The dashboard for those who see little, hear it read out, or print it; and on any screen."""

from __future__ import annotations

import time

import inngest
from inngest.dev._internal.model.ids import new_ulid
from inngest.dev._internal.model.values import Event, Run

from .chromium import Browser
from .conftest import Shop
from .test_dashboard import go
from .test_many_changes import HOLD

TICKS = """
  const boxes = [...document.querySelectorAll(".ticks span")].map((e) => e.getBoundingClientRect()).filter((box) => box.width);
  return boxes.length > 1 && boxes.every((box, at) => !at || box.left > boxes[at - 1].right + 4);
"""
STYLE = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
MONTH = 30 * 86_400_000


def test_a_run_in_forced_colours_and_on_paper(page: Browser, shop: Shop) -> None:
    run = shop.place("o-1")
    page.script("document.documentElement.dataset.theme = 'dark'")
    go(page, f"#/runs/{run['run_id']}")
    page.see("charge", "Output")
    forced = [{"name": "forced-colors", "value": "active"}]
    page.devtools("Emulation.setEmulatedMedia", {"media": "", "features": forced})
    canvas = page.script(STYLE, "body", "backgroundColor")
    assert page.script(STYLE, ".segment.ok", "backgroundColor") != canvas, "the waterfall is seen"
    chosen = page.script(STYLE, ".row[aria-pressed=true]", "outlineStyle")
    assert chosen != page.script(STYLE, ".row[aria-pressed=false]", "outlineStyle")
    current = page.script(STYLE, ".nav a[aria-current]", "borderBottomColor")
    assert current != page.script(STYLE, ".nav a:not([aria-current])", "borderBottomColor")
    page.devtools("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert page.script(STYLE, ".bar", "display") == "none"
    assert page.script(STYLE, ".json", "maxHeight") == "none", "nothing is cut off"
    assert page.script(STYLE, ".segment", "printColorAdjust") == "exact"
    assert page.script(STYLE, "body", "backgroundColor") != "rgb(16, 20, 18)", "paper is white"
    page.devtools("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_the_scale_of_a_long_run_can_be_read(page: Browser, shop: Shop) -> None:
    async def add() -> str:
        at = time.time_ns() // 1_000_000 - 3 * MONTH
        body = {"name": "long/ago", "data": {}, "id": "l", "ts": at}
        event = Event(internal_id=new_ulid(at), received_at=at, body=body)
        run = Run(id=new_ulid(at), function_id="shop-long", events=(event,), status="Completed",
                  created_at=at, started_at=at, ended_at=at + 3 * MONTH - 5000)  # fmt: skip
        with shop.server.engine.store.transaction():
            shop.server.engine.store.add_event(event)
            shop.server.engine.store.save_run(run)
        return run.id

    go(page, f"#/runs/{shop.server._do(add(), 30)}")
    page.see("89 d 23 h")
    for width in (1440, 1030, 760, 500):
        page.resize(width, 900)
        page.until(TICKS, f"they are apart at {width}")


def test_what_is_waited_for_and_what_is_not_there_is_told(page: Browser, shop: Shop) -> None:
    page.see("No runs yet")
    told = (
        "return [...document.querySelectorAll('main [role=status]')].map((e) => e.innerText).join()"
    )
    assert "No runs yet" in page.script(told)
    event = inngest.Event(name="nobody/listens", data={})
    shop.client.send_sync(event)
    page.script(
        "const none = document.querySelector('main [role=status]'); window.repeated = 0;"
        "new MutationObserver(() => { repeated += 1; }).observe(none, { subtree: true, childList: true })"
    )
    shop.client.send_sync(event)
    page.script("return new Promise((go) => setTimeout(go, 600))")
    assert page.script("return repeated") == 0, "it is not read out over and over"
    run = shop.place("o-1")
    page.script(HOLD, "/ui/api/runs/")
    go(page, f"#/runs/{run['run_id']}")
    page.see("Loading")
    assert "Loading" in page.script(told)
    page.until("return held.length", "it is asked for")
    page.script("held.forEach((go) => go())")
    page.see("charge")
