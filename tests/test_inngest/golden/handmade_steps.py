"""Apps with newer kinds of steps: signals, fetch and deferred calls. ``APPS`` has all apps."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import Any

import inngest

from .apps import APPS
from .differences import step_id
from .handmade import App, recorded


@recorded("signals")
def signals(app: App) -> None:
    def fn(ctx: Any) -> Generator[Any, Any, Any]:
        asked = ctx.event.data
        found = yield ctx.step.wait_for_signal(
            "w",
            signal=asked["sig"],
            timeout=asked.get("timeout", "30s"),
            on_conflict=asked.get("conflict", "fail"),
        )
        return None if found is None else {"data": {"signal": found.name, "data": found.data}}

    app.add("fn", "sig/go", fn)


@recorded("defer")
def defer(app: App) -> None:
    def fn(ctx: Any) -> Generator[Any, Any, Any]:
        yield ctx.step.defer("d1", function=child, data={"k": "v"})
        taken_back = yield ctx.step.defer("d2", function=child, data={"k": "aborted"})
        yield ctx.step.run("a", app.work(1))
        yield taken_back.abort()
        yield ctx.step.run("b", app.work(2))
        yield ctx.step.defer("d3", function=child, data={"k": "with-complete"})
        return {"done": 1}

    def child_body(ctx: Any) -> Generator[Any, Any, Any]:
        yield from ()
        return {"child": ctx.event.data}

    app.add("fn", "def/go", fn)
    child = app.add("child", inngest.TriggerDeferred(), child_body)


@recorded("step_fetch_gateway")
def step_fetch_gateway(app: App) -> None:
    origin = "http://127.0.0.1:36289"

    def fn(ctx: Any) -> Generator[Any, Any, Any]:
        seen: dict[str, Any] = {}

        def note(step: str, answer: inngest.FetchedResponse) -> None:
            headers = {name.title(): value for name, value in answer.headers.items()}
            seen[step] = {"data": {**dataclasses.asdict(answer), "headers": headers}}

        url = f"{origin}/x?q=1"
        note("get", (yield ctx.step.fetch("get", url, headers={"x-h": "1"})))
        note("post", (yield ctx.step.fetch("post", url, method="post", json={"a": 1})))
        # The recorded app sends "text" here, text that is not JSON, which ours refuses.
        note("nomethod", (yield ctx.step.fetch("nomethod", url, method="POST", json={"a": 2})))
        note("fail", (yield ctx.step.fetch("fail", f"{origin}/fail")))
        try:
            yield ctx.step.fetch("refused", "http://127.0.0.1:9/none")
        except inngest.StepError as error:
            seen["refused"] = {"error": {"name": error.name, "message": error.message}}
        return {step_id(step): each for step, each in seen.items()}

    app.add("fn", "gw/go", fn)


__all__ = ["APPS"]
