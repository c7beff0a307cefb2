"""A day with the dashboard: lists that change, pages that are left, an engine that restarts."""

from __future__ import annotations

import inngest
from inngest.dev import DevServer, Engine
from inngest.transport import Handler, ServeOptions

from .chromium import Browser, until
from .conftest import Shop, declare
from .test_dashboard import go

LINES = "return document.querySelectorAll('tbody tr').length"
CONTROL, ENTER = "\ue009", "\ue007"


def test_a_filtered_list_keeps_to_its_filter(page: Browser, shop: Shop) -> None:
    shop.gate.clear()
    go(page, "#/runs?status=Running")
    page.see("No runs match")
    shop.client.send_sync(inngest.Event(name="shop/order.placed", data={"id": "o", "cents": 5}))
    page.until(f"{LINES} === 1", "it runs")
    shop.gate.set()
    page.see("No runs match")
    assert page.script(LINES) == 0


def test_events_are_live_and_a_search_is_kept_in_the_address(page: Browser, shop: Shop) -> None:
    go(page, "#/events")
    page.see("No events yet")
    for name in ("nobody/listens", "nobody/cares"):
        shop.client.send_sync(inngest.Event(name=name, data={}))
        page.see(name)
    page.fill('input[type="search"]', "cares")
    page.until(f"{LINES} === 1", "one is found")
    page.open(page.script("return location.href"))
    page.script("location.reload()")
    page.until(f"{LINES} === 1", "it is searched for again")
    assert page.script("return document.querySelector('input').value") == "cares"


def test_a_line_is_opened_by_a_plain_click(page: Browser, shop: Shop) -> None:
    run = shop.place("o-1")
    page.until(
        "return document.querySelector('tbody tr')?.innerText.includes('Completed')",
        "the run is shown as it stays",
    )
    page.script(
        "document.querySelector('tbody a').addEventListener('click', (e) => e.preventDefault());"
        "document.querySelector('tbody a').dispatchEvent("
        "new MouseEvent('click', { bubbles: true, cancelable: true, ctrlKey: true }));"
    )
    assert page.script("return location.hash") == "", "a link is opened by the browser, in a tab"
    page.script(
        "getSelection().selectAllChildren(document.querySelector('tbody .mono'));"
        "document.querySelector('tbody tr').click()"
    )
    assert page.script("return location.hash") == "", "its id is being copied"
    page.script("getSelection().removeAllRanges()")
    page.script("document.querySelector('tbody tr').click()")
    assert page.script("return location.hash") == f"#/runs/{run['run_id']}"
    page.see("charge")
    shop.client.update_metadata_sync(str(run["run_id"]), {"progress": "half-way"})
    page.see("Metadata", "half-way")


def test_what_was_left_and_what_was_never_there(page: Browser, shop: Shop) -> None:
    run = shop.place("o-1")
    page.script(
        "const real = window.fetch; window.late = 0; window.fetch = async (url, options) => {"
        "  const answer = await real(url, options);"
        "  if (url.includes('/ui/api/runs/')) {"
        "    await new Promise((go) => { window.answer = go; }); window.late += 1; }"
        "  return answer; }"
    )
    go(page, f"#/runs/{run['run_id']}")
    page.until("return Boolean(window.answer)", "the run was asked for")
    go(page, "#/functions")
    page.see("Process an order")
    page.script("answer()")
    page.until("return late === 1", "the answer came late")
    page.script("return new Promise((go) => setTimeout(go, 50))")
    assert page.script("return document.querySelector('h1').innerText") == "Functions"
    page.open(f"{shop.server.dashboard_url}#/runs/100%")
    page.script("location.reload()")
    page.see("This run cannot be shown", "Live")
    go(page, "#/send?invoke=shop-process")
    page.fill("#data", "null")
    page.see("must be a JSON object")
    page.press_together(CONTROL, ENTER)
    assert page.script("return location.hash").startswith("#/send"), "nothing is sent"
    page.script("document.querySelector('.skip').focus()")
    page.press(ENTER)
    assert page.script("return document.activeElement.id") == "main"
    page.script("location.reload()")
    page.see("Invoke a function")
    page.problems()  # that there is no such run is told, as it should be


def test_an_engine_that_was_started_again_takes_actions(page: Browser, shop: Shop) -> None:
    run = shop.place("o-1")
    go(page, f"#/runs/{run['run_id']}")
    page.see("Completed", "Live")
    assert shop.server._dashboard is not None
    shop.server._dashboard.guard.token = "that-of-another-process"
    page.click("button", "Rerun")
    page.see("started again")
    page.script("const real = setTimeout; window.setTimeout = (work, ms) => real(work, ms / 20)")
    shop.server.stop()
    go(page, "#/functions")
    page.see("The engine does not answer")
    page.until("return !document.querySelector('.toast')", "it is not said for ever")
    shop.server.start()
    page.see("No functions yet")  # its database was in memory
    page.problems()  # that the connection broke is told, as it should be


def test_further_tabs_of_a_keyed_engine_need_no_token(chromium: Browser) -> None:
    engine = Engine(signing_key="signkey-test-7468697320697320612074657374206b65792121")
    stored = "return localStorage.getItem('x-inngest-dev-token')"
    with DevServer(port=0, engine=engine, ui=True) as server:
        assert server._dashboard is not None
        with chromium.window():
            chromium.open(f"{server.origin}/#/runs")
            chromium.see("open the dashboard by the URL that the engine has printed")
            chromium.open(server.dashboard_url)
            chromium.see("No runs yet", "Live")
        with chromium.window():
            chromium.open(f"{server.origin}/#/runs")
            chromium.see("No runs yet", "Live")
            server._dashboard.guard.token = "that-of-another-process"
            chromium.script("window.open(arguments[0])", server.dashboard_url)
            chromium.until(f"{stored} === 'that-of-another-process'", "another tab is let in")
            go(chromium, "#/functions")
            chromium.see("No functions yet")
            chromium.problems()  # what was refused is told, as it should be


def test_a_hidden_page_holds_no_connection_and_catches_up(page: Browser, shop: Shop) -> None:
    page.see("Live")
    assert shop.server._dashboard is not None
    pages = shop.server._dashboard._live._pages
    assert len(pages) == 1
    page.minimize()
    page.until("return document.hidden", "it is hidden")
    shop.place("o-1")
    page.see("No runs yet")
    until(lambda: not pages, "it is let go of, or the seventh tab would wait for ever")
    page.restore()
    page.see("shop-process", "Completed", "Live")


def test_new_functions_are_shown(page: Browser, shop: Shop) -> None:
    go(page, "#/functions")
    page.see("Process an order")
    assert (
        page.script(
            "return [...document.querySelectorAll('tbody tr')].find((line) => "
            "line.innerText.includes('shop-tidy')).querySelector('.button').innerText"
        )
        == "Invoke"
    ), "its event is the engine's own: nobody may send it"
    assert shop.later.handler is not None
    shop.later.handler.close()
    functions = declare(shop)

    @shop.client.create_function(fn_id="new", trigger=inngest.TriggerEvent(event="a/b"))
    def new(ctx: inngest.ContextSync) -> None: ...

    options = ServeOptions(framework="testing", environ={})
    shop.later.handler = Handler(shop.client, [*functions, new], options)
    assert shop.server.sync("http://shop.test/api/inngest")[0] == 200
    page.see("shop-new")
    go(page, "#/runs")
    offered = (
        "[...document.querySelectorAll('main option')].some((each) => each.value === 'shop-new')"
    )
    page.until(f"return {offered}", "runs are filtered by it")
    shop.later.handler.close()
    shop.later.handler = Handler(shop.client, functions, options)
    assert shop.server.sync("http://shop.test/api/inngest")[0] == 200
    page.until(f"return !{offered}", "it is gone")


def test_a_printed_url_that_is_opened_in_a_known_tab_lets_in(page: Browser, shop: Shop) -> None:
    page.see("Live")
    page.script("window.isTheSame = true; location.hash = 'token=of-another-start'")
    page.until("return !window.isTheSame && location.hash === '#/runs'", "it is loaded anew")
    kept = page.script("return localStorage.getItem('x-inngest-dev-token')")
    assert kept == "of-another-start"
