from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from inngest.dev._internal.conftest import config, hashed
from inngest.dev._internal.function.registration import Registration, read_registration
from inngest.dev._internal.machine.checkpoints import STALE_AFTER, Recorded, Rejected, record
from inngest.dev._internal.machine.runs import start
from inngest.dev._internal.model.durations import LONGEST
from inngest.dev._internal.model.values import Function, Item, Run
from inngest.dev._internal.protocol.intake import read_events

NOW = 1_800_000_000_000


def function() -> Function:
    body = {
        "url": "http://app.test/api/inngest",
        "appName": "app",
        "sdk": "x",
        "functions": [config("app-fn", "e")],
    }
    read = read_registration(body)
    assert isinstance(read, Registration)
    return read.functions[0]


def running() -> tuple[Run, Item]:
    events = read_events(b'{"name":"e"}', None, NOW).events
    change = start(events, function(), NOW)
    return change.runs[0], change.items[0]


def step(name: str, op: str = "StepRun", **fields: Any) -> dict[str, Any]:
    return {"id": hashed(name), "op": op, "displayName": name, "data": name, **fields}


def body(item: Item, *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "qi_id": base64.b64encode(f"{item.job_id}::default".encode()).decode(),
        "generation_id": item.generation,
        "request_started_at": NOW,
        "steps": list(steps),
        **fields,
    }


def taken(run: Run, item: Item, sent: object) -> Recorded | Rejected:
    return record(run, function(), sent, lambda job: item if job == item.job_id else None, NOW)


def test_steps_are_settled_in_order_and_nothing_is_scheduled() -> None:
    run, item = running()
    timing = {"a": 1, "b": 5_000_000}
    done = taken(run, item, body(item, step("a", timing=timing), step("b", data=None)))
    assert isinstance(done, Recorded)
    assert done.item is item
    assert done.change.items == [] and done.change.drops == []
    assert run.stack == [hashed("a"), hashed("b")]
    assert run.memos == {hashed("a"): {"data": "a"}, hashed("b"): {"data": None}}
    assert [each.name for each in done.ended] == ["a", "b"]
    assert (done.ended[0].ended_at or 0) - done.ended[0].created_at == 5


def test_the_first_result_of_a_step_counts() -> None:
    run, item = running()
    taken(run, item, body(item, step("a", data=1), step("a", data=2)))
    done = taken(run, item, body(item, step("a", data=3)))
    assert isinstance(done, Recorded)
    assert done.ended == []
    assert run.memos == {hashed("a"): {"data": 1}}


@pytest.mark.parametrize("nanoseconds", [10**20, 10**30])
def test_a_step_ran_for_a_year_at_most(nanoseconds: int) -> None:
    run, item = running()
    taken(run, item, body(item, step("a", timing={"a": 1, "b": nanoseconds})))
    assert [each.created_at for each in run.steps.values()] == [NOW - LONGEST]


@pytest.mark.parametrize("steps", [[], None])
def test_nothing_may_be_recorded(steps: object) -> None:
    run, item = running()
    assert isinstance(taken(run, item, {"steps": steps}), Recorded)


@pytest.mark.parametrize(
    ("sent", "status", "says"),
    [
        ([step("a"), step("b", "Sleep")], 400, "cannot checkpoint async steps"),
        ([step("a"), step("b", "StepError")], 400, "cannot checkpoint async steps"),
        ([step("a", "RunComplete")], 400, "cannot checkpoint opcode: RunComplete"),
        ([step("a", "Nope")], 400, "Nope does not belong to Opcode values"),
        ([{"op": "StepRun"}], 400, "no usable id"),
        ([step("a"), step("b") | {"id": "step"}], 400, "no usable id"),
        ([step("a"), step("b", opts="x")], 400, "opts"),
        ([step("a"), step("b", "DeferAdd", opts=[1])], 400, "opts"),
        ([step("a"), step("b", "DeferAbort", opts=1)], 400, "opts"),
        ([step("a", data="x" * (4 * 1024 * 1024 + 1))], 413, "output too large"),
        ([step(f"s{n}") for n in range(1001)], 413, "step limit"),
        ("x", 400, "not a list"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_checkpoint_that_cannot_be_taken_changes_nothing(
    sent: Any, status: int, says: str
) -> None:
    run, item = running()
    refused = taken(run, item, {**body(item), "steps": sent})
    assert isinstance(refused, Rejected)
    assert refused.status == status
    assert says in refused.message
    assert run.memos == {} and run.stack == []


def test_a_run_that_has_ended_takes_none() -> None:
    run, item = running()
    run.status, run.ended_at = "Cancelled", NOW
    refused = taken(run, item, body(item, step("a")))
    assert refused == Rejected(400, "run not found in state store")
    assert record(None, None, {"steps": []}, lambda job: None, NOW) == refused


def test_an_old_request_of_another_generation_is_fenced_off() -> None:
    run, item = running()
    old = NOW - STALE_AFTER
    fresh = taken(run, item, body(item, step("a"), generation_id=99))
    assert isinstance(fresh, Recorded)
    for fields in ({"request_started_at": old}, {"request_started_at": None}):
        sent = body(item, step("b"), generation_id=99, **fields)
        refused = taken(run, item, sent)
        assert isinstance(refused, Rejected)
        assert refused.status == 409
        assert "dispatch generation 99 does not match" in refused.message
    same = taken(run, item, body(item, step("c"), request_started_at=old))
    assert isinstance(same, Recorded)
    assert json.loads(json.dumps(run.memos)).keys() == {hashed("a"), hashed("c")}
