"""Data that is large, long, or hostile: it is shown as it is, and takes nobody's place or time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import inngest
from inngest.dev._internal.model.ids import new_ulid
from inngest.dev._internal.model.values import Event, Run, RunStatus, Step, StepState
from inngest.dev._internal.store.store import Store

from .chromium import Browser
from .conftest import HOSTILE, SCREENSHOTS, Shop
from .test_dashboard import OVERFLOWING, go

BIG = 12345678901234567890
LONG = "a-name-without-any-space-" * 12
HOUR = 3_600_000
DATA_OF_LAST = "return document.querySelector('#data').value"
LEFT = (
    "return [...document.querySelectorAll(arguments[0])].map((e) => e.getBoundingClientRect().left)"
)


def test_numbers_are_never_rounded(page: Browser, shop: Shop) -> None:
    data: dict[str, inngest.JSON] = {"id": "o", "cents": 5, "big": BIG, "one": 1.0}
    event = inngest.Event(name="shop/order.placed", data=data)
    run = shop.server.wait_for_run(shop.client.send_sync(event)[0])
    go(page, f"#/runs/{run['run_id']}")
    page.see(f'"big": {BIG}', '"one": 1.0')
    go(page, "#/events")
    page.click("summary")
    page.see(f'"big": {BIG}')
    page.click("a", "Send again")
    page.until(f"{DATA_OF_LAST}.includes('{BIG}')", "it is filled in")
    page.click("button", "Format")
    page.click("main .primary", "Send event")
    page.until("return location.hash.startsWith('#/runs?event=')", "it is sent")
    newest = shop.server._do(_newest(shop), 30)
    assert json.dumps(newest.body["data"]) == json.dumps(data)
    go(page, f"#/runs/{run['run_id']}")
    page.click("button.row", "charge")
    page.click("button", "Edit input")
    page.fill("#input", "[9007199254740993, 1]")
    page.click("dialog .primary")
    page.until(f"return !location.hash.includes({run['run_id']!r})", "the new run is shown")
    page.click("button.row", "charge")
    page.see("9007199254740993")


async def _newest(shop: Shop) -> Event:
    return shop.server.engine.store.events("shop/order.placed", 1)[0]


def test_text_from_right_to_left_changes_no_places(page: Browser, shop: Shop) -> None:
    event = inngest.Event(name="nobody/listens", data={"שם": "ערך"})
    shop.client.send_sync(event)
    go(page, "#/events")
    page.see("nobody/listens")
    key, value = page.script(LEFT, "summary .key, summary .string")
    assert key < value, "in the line"
    page.click("summary")
    page.until("return document.querySelectorAll('.json .key').length > 2", "the event is shown")
    keys, values = page.script(LEFT, ".json .key"), page.script(LEFT, ".json .string")
    assert keys[1] <= keys[2] < values[1], "a key is before its value"


def test_a_value_is_laid_out_whatever_its_depth_and_size(page: Browser, shop: Shop) -> None:
    page.see("No runs yet")
    page.script(
        "return import('/ui/json.js').then(({ json }) => { window.shown = (value) => {"
        "  const box = json(value, 'Output'); document.getElementById('main').replaceChildren(box);"
        "  box.querySelector('button')?.click(); return box.textContent; }; })"
    )
    assert page.script(
        "const value = { a: [1, -2.5e30, [], {}, [[]], { 'b\"': null, c: ['x, [y]: {z}\\\\', true] }], '': '' };"
        "return shown(value) === JSON.stringify(value, null, 2)"
    )
    deep = (
        "let value = Array.from({ length: 30000 }, (_, n) => n);"
        "for (let depth = 0; depth < 200; depth += 1) value = [value];"
    )
    length, same = page.script(
        deep + "const text = shown(value);"
        "return [text.length, JSON.stringify(JSON.parse(text)) === JSON.stringify(value)]"
    )
    assert same
    assert length < 3_000_000, "not four hundred spaces before each number"
    assert page.script(
        "const value = Array.from({ length: 20000 }, (_, n) => ({ n, text: '\\u202e' }));"
        "const text = shown(value); const parts = document.querySelectorAll('.json .piece');"
        "const sizes = [...parts].map((part) => part.textContent.length);"
        "return JSON.parse(text).length === 20000 && sizes.length > 5 && Math.max(...sizes) < 100000"
    ), "in parts, of which a browser lays out what is seen"
    strings = page.script(
        "return import('/ui/json.js').then(({ coloured }) =>"
        "  coloured('\"' + '\\\\\"'.repeat(1000)).filter((part) => part.className).length)"
    )
    assert strings == 1, "one that is cut off is not looked for anew at each of its quotes"


@pytest.fixture
def hard(tmp_path: Path) -> str:
    path = str(tmp_path / "hard.db")
    store = Store(path)
    start = time.time_ns() // 1_000_000 - HOUR

    def add(
        function_id: str,
        name: str,
        steps: list[Step],
        ended: int | None,
        status: RunStatus | None = None,
    ) -> None:
        body = {"name": name, "data": {LONG: LONG}, "id": function_id, "ts": start}
        event = Event(internal_id=new_ulid(start), received_at=start, body=body)
        store.add_event(event)
        run = Run(id=new_ulid(start), function_id=function_id, events=(event,), created_at=start,
                  started_at=None if status else start, ended_at=ended,
                  status=status or ("Failed" if ended else "Running"),
                  output={"name": {"not": "text"}, "message": [LONG, 1], "stack": 5} if ended else None)  # fmt: skip
        for step in steps:
            run.steps[step.id] = step
            if step.ended_at:
                run.stack.append(step.id)
        store.save_run(run)

    def step(step_id: str, name: str, ended: int | None = start + 5) -> Step:
        state: StepState = "pending" if ended is None else "completed"
        return Step(id=step_id, name=name, op="StepRun", state=state, created_at=start,
                    ended_at=ended, memo=None if ended is None else {"data": 1})  # fmt: skip

    with store.transaction():
        many = [step(f"s{n}", f"step {n}") for n in range(300)]
        add("later", "go/later", [], None, "Scheduled")
        add("never", "go/never", [], start + 10, "Cancelled")
        add("going", "go/on", [*many, step("last", "last", None)], None)
        odd = [step("run", "a step called run"), step("nameless", ""), step("html", HOSTILE)]
        add(f"shop-{HOSTILE}", f"evil/{HOSTILE}", odd, start + 10)
        add(f"shop-{LONG}", f"long/{LONG}", [step("long", LONG)], start + 10)
    store.close()
    return path


class TestHard:
    @pytest.fixture
    def db(self, hard: str) -> str:
        return hard

    def test_long_names_leave_room_for_the_rest(self, page: Browser, shop: Shop) -> None:
        for place in ("#/runs", "#/events"):
            go(page, place)
            page.see(LONG)
            assert page.script(OVERFLOWING) == [], place
        page.resize(500, 900)
        for run in shop.server.runs():
            go(page, f"#/runs/{run['run_id']}")
            page.see(str(run["function_id"])[:20])
            assert page.script("return document.documentElement.scrollWidth <= innerWidth"), run

    def test_what_has_an_odd_name_is_shown(self, page: Browser, shop: Shop) -> None:
        (run,) = (r for r in shop.server.runs() if r["event_name"] == f"evil/{HOSTILE}")
        go(page, f"#/runs/{run['run_id']}")
        page.see("a step called run", "unnamed", '{"not":"text"}', '"a-name-without')
        assert page.script("return document.querySelectorAll('[aria-pressed=true]').length") == 1
        page.screenshot(SCREENSHOTS / "odd-names-light.png")
        page.click("button.row", "a step called run")
        page.until(
            "return document.querySelector('.panel h2').innerText === 'a step called run'",
            "its own details are shown",
        )
        assert page.script("return document.querySelectorAll('main img, main script').length") == 0

    def test_a_run_that_has_not_begun_takes_no_time(self, page: Browser, shop: Shop) -> None:
        facts = {"Scheduled": ("not yet", "not started"), "Cancelled": ("never", "not started")}
        for run in shop.server.runs():
            if run["status"] in facts:
                go(page, f"#/runs/{run['run_id']}")
                page.see(*facts[str(run["status"])], str(run["function_id"]))
                assert "still running" not in page.text()

    def test_what_has_ended_is_not_drawn_again(self, page: Browser, shop: Shop) -> None:
        (run,) = (r for r in shop.server.runs() if r["status"] == "Running")
        go(page, f"#/runs/{run['run_id']}")
        page.see("step 9")
        drawn = page.script(
            "const seen = new Set();"
            "const watch = new MutationObserver((all) => all.forEach((one) => seen.add("
            "  (one.target.closest ? one.target : one.target.parentElement)?.closest('.row')?.dataset.part)));"
            "watch.observe(document.querySelector('.rows'), { subtree: true, childList: true, attributes: true, characterData: true });"
            "return new Promise((go) => setTimeout(() => go([...seen]), 1500))"
        )
        assert "last" in drawn, "what goes on is"
        assert len(drawn) < 10
