"""The dashboard in a real browser: what it shows, live; what it does; what it never does."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

import inngest
from inngest.dev._internal.model.ids import new_ulid
from inngest.dev._internal.model.values import Event, Run
from inngest.dev._internal.store.store import Store

from .chromium import Browser
from .conftest import HOSTILE, SCREENSHOTS, Shop

ENTER, ESCAPE = "\ue007", "\ue00c"
MANY = 10_000
DEEP = MANY - 150
"""A run that is not among the newest hundred."""
CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")
NAMELESS = """
  return [...document.querySelectorAll("a, button, input, select, textarea, summary")]
    .filter((e) => e.offsetParent && !(e.innerText || e.getAttribute("aria-label") || (e.labels && e.labels.length)))
    .map((e) => e.outerHTML.slice(0, 200));
"""
STRUCTURE = """
  return [document.querySelectorAll("h1:not(dialog h1)").length, document.querySelectorAll("main").length,
          document.documentElement.lang, document.querySelectorAll("img:not([alt])").length];
"""


REACHED = """
  return [...document.querySelectorAll(arguments[0])].every((e) => {
    const box = e.getBoundingClientRect();
    return box.width >= arguments[1] && box.left < innerWidth && (e.tagName === "TD" || box.right <= innerWidth);
  });
"""
OVERFLOWING = """
  return [...document.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.scrollWidth);
"""
FIELDS = """
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (text) => parse(text).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  return [...document.querySelectorAll("main input:not([type=checkbox]), main select, main textarea")].map((e) => {
    const style = getComputedStyle(e);
    const [a, b] = [style.borderTopColor, style.backgroundColor].map(luminance).sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  });
"""
LOADED = """
  return performance.getEntriesByType("resource").filter((e) => e.name.includes("/ui/api/"))
    .reduce((bytes, each) => bytes + each.decodedBodySize, 0);
"""


def go(page: Browser, place: str) -> None:
    page.script("location.hash = arguments[0]", place)


def test_every_page_in_both_themes(page: Browser, shop: Shop, scheme: str) -> None:
    done, failed = shop.place("o-1"), shop.place("o-2", cents=-1)
    for name, place, wanted in (
        ("runs", "#/runs", ("shop-process", "Completed", "Failed", "Live")),
        ("run", f"#/runs/{done['run_id']}", ("charge", "cool down", "Output", "Input")),
        ("run-failed", f"#/runs/{failed['run_id']}", ("NonRetriableError", "less than nothing")),
        ("events", "#/events", ("shop/order.placed", "1 run", "Send again")),
        ("functions", "#/functions", ("Process an order", "cron 0 3 * * *")),
        ("send", "#/send?name=shop/order.placed", ("OrderPlaced", "The order's number")),
    ):
        go(page, place)
        page.see(*wanted)
        page.screenshot(SCREENSHOTS / f"{name}-{scheme}.png")
        assert page.script(NAMELESS) == [], name
        assert page.script(STRUCTURE) == [1, 1, "en", 0], name
        assert page.script(CONTRAST) == [], name
        assert min(page.script(FIELDS), default=3) >= 3, (
            f"{name}: fields can be told from their ground"
        )
        assert page.script("return document.title").endswith(" · Inngest dev")
        assert page.script(OVERFLOWING) == [], name
    page.resize(420, 900)
    go(page, f"#/runs/{failed['run_id']}")
    page.see("less than nothing")
    assert page.script("return document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(SCREENSHOTS / f"narrow-{scheme}.png")
    for place, text, parts, width in (
        ("#/runs", "shop-process", ".chips button", 40),
        ("#/events", "Send again", "td.wide", 180),
    ):
        go(page, place)
        page.see(text)
        assert page.script(REACHED, parts, width), f"{parts} can be seen"


def test_a_run_is_shown_while_it_goes(page: Browser, shop: Shop) -> None:
    page.see("No runs yet", "Live")
    shop.gate.clear()
    event = {"name": "shop/order.placed", "data": {"id": "o-1", "cents": 5}}
    page.script("window.isTheSame = true")
    _send_from_page(page, event)
    page.see("shop-process", "Running")
    page.click("td a", "shop-process")
    page.see("charge", "cool down", "still running", "Cancel run")
    assert "pack" not in page.text(), "reported when it is done"
    shop.gate.set()
    page.see("pack", "Completed", "Output")
    page.click("button.row", "charge")
    page.see("ConnectionError", "the bank did not answer", "Attempts")
    assert page.script("return isTheSame"), "the page was not loaded anew"


def _send_from_page(page: Browser, event: dict[str, Any]) -> None:
    go(page, "#/send")
    page.fill("#name", event["name"])
    page.see("OrderPlaced")
    page.fill("#data", json.dumps(event["data"]))
    page.see("Fits its type")
    page.click("main button", "Send event")


def test_the_editor_says_what_is_wrong(page: Browser, shop: Shop) -> None:
    go(page, "#/send?name=shop/order.placed")
    page.see("OrderPlaced", "gift", "boolean, optional")
    page.script(
        "return import('/ui/schema.js').then(({ problems }) => { window.missing = problems("
        "{}, { type: 'object', required: ['constructor'] }); })"
    )
    assert page.script("return missing") == ["constructor is missing"], "it has not been given"
    page.fill("#data", '{"id": 7}')
    page.see("cents is missing", "id is no string")
    page.fill("#data", '{"id": ')
    page.until("return document.querySelector('main .primary').disabled", "nothing is sent")
    assert page.script("return document.querySelector('#data').ariaInvalid") == "true"
    page.click("button", "Fill with an example")
    page.see("Fits its type")
    assert json.loads(page.script("return document.querySelector('#data').value")) == {
        "id": "", "cents": 0, "gift": False,
    }  # fmt: skip


def test_the_editor_looks_at_every_depth(page: Browser, shop: Shop) -> None:
    go(page, "#/send?name=shop/shipped")
    page.see("Shipped")
    for data, wanted in (
        ('{"parcels": [{"size": "M"}]}', 'parcels.0.size is no "S" or "L"'),
        ('{"parcels": [{"size": "S", "at": "soon"}]}', "parcels.0.at is no date-time or null"),
        ('{"parcels": [{"size": "S"}, {}]}', "parcels.1.size is missing"),
        ('{"parcels": [{"size": "S", "grams": 0}]}', "parcels.0.grams is not over 0"),
        ('{"parcels": []}', "parcels has less than 1"),
        ('{"parcels": [{"size": "L", "at": "2026-01-02T03:04:05Z"}]}', "Fits its type."),
    ):
        page.fill("#data", data)
        page.see(wanted)
    page.fill("#data", "{}")
    page.see("parcels is missing")
    page.click("button", "Fill with an example")
    page.see("Fits its type.")


def test_the_editor_knows_types_that_are_within_themselves(page: Browser, shop: Shop) -> None:
    go(page, "#/send?name=shop/planted")
    page.see("A tree.", "tags", "branches", "list of object, optional")
    page.fill("#data", '{"tags": ["a", ["b", []]], "branches": [{"tags": 1}]}')
    page.see("branches.0.tags is no list of")
    page.click("button", "Fill with an example")
    page.see("Fits its type.")


def test_runs_are_cancelled_and_started_again(page: Browser, shop: Shop) -> None:
    run = shop.place("o-1")
    go(page, f"#/runs/{run['run_id']}")
    page.see("Completed")
    page.click("button.row", "pack")
    page.click("button", "Rerun from here")
    page.see("started again")
    page.until(f"return !location.hash.includes({run['run_id']!r})", "the new run is shown")
    page.see("charge", "pack", "Completed")
    shop.gate.clear()
    page.click("button", "Rerun")
    page.see("Cancel run")
    page.until("return document.querySelector('.danger')", "it can be cancelled")
    page.script("document.querySelector('.danger').focus()")
    page.press(ENTER)
    page.see("The run is cancelled", "Cancelled")
    page.until("return !document.querySelector('.danger')", "it cannot be cancelled again")
    assert page.script("return document.activeElement.id") == "main", "Tab goes on from there"
    shop.gate.set()


def test_a_step_is_run_again_with_other_input(page: Browser, shop: Shop, scheme: str) -> None:
    run = shop.place("o-1")
    go(page, f"#/runs/{run['run_id']}")
    page.see("charge")
    page.click("button.row", "charge")
    page.click("button", "Edit input")
    page.see("Rerun from “charge”", "a JSON list")
    page.fill("#input", '{"cents": 7}')
    page.see("must be a list")
    assert page.script("return document.querySelector('dialog .primary').disabled")
    page.fill("#input", "[700, 1]")
    page.screenshot(SCREENSHOTS / f"edit-input-{scheme}.png")
    assert page.script(NAMELESS) == [] and page.script(CONTRAST) == []
    page.press("?")
    assert page.script("return document.querySelectorAll('dialog[open]').length") == 1
    page.fill("#input", "[700, 1]")
    page.click("dialog .primary", "Rerun with this input")
    page.see("started again")
    page.until(f"return !location.hash.includes({run['run_id']!r})", "the new run is shown")
    page.see("Completed", "charge")
    page.click("button.row", "charge")
    page.see("700")


def test_data_is_never_html(page: Browser, shop: Shop) -> None:
    run = shop.place("o-1")
    for place in ("#/events", f"#/runs/{run['run_id']}", "#/runs"):
        go(page, place)
        page.see("shop/order.placed")
        if place == "#/events":
            page.click("summary")
            page.see(HOSTILE[:12])
        found = page.script("return document.querySelectorAll('main img, main script').length")
        assert found == 0
    page.see("shop-process")
    assert page.script("return document.title") == "Runs · Inngest dev"


def test_marks_of_direction_do_not_turn_data_round(page: Browser, shop: Shop) -> None:
    shop.server.wait_for_run(
        shop.client.send_sync(
            inngest.Event(name="shop/order.placed", data={"id": "o-1\u202e0001", "cents": 5})
        )[0]
    )
    go(page, "#/events")
    page.click("summary")
    page.see('"o-1\\u202e0001"')
    go(page, "#/runs")
    page.click("tbody a")
    page.see("Input", '"o-1\\u202e0001"')
    failed = shop.place("o-2", cents=-1)
    go(page, f"#/runs/{failed['run_id']}")
    page.see("NonRetriableError: an order of less than nothing\\u202e")


def test_the_keyboard_is_enough(page: Browser, shop: Shop) -> None:
    shop.place("o-1")
    shop.place("o-2")
    page.until("return document.querySelectorAll('tbody tr').length === 2", "both are shown")
    page.press("j", "j")
    page.until("return document.activeElement.matches('td a')", "a line has the focus")
    page.press(ENTER)
    page.see("charge")
    page.press("j", "j", ENTER)
    page.see("Runs code")
    assert page.script("return document.activeElement.innerText").startswith("✓\ncharge")
    page.press(ESCAPE)
    page.see("All functions")
    page.press("/")
    page.press(*"o-2")
    page.until("return document.querySelectorAll('tbody tr').length === 1", "one run is found")
    assert page.script("return location.hash").endswith("search=o-2")
    page.press(ESCAPE)
    found = page.script("return document.querySelector('input').value")
    assert found == "o-2", "what is searched for is what the field says"
    page.press("g", "f")
    page.see("Process an order")
    page.press("?")
    page.see("Keyboard shortcuts")
    page.press(ESCAPE)
    before = page.script("return getComputedStyle(document.body).backgroundColor")
    page.press("t")
    assert page.script("return getComputedStyle(document.body).backgroundColor") != before
    page.press("n")
    page.see("Send an event")


def test_a_list_that_is_loaded_again_leaves_the_focus_where_the_user_has_put_it(
    page: Browser, shop: Shop
) -> None:
    shop.place("o-1")
    page.until("return document.querySelectorAll('tbody tr').length === 1", "the run is shown")
    page.press("j")
    page.until("return document.activeElement.matches('td a')", "its line has the focus")
    page.press(ENTER)
    page.see("charge")
    page.script(
        "const real = window.fetch; const gate = new Promise((open) => { window.openGate = open; });"
        "window.fetch = async (...asked) => { await gate; return real(...asked); };"
    )
    page.press(ESCAPE)
    page.see("All functions")
    page.press("/")
    page.script("window.openGate()")
    page.until("return document.querySelectorAll('tbody tr').length === 1", "the list is loaded")
    page.press("o")
    assert page.script("return document.activeElement.value") == "o"


def test_the_engine_is_missed_and_found_again(page: Browser, shop: Shop) -> None:
    page.see("Live")
    shop.server.stop()
    page.see("Engine not reached")
    go(page, "#/events")
    page.see("The engine does not answer")
    shop.server.start()
    page.see("Live", "No events yet")
    # that the connection broke is told by the browser, as it should be
    assert [each for each in page.problems() if "Failed to load" not in each] == []


@pytest.fixture
def filled(tmp_path: Path) -> str:
    path = str(tmp_path / "many.db")
    store = Store(path)
    now = time.time_ns() // 1_000_000 - 3_600_000
    with store.transaction():
        for number in range(MANY):
            at = now + number
            body = {"name": "load/test", "data": {"number": number}, "id": f"id-{number}", "ts": at}
            event = Event(internal_id=new_ulid(at), received_at=at, body=body)
            store.add_event(event)
            run = Run(
                id=new_ulid(at), function_id="shop-process", events=(event,),
                status="Failed" if number % 100 == 0 else "Running" if number == DEEP else "Completed",
                created_at=at, started_at=at, ended_at=None if number == DEEP else at + 5,
                output=number,
            )  # fmt: skip
            store.save_run(run)
    store.close()
    return path


class TestMany:
    @pytest.fixture
    def db(self, filled: str) -> str:
        return filled

    def test_ten_thousand_runs_are_paged_filtered_and_searched(
        self, page: Browser, shop: Shop
    ) -> None:
        page.see("10,000", "shop-process")
        lines = "document.querySelectorAll('tbody tr').length"
        assert page.script(f"return {lines}") == 100
        assert page.script(LOADED) < 60_000, "bytes, of ten thousand runs"
        page.script("document.querySelector('.more').scrollIntoView()")
        page.until(f"return {lines} >= 200", "the next page comes when it is scrolled to")
        (deep,) = (run for run in shop.server.runs(limit=300) if run["status"] == "Running")
        shop.cancel(str(deep["run_id"]))
        page.until(
            "return [...document.querySelectorAll('tbody tr')].some((r) => "
            f"r.innerText.includes({deep['run_id']!r}) && r.innerText.includes('Cancelled'))",
            "what changed further down is shown",
        )
        assert page.script(
            "const rows = [...document.querySelectorAll('tbody tr')].map((r) => r.children[3].innerText);"
            "return rows.every((id, at) => !at || id < rows[at - 1])"
        ), "in their order"
        page.click(".chips button", "Failed")
        page.until(f"return {lines} === 100", "a hundred of them failed")
        page.fill('input[type="search"]', "id-4200")
        page.until(f"return {lines} === 1", "it is found by its event")
        page.screenshot(SCREENSHOTS / "search-light.png")
