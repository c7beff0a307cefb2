"""Runs from event to end, through a scripted app, on the virtual clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.conftest import Answer, App, bounded, config, hashed, op, running, send
from inngest.dev._internal.machine import report
from inngest.dev._internal.machine.runs import internal_event
from inngest.dev._internal.model.values import Run

SECOND = timedelta(seconds=1)


def test_two_serial_steps_take_three_calls(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        steps = body["steps"]
        if hashed("a") not in steps:
            return 206, [op("a", "StepRun", data="A")]
        if hashed("b") not in steps:
            return 206, [op("b", "StepRun", data={"b": [1, 2]})]
        return 200, [steps[hashed(s)]["data"] for s in "ab"]

    app.function(config("app-fn", "two/go"), script)

    async def go() -> dict[str, Any]:
        async with running(app) as engine:
            return await engine.wait_for_run(send(engine, "two/go", data={}))

    run = bounded(go)
    assert (run["status"], run["output"]) == ("Completed", ["A", {"b": [1, 2]}])
    assert [s["name"] for s in run["steps"]] == ["a", "b"]
    first, second, third = app.calls
    assert [c["version"] for c in app.calls] == [-1, 2, 2]
    assert first["steps"] == {}
    assert second["steps"] == {hashed("a"): {"data": "A"}}
    assert third["ctx"]["stack"] == {"current": 2, "stack": [hashed("a"), hashed("b")]}
    assert len({c["ctx"]["job_id"] for c in app.calls}) == 3
    assert first["event"]["user"] == {}
    assert first["events"] == [first["event"]]
    assert set(first) == {"ctx", "defers", "event", "events", "steps", "use_api", "version"}


def nap(body: dict[str, Any], target: str) -> Answer:
    if hashed("nap") in body["steps"]:
        return 200, "rested"
    return 206, [op("2h", "Sleep") | {"id": hashed("nap")}]


def test_who_waits_for_a_run_is_woken_by_no_other(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands may wait: each looks for its run when it is woken."""
    sleeping = [op("1h", "Sleep") | {"id": hashed("nap")}]
    app.function(config("app-fn", "x"), lambda b, t: (206, sleeping))

    async def go() -> None:
        async with running(app) as engine:
            events = [send(engine, "x") for _ in range(5)]
            await engine.settle()
            waiting = [asyncio.create_task(engine.wait_for_run(each)) for each in events]
            for _ in range(5):
                await asyncio.sleep(0)
            (run,) = engine.store.runs(event_id=events[3])
            asked: list[str] = []
            look = engine.store.runs

            def counted(*, event_id: str) -> list[Run]:
                asked.append(event_id)
                return look(event_id=event_id)

            monkeypatch.setattr(engine.store, "runs", counted)
            engine.cancel(run.id)
            assert (await waiting[3])["status"] == "Cancelled"
            assert asked == [events[3]]
            for each in waiting:
                each.cancel()

    bounded(go)


def test_a_sleep_ends_when_the_virtual_clock_says_so(app: App) -> None:
    app.function(config("app-fn", "nap/go"), nap)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "nap/go")
            await engine.advance(timedelta(minutes=119))
            assert engine.runs()[0]["status"] == "Running"
            await engine.advance(timedelta(minutes=1))
            run = await engine.wait_for_run(event_id)
            assert run["output"] == "rested"
            assert run["duration_ms"] == 7_200_000
            assert app.calls[1]["steps"] == {hashed("nap"): None}

    bounded(go)


@pytest.mark.parametrize("backoff", [0.1, "0.1", [timedelta(seconds=1)], [-1], [float("nan")], {}])
def test_a_backoff_that_is_none_is_refused(backoff: Any) -> None:
    with pytest.raises(ValueError, match=r"backoff must be a list of seconds, such as \[0\.1, 1\]"):
        Engine(backoff=backoff)


def test_who_waits_in_vain_is_told_why(app: App) -> None:
    app.function(config("app-fn", "nap/go"), nap)

    async def go() -> list[str]:
        told = []
        async with running(app) as engine:
            asleep = send(engine, "nap/go")
            await engine.settle()
            (run,) = engine.runs()
            later = send(engine, "nap/go", ts=engine.clock.now() + 60_000)
            again = [send(engine, "nap/go", id="once") for _ in range(2)][1]
            gone = send(engine, "nap/gone")
            for wanted in (run["run_id"], asleep, later, again, gone, "nonsense"):
                with pytest.raises(TimeoutError) as caught:
                    await engine.wait_for_run(wanted, 0.01)
                told.append(str(caught.value).partition(" ended within 0.01 s: ")[2])
        return [text.replace(run["run_id"], "RUN") for text in told]

    by_id, asleep, later, again, gone, nonsense = bounded(go)
    stands = "; the clock stands until it is advanced"
    assert by_id == asleep == f"RUN of app-fn is Running{stands}"
    assert later.endswith(f" of app-fn is Scheduled{stands}")
    assert again.startswith('nothing that this event, "nap/go", triggers has begun: a limit')
    assert again.endswith(f"or the event's id has come before{stands}")
    assert gone == 'this event, "nap/gone", triggers no function that is registered'
    assert nonsense == "there is neither an event nor a run of this id"


def test_an_automatic_clock_jumps_over_sleeps(app: App) -> None:
    app.function(config("app-fn", "nap/go"), nap)

    async def go() -> None:
        async with running(app, clock=VirtualClock(auto=True)) as engine:
            assert (await engine.wait_for_run(send(engine, "nap/go")))["output"] == "rested"

    bounded(go)


def test_a_failed_step_is_retried_on_the_same_job(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("s") in body["steps"]:
            return 200, body["steps"][hashed("s")]["data"]
        if body["ctx"]["attempt"] < 2:
            return 206, [op("s", "StepError", error={"name": "E", "message": "boom"})]
        return 206, [op("s", "StepRun", data="ok")]

    app.function(config("app-fn", "retry/go", retries=2), script)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "retry/go")
            await engine.advance(15 * SECOND)
            assert [c["ctx"]["attempt"] for c in app.calls] == [0, 1]
            assert (engine.history(engine.runs()[0]["run_id"]) or {})["steps"][0][
                "state"
            ] == "retrying"
            await engine.advance(30 * SECOND)
            run = await engine.wait_for_run(event_id)
            assert run["output"] == "ok"
            assert run["steps"][0]["attempts"] == 3

    bounded(go)
    retried = app.calls[:3]
    assert len({c["ctx"]["job_id"] for c in retried}) == 1
    assert [c["ctx"]["generation_id"] for c in app.calls] == [1, 2, 3, 1]
    assert len({c["ctx"]["request_id"] for c in app.calls}) == 4
    assert app.calls[3]["ctx"]["attempt"] == 0


def test_retry_after_replaces_the_delay(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if body["ctx"]["attempt"] == 0:
            return 500, {"name": "E", "message": "later"}, {"retry-after": "3"}
        return 200, "ok"

    app.function(config("app-fn", "ra/go", retries=1), script)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "ra/go")
            await engine.advance(2 * SECOND)
            assert len(app.calls) == 1
            await engine.advance(SECOND)
            assert (await engine.wait_for_run(event_id))["status"] == "Completed"

    bounded(go)


def parallel(body: dict[str, Any], target: str, mode: str | None = None) -> Answer:
    opts = {"parallelMode": mode} if mode else None
    steps = body["steps"]
    if target != "step":
        name = next(n for n in ("a", "b", "c") if hashed(n) == target)
        return 206, [op(name, "StepRun", data=name, opts=opts)]
    missing = [n for n in ("a", "b", "c") if hashed(n) not in steps]
    if missing:
        return 206, [op(n, "StepPlanned", opts=opts) for n in missing]
    return 200, sorted(steps[s]["data"] for s in steps)


def test_a_parallel_group_has_one_discovery_after_its_last_member(app: App) -> None:
    app.function(config("app-fn", "par/go"), parallel)

    async def go() -> None:
        async with running(app) as engine:
            run = await engine.wait_for_run(send(engine, "par/go"))
            assert run["output"] == ["a", "b", "c"]

    bounded(go)
    assert app.targets.count("step") == 2
    assert sorted(app.targets[1:4]) == sorted(hashed(n) for n in ("a", "b", "c"))
    flags = [c["ctx"]["disable_immediate_execution"] for c in app.calls]
    assert flags == [False, True, True, True, False]


def test_a_race_has_a_discovery_after_each_member(app: App) -> None:
    app.function(config("app-fn", "race/go"), lambda b, t: parallel(b, t, "race"))

    async def go() -> None:
        async with running(app) as engine:
            run = await engine.wait_for_run(send(engine, "race/go"))
            assert run["output"] == ["a", "b", "c"]

    bounded(go)
    assert len([t for t in app.targets if t != "step"]) == 3


class Race:
    """Two sleeps that race, then a step. Answers to whom knows of one sleep alone can be held."""

    def __init__(self, *naps: str) -> None:
        self.naps = dict(zip("ab", naps, strict=True))
        self.held: asyncio.Event | None = None
        self.asked = asyncio.Event()
        self.attempts: list[int] = []
        """Of the step that follows."""

    async def __call__(self, body: dict[str, Any], target: str) -> Answer:
        steps = body["steps"]
        missing = [name for name in self.naps if hashed(name) not in steps]
        if missing:
            if steps and self.held is not None:
                self.asked.set()
                await self.held.wait()
            opts = {"parallelMode": "race"}
            return 206, [op(n, "Sleep", opts={**opts, "duration": self.naps[n]}) for n in missing]
        if hashed("after") in steps:
            return 200, "done"
        self.attempts.append(body["ctx"]["attempt"])
        if body["ctx"]["attempt"] == 0:
            return 206, [op("after", "StepError", error={"name": "E", "message": "not yet"})]
        return 206, [op("after", "StepRun", data=1)]


def test_members_of_a_race_that_end_together_have_one_discovery(app: App) -> None:
    race = Race("5s", "5s")
    app.function(config("app-fn", "race/go", retries=1), race)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "race/go")
            await engine.advance(timedelta(minutes=5))
            assert (await engine.wait_for_run(event_id))["status"] == "Completed"

    bounded(go)
    assert race.attempts == [0, 1]


def test_a_discovery_waits_for_one_that_knows_of_less(app: App) -> None:
    """Both would go on from where the function is: what follows would be run twice."""
    race = Race("5s", "6s")
    race.held = asyncio.Event()
    app.function(config("app-fn", "race/go", retries=1), race)

    async def go() -> None:
        assert race.held is not None
        async with running(app) as engine:
            event_id = send(engine, "race/go")
            await engine.advance(4 * SECOND)
            advancing = asyncio.create_task(engine.advance(timedelta(minutes=5)))
            await race.asked.wait()
            assert isinstance(engine.clock, VirtualClock)
            engine.clock.advance(2 * SECOND)  # the other sleep ends before the answer comes
            for _ in range(100):
                await asyncio.sleep(0)
            race.held.set()
            await advancing
            assert (await engine.wait_for_run(event_id))["status"] == "Completed"

    bounded(go)
    assert race.attempts == [0, 1]


def test_a_run_asleep_survives_a_restart(app: App, tmp_path: Path) -> None:
    app.function(config("app-fn", "nap/go"), nap)
    path = str(tmp_path / "state.db")

    async def go() -> None:
        clock = VirtualClock()
        async with running(app, db=path, clock=clock) as engine:
            event_id = send(engine, "nap/go")
            await engine.settle()
        async with running(app, db=path, clock=clock) as engine:
            await engine.advance(timedelta(hours=2))
            assert (await engine.wait_for_run(event_id))["output"] == "rested"

    bounded(go)


def test_a_failed_step_fails_the_function_and_calls_its_failure_handler(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        memo = body["steps"].get(hashed("s"))
        if memo is None:
            error = {"name": "E", "message": "boom", "code": "unknown"}
            return 206, [op("s", "StepFailed", error=error)]
        return 500, {"code": "step_errored", **memo["error"]}, {"x-inngest-no-retry": "true"}

    expression = "event.data.function_id == 'app-fn'"
    trigger = {"event": "inngest/function.failed", "expression": expression}
    handler = config("app-fn-failure", "-", triggers=[trigger], cancel=[], concurrency=[])
    other = {**trigger, "expression": expression.replace("app-fn", "app-other")}
    app.function(config("app-fn", "fail/go", retries=3), script)
    app.function(handler, lambda b, t: (200, b["event"]["data"]["error"]["message"]))
    app.function(config("app-bystander", "-", triggers=[other]), lambda b, t: (200, None))

    async def go() -> None:
        async with running(app) as engine:
            failed = await engine.wait_for_run(send(engine, "fail/go", data={"k": 1}))
            await engine.settle()
            runs = {r["function_id"]: r for r in engine.runs()}
            assert failed["status"] == "Failed"
            assert set(runs) == {"app-fn", "app-fn-failure"}
            assert runs["app-fn-failure"]["output"] == "boom"

    bounded(go)
    assert app.calls[1]["steps"] == {hashed("s"): {"error": {"name": "E", "message": "boom"}}}
    event = app.calls[2]["event"]
    assert event["id"] == app.calls[0]["ctx"]["run_id"]
    assert event["data"]["error"] == {
        "error": "NonRetriableError",
        "name": "E",
        "message": "boom",
    }
    assert event["data"]["result"]["code"] == "step_errored"
    assert event["data"]["event"]["data"] == {"k": 1}


def waiter(body: dict[str, Any], target: str) -> Answer:
    if hashed("w") in body["steps"]:
        return 200, body["steps"][hashed("w")]
    return 206, [op("w", "WaitForEvent", opts={"event": "wait/done", "timeout": "1h"})]


@pytest.mark.parametrize("fulfilled", [True, False])
def test_a_wait_ends_with_its_event_or_its_timeout(app: App, fulfilled: bool) -> None:
    app.function(config("app-fn", "wait/go"), waiter)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "wait/go")
            await engine.settle()
            if fulfilled:
                send(engine, "wait/done", data={"x": 1})
            else:
                await engine.advance(timedelta(hours=1))
            output = (await engine.wait_for_run(event_id))["output"]
            assert output["data"] == {"x": 1} if fulfilled else output is None

    bounded(go)


def test_a_wait_with_a_bad_expression_fails_the_run(app: App) -> None:
    opts = {"timeout": "1h", "if": "event.data.id == "}
    app.function(config("app-fn", "x"), lambda b, t: (206, [op("w", "WaitForEvent", opts=opts)]))

    async def go() -> None:
        async with running(app) as engine:
            run = await engine.wait_for_run(send(engine, "x"))
            assert run["status"] == "Failed"
            assert run["output"]["error"]["name"] == "InvalidExpression"

    bounded(go)


def invoker(body: dict[str, Any], target: str) -> Answer:
    if hashed("i") in body["steps"]:
        return 200, body["steps"][hashed("i")]
    wanted = body["event"]["data"]["call"]
    opts = {"function_id": wanted, "payload": {"data": {"q": 1}}, "timeout": "1m"}
    return 206, [op("i", "InvokeFunction", opts=opts)]


@pytest.mark.parametrize("child", ["ok", "fail", "slow", "missing"])
def test_an_invoke_reports_what_became_of_the_child(app: App, child: str) -> None:
    app.function(config("app-parent", "inv/go"), invoker)
    app.function(config("app-ok", "-"), lambda b, t: (200, b["event"]["data"]["q"]))
    app.function(config("app-fail", "-"), lambda b, t: (500, {"name": "E", "message": "no"}))
    app.function(config("app-slow", "-"), nap)

    async def go() -> Any:
        async with running(app) as engine:
            event_id = send(engine, "inv/go", data={"call": f"app-{child}"})
            await engine.advance(timedelta(minutes=2))
            return (await engine.wait_for_run(event_id))["output"]

    memo = bounded(go)
    if child == "ok":
        assert memo == {"data": 1}
        return
    expected = {
        "fail": {"error": "invalid status code: 500", "name": "E", "message": "no"},
        "missing": {"name": "Error", "message": "could not find function with ID: app-missing"},
    }
    if child == "slow":
        assert memo["error"]["name"] == "InngestInvokeTimeoutError"
    else:
        assert memo == {"error": expected[child]}


def test_an_event_id_starts_a_function_once_a_day(app: App) -> None:
    app.function(config("app-fn", "x"), lambda b, t: (200, None))

    async def go() -> None:
        async with running(app) as engine:
            for _ in range(2):
                send(engine, "x", id="same")
            await engine.advance(timedelta(hours=25))
            assert len(engine.runs()) == 1
            send(engine, "x", id="same")
            assert len(engine.runs()) == 2

    bounded(go)


def test_large_state_is_left_to_the_api(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        count = len(body["ctx"]["stack"]["stack"])
        if count < 3:
            return 206, [op(str(count), "StepRun", data="x" * 1_500_000)]
        return 200, body["use_api"]

    app.function(config("app-fn", "x"), script)

    async def go() -> None:
        async with running(app) as engine:
            assert (await engine.wait_for_run(send(engine, "x")))["output"] is True

    bounded(go)
    assert app.calls[-1]["steps"] == {}
    assert app.calls[-1]["ctx"]["use_api"] is True


def test_an_output_that_is_too_large_ends_the_run_and_its_step_is_named(app: App) -> None:
    big = op("big", "StepRun", data="x" * (report.MAX_STEP_OUTPUT + 1))
    app.function(config("app-fn", "x"), lambda *_: (206, [big]))

    async def go() -> None:
        async with running(app) as engine:
            run = await engine.wait_for_run(send(engine, "x"))
            assert run["status"] == "Failed"
            assert f'{hashed("big")}: the output of step "big": step output' in str(run["output"])

    bounded(go)


def test_a_cancelled_run_stays_cancelled(app: App) -> None:
    app.function(config("app-fn", "nap/go"), nap)

    async def go() -> None:
        async with running(app) as engine:
            send(engine, "nap/go")
            await engine.settle()
            run_id = engine.runs()[0]["run_id"]
            assert engine.cancel(run_id)
            assert engine.cancel(run_id)
            await engine.advance(timedelta(hours=3))
            assert engine.runs()[0]["status"] == "Cancelled"
            assert len(app.calls) == 1

    bounded(go)


def test_a_step_that_is_not_reported_again_does_not_hang_its_run(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if len(app.calls) == 1:
            error = {"name": "E", "message": "boom"}
            return 206, [op("a", "StepError", error=error), op("b", "StepRun", data=1)]
        return (206, []) if len(app.calls) == 2 else (200, "done")

    app.function(config("app-fn", "x", retries=1), script)

    async def go() -> None:
        async with running(app) as engine:
            event_id = send(engine, "x")
            await engine.advance(15 * SECOND)
            assert (await engine.wait_for_run(event_id))["output"] == "done"

    bounded(go)


def test_a_sleep_that_another_answer_ended_does_not_hang_its_run(app: App) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if len(app.calls) == 1:
            return 206, [op("a", "Sleep", opts={"duration": "1h"}), op("b", "StepPlanned")]
        # b is to run, and not what is reported
        return (206, [op("a", "StepRun", data=1)]) if len(app.calls) == 2 else (200, "done")

    app.function(config("app-fn", "x"), script)

    async def go() -> None:
        async with running(app) as engine:
            send(engine, "x")
            await engine.advance(timedelta(hours=1))
            assert [run["output"] for run in engine.runs()] == ["done"]

    bounded(go)


def test_a_run_whose_state_grows_too_large_fails(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MAX_STATE", 100_000)

    def script(body: dict[str, Any], target: str) -> Answer:
        done = len(body["steps"])
        return 206, [op(str(done), "StepRun", data="x" * 30_000)]

    app.function(config("app-fn", "x", retries=3), script)

    async def go() -> None:
        async with running(app) as engine:
            run = await engine.wait_for_run(send(engine, "x"))
            assert run["status"] == "Failed"
            assert run["output"]["error"]["name"] == "InngestErrStateOverflowed"

    bounded(go)
    assert len(app.calls) == 4


def test_a_run_is_started_and_its_wait_is_fulfilled_whatever_the_events_are_called(
    app: App,
) -> None:
    def script(body: dict[str, Any], target: str) -> Answer:
        if hashed("wait") not in body["steps"]:
            wait = op("wanted", "WaitForEvent", opts={"timeout": "1h"}) | {"id": hashed("wait")}
            return 206, [wait]
        return 200, [body["events"][1]["data"], body["steps"][hashed("wait")]["data"]]

    app.function(config("app-fn", "never"), script)

    async def go() -> dict[str, Any]:
        async with running(app) as engine:
            now = engine.clock.now()
            events = [internal_event("inngest/any", {"n": n}, now) for n in (1, 2)]
            assert engine.start_run("app-other", events) is None
            run_id = engine.start_run("app-fn", events)
            assert run_id is not None
            await engine.settle()
            (item,) = [i for i in engine.store.items_of(run_id) if i.kind == "wait"]
            engine.fulfil(item, internal_event("inngest/other", {"n": 3}, now))
            await engine.settle()
            engine.fulfil(item, internal_event("inngest/late", {"n": 4}, now))
            await engine.settle()
            assert len(engine.runs()) == 1
            return engine.history(run_id) or {}

    run = bounded(go)
    assert (run["status"], run["output"]) == ("Completed", [{"n": 2}, {"n": 3}])
