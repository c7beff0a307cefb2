"""Pages that are read, left and come back to while a lot changes; answers that come late."""

from __future__ import annotations

import time

import inngest
from inngest.dev._internal.model.ids import new_ulid
from inngest.dev._internal.model.values import Event, Run

from .chromium import Browser
from .conftest import Shop
from .test_dashboard import ENTER, ESCAPE, go

LINES = "return document.querySelectorAll('tbody tr').length"
FOCUSED = "return document.activeElement.id || document.activeElement.getAttribute('href')"
IN_SIGHT = (
    "return [...document.querySelectorAll('tbody tr')].find("
    "(row) => row.getBoundingClientRect().top > 100)?.children[3].innerText"
)
HOLD = """
  const real = window.fetch;
  window.held = [];
  window.fetch = async (url, options) => {
    const answer = await real(url, options);
    if (url.includes(arguments[0])) await new Promise((go) => held.push(go));
    return answer;
  };
"""


def add_runs(shop: Shop, count: int) -> None:
    """Store runs and publish their start directly, which is faster than any app."""

    async def add() -> None:
        store = shop.server.engine.store
        with store.transaction():
            for number in range(count):
                at = time.time_ns() // 1_000_000
                body = {"name": "load/test", "data": {"n": number}, "id": new_ulid(at), "ts": at}
                event = Event(internal_id=new_ulid(at), received_at=at, body=body)
                store.add_event(event)
                store.save_run(Run(id=new_ulid(at), function_id="shop-load", events=(event,),
                                   status="Completed", created_at=at, started_at=at, ended_at=at))  # fmt: skip
        assert shop.server._dashboard is not None
        shop.server._dashboard._live.stir(None)

    shop.server._do(add(), 30)


def newest(shop: Shop) -> str:
    return str(shop.server.runs(limit=1)[0]["run_id"])


def test_who_reads_further_down_is_not_disturbed(page: Browser, shop: Shop) -> None:
    add_runs(shop, 350)
    page.until(f"{LINES} === 100", "the newest are shown")
    for shown in (200, 300):
        page.script("document.querySelector('.more').scrollIntoView()")
        page.until(f"{LINES} === {shown}", "the next page comes")
    page.script("document.querySelectorAll('tbody tr')[250].scrollIntoView()")
    read = page.script(IN_SIGHT)
    for total in (500, 650):
        add_runs(shop, 150)
        page.see(f"All {total}")
        page.script("return new Promise((go) => setTimeout(go, 300))")
        assert page.script(IN_SIGHT) == read
        assert page.script(LINES) >= 300
    page.script("scrollTo(0, 0)")
    page.see(newest(shop))
    page.until(f"{LINES} === 100", "what was left unread is not kept")


def test_who_scrolls_faster_than_pages_are_painted_gets_them_all(page: Browser, shop: Shop) -> None:
    add_runs(shop, 350)
    page.until(f"{LINES} === 100", "the newest are shown")
    page.script("""
        const more = document.querySelector('.more');
        new MutationObserver(() => more.scrollIntoView())
            .observe(document.querySelector('tbody'), { childList: true });
        more.scrollIntoView();
    """)
    page.until(f"{LINES} === 350", "all pages come")


def test_a_list_that_is_left_alone_does_not_grow(page: Browser, shop: Shop) -> None:
    for _ in range(4):
        add_runs(shop, 90)
        page.see(newest(shop))
    assert page.script(LINES) <= 200
    page.script("document.querySelector('.more').scrollIntoView()")
    page.until(f"{LINES} > 200", "the rest is still there")


def test_who_comes_back_is_where_he_was(page: Browser, shop: Shop) -> None:
    add_runs(shop, 250)
    page.until(f"{LINES} === 100", "the newest are shown")
    page.script("document.querySelector('.more').scrollIntoView()")
    page.until(f"{LINES} === 200", "the next page comes")
    page.script("document.querySelectorAll('tbody a')[150].focus()")
    link, top = page.script("return [document.activeElement.getAttribute('href'), scrollY]")
    assert top > 1000
    page.press(ENTER)
    page.see("Duration", "Output")
    assert page.script(FOCUSED) == "main", "what is new is read out, and Tab goes on from there"
    assert page.script("return scrollY") == 0
    page.press(ESCAPE)
    page.until(f"{LINES} >= 200", "the list is as long as it was")
    assert page.script(FOCUSED) == link
    assert abs(page.script("return scrollY") - top) < 50
    go(page, "#/functions")
    page.see("Process an order")
    assert page.script(FOCUSED) == "main"


def test_what_is_typed_last_changes_no_other_page(page: Browser, shop: Shop) -> None:
    run = shop.place("o-1")
    page.see("shop-process")
    place = f"#/runs/{run['run_id']}"
    page.script(
        "const search = document.querySelector('[type=search]'); search.value = 'o-1';"
        "search.dispatchEvent(new Event('input')); location.hash = arguments[0];",
        place,
    )
    page.see("charge")
    page.script("return new Promise((go) => setTimeout(go, 300))")
    assert page.script("return location.hash") == place


def test_an_answer_that_was_overtaken_is_not_shown(page: Browser, shop: Shop) -> None:
    shop.gate.clear()
    sent = shop.client.send_sync(
        inngest.Event(name="shop/order.placed", data={"id": "o", "cents": 5})
    )
    page.see("Running")
    page.script(HOLD, "/ui/api/runs/")
    page.click("td a", "shop-process")
    page.until("return held.length === 1", "its run is asked for")
    shop.gate.set()
    shop.server.wait_for_run(sent[0])
    page.until("return held.length >= 2", "and once more")
    page.script("return new Promise((go) => setTimeout(go, 500))")
    page.script("held.slice(1).forEach((go) => go())")
    page.see("Completed", "Output")
    page.script("held[0]()")
    page.script("return new Promise((go) => setTimeout(go, 100))")
    assert "Completed" in page.text()


def test_nothing_is_sent_twice_and_nobody_is_taken_away(page: Browser, shop: Shop) -> None:
    go(page, "#/send?name=nobody/listens")
    page.see("Send an event")
    page.script(HOLD, "/ui/api/send")
    page.script(
        "document.querySelector('main .primary').click(); document.querySelector('main .primary').click()"
    )
    page.until("return held.length === 1", "it is sent")
    page.script("return new Promise((go) => setTimeout(go, 100))")
    go(page, "#/functions")
    page.see("Process an order")
    page.script("held.forEach((go) => go())")
    page.see("The event is sent")
    assert page.script("return location.hash") == "#/functions"
    go(page, "#/events")
    page.see("nobody/listens")
    assert page.script(LINES) == 1


def test_a_large_event_is_loaded_when_it_is_looked_at(page: Browser, shop: Shop) -> None:
    go(page, "#/events")
    page.see("No events yet")
    page.script("performance.clearResourceTimings()")
    shop.client.send_sync(inngest.Event(name="nobody/listens", data={"text": "x" * 1_000_000}))
    page.see("nobody/listens")
    assert page.script(
        "return performance.getEntriesByType('resource').every((each) => each.decodedBodySize < 10000)"
    )
    for name in ("typed/never", "nobody/listens"):
        page.click("a.primary", "Send event")
        page.fill("#name", name)
    page.until("return document.querySelector('#data')?.value.length > 1000000", "as it was last")
    page.script("history.back()")
    page.click("a", "Send again")
    page.until("return document.querySelector('#data')?.value.length > 1000000", "it is filled in")
    assert page.script("return location.hash.length") < 100


def test_times_are_told_by_the_engines_clock(page: Browser, shop: Shop) -> None:
    page.script("const real = Date.now; Date.now = () => real() - 7200000")
    shop.place("o-1")
    page.see("Completed", "just now")
    page.script("const real = Date.now; Date.now = () => real() + 14400000")
    go(page, "#/events")
    page.see("just now")


def test_a_browser_that_keeps_nothing_shows_everything(page: Browser, shop: Shop) -> None:
    found = page.devtools(
        "Page.addScriptToEvaluateOnNewDocument",
        {"source": "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty("
                   "window, name, { get() { throw new DOMException('denied', 'SecurityError'); } })"},
    )  # fmt: skip
    try:
        page.script("location.reload()")
        page.see("No runs yet", "Live")
        before = page.script("return getComputedStyle(document.body).backgroundColor")
        page.press("t")
        assert page.script("return getComputedStyle(document.body).backgroundColor") != before
    finally:
        page.devtools("Page.removeScriptToEvaluateOnNewDocument", found)
