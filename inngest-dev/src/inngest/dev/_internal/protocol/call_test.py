from __future__ import annotations

import json

from inngest.dev._internal.function.options import Options
from inngest.dev._internal.model.values import Event, Function, Item, Json, Run, Step, StepState
from inngest.dev._internal.protocol.call import build_call
from inngest.dev._internal.protocol.canonical import canonical

FUNCTION = Function(
    id="app-fn",
    uuid="00000000-0000-4000-8000-000000000001",
    app="app",
    name="fn",
    url="http://app.test/api/inngest",
    max_attempts=4,
    triggers=(),
    options=Options(),
)
EVENT = Event(internal_id="e", received_at=1, body={"name": "x", "data": {"n": 1.0}, "id": "e"})
ITEM = Item(job_id="job", run_id="r", kind="call", step_id="step", due=1)


def step(step_id: str, memo: Json, state: StepState = "completed") -> Step:
    return Step(id=step_id, name=step_id, op="StepRun", state=state, created_at=1, memo=memo)


def run_of(*steps: Step) -> Run:
    done = [each.id for each in steps if each.state != "pending"]
    by_id = {each.id: each for each in steps}
    return Run(
        id="r",
        function_id="app-fn",
        events=(EVENT,),
        status="Running",
        created_at=1,
        steps=by_id,
        stack=done,
    )


def body_of(run: Run) -> bytes:
    return build_call(FUNCTION, run, ITEM, now=1).body


def test_a_body_is_in_canonical_form_again_and_again() -> None:
    run = run_of(step("b", {"data": 2.0}), step('"a" é', None), step("c", None, "pending"))
    first = body_of(run)
    assert first == body_of(run) == canonical(json.loads(first))
    told = json.loads(first)
    assert told["steps"] == {'"a" é': None, "b": {"data": 2}}
    assert told["ctx"]["stack"]["stack"] == ["b", '"a" é']
    assert told["event"] == told["events"][0]
    assert told["event"]["data"] == {"n": 1}


def test_other_arguments_for_a_pending_step_are_told_until_it_has_ended() -> None:
    waiting = step("a", {"input": [1]}, "pending")
    run = run_of(waiting)
    assert json.loads(body_of(run))["steps"] == {"a": {"input": [1]}}
    waiting.memo, waiting.state = {"data": "done"}, "completed"
    run.stack.append("a")
    assert json.loads(body_of(run))["steps"] == {"a": {"data": "done"}}
