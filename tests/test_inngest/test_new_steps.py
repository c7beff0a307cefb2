"""Signals, fetch, deferred calls, metadata, names, references: what is asked for and given."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pydantic
import pytest

import inngest
from inngest.errors import (
    FunctionConfigInvalidError,
    OutputUnserializableError,
    SendSignalError,
    UpdateMetadataError,
)
from inngest.experimental.ai import openai
from inngest.outgoing import Request, Response, redirected

from .bodies import Body
from .conftest import Make
from .worlds import Reply, World


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode(), usedforsecurity=False).hexdigest()


def only_op(reply: Reply) -> dict[str, Any]:
    assert reply.status == 206, reply.body
    (op,) = reply.body
    assert isinstance(op, dict)
    return op


def answered(answer: object, status: int = 200) -> tuple[list[Request], Callable[..., Response]]:
    """Run a server that always gives the same response, and collects requests."""
    asked: list[Request] = []

    def take(request: Request) -> Response:
        asked.append(request)
        return Response(status=status, headers={}, body=json.dumps(answer).encode())

    return asked, take


class Order(pydantic.BaseModel):
    order_id: str


class Receipt(pydantic.BaseModel):
    total: int


# durations


@pytest.mark.parametrize(
    "hour_and_a_half", [datetime.timedelta(minutes=90), 5_400_000, "1h30m"], ids=str
)
def test_every_wait_takes_every_spelling_of_a_duration(world: World, hour_and_a_half: Any) -> None:
    other = inngest.reference_function(function_id="other")

    def body(ctx: Any) -> Any:
        yield ctx.step.sleep("nap", hour_and_a_half)
        yield ctx.step.wait_for_event("event", event="e", timeout=hour_and_a_half)
        yield ctx.step.wait_for_signal("signal", signal="s", timeout=hour_and_a_half)
        yield ctx.step.invoke("call", function=other, timeout=hour_and_a_half)

    world.function(body)
    memos: dict[str, Any] = {}
    assert only_op(world.call())["name"] == "5400000ms"
    for step, wait in (("nap", "event"), ("event", "signal"), ("signal", "call")):
        memos[hashed(step)] = None
        op = only_op(world.call(memos=memos))
        assert (op["displayName"], op["opts"]["timeout"]) == (wait, "90m")


@pytest.mark.parametrize("hours", [2, -2])
def test_a_wait_ends_at_an_instant(world: World, hours: int) -> None:
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)

    def body(ctx: Any) -> Any:
        yield ctx.step.wait_for_event("event", event="e", timeout=until)

    world.function(body)
    timeout = only_op(world.call())["opts"]["timeout"]
    assert timeout.endswith("ms")
    left = int(timeout.removesuffix("ms"))
    hour = 3_600_000
    assert left == 0 if hours < 0 else hour < left <= 2 * hour


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (lambda ctx: ctx.step.sleep("x", "soon"), "duration"),
        (lambda ctx: ctx.step.sleep_until("x", "1h"), "until"),
        (lambda ctx: ctx.step.wait_for_event("x", event="e", timeout="1.5s"), "timeout"),
        (lambda ctx: ctx.step.wait_for_signal("x", signal="s", timeout=[]), "timeout"),
        (lambda ctx: ctx.step.wait_for_signal("x", signal="", timeout="1h"), "signal"),
        (
            lambda ctx: ctx.step.wait_for_signal("x", signal="s", timeout=1000, on_conflict="no"),
            "on_conflict",
        ),
        (lambda ctx: ctx.step.invoke_by_id("x", function_id="f", timeout=True), "timeout"),
        (lambda ctx: ctx.step.fetch("x", "ftp://files.test"), "url"),
        (lambda ctx: ctx.step.fetch("x", "http://a.test", content="a=1"), "content"),
    ],
)
def test_a_wrong_argument_fails_the_run_for_good_and_is_named(
    world: World, step: Callable[[Any], Any], field: str
) -> None:
    def body(ctx: Any) -> Any:
        yield step(ctx)

    world.function(body)
    reply = world.call()
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
    assert reply.body["message"].startswith(f'step "x": {field}: ')


# names


def test_people_see_the_name_and_the_id_stays(world: World) -> None:
    other = inngest.reference_function(function_id="other")
    taken: dict[str, Any] = {}

    def body(ctx: Any) -> Any:
        step, name = ctx.step, "For people"
        yield step.run("run", world.step(), name=name)
        yield step.sleep("nap", 1000, name=name)
        yield step.sleep_until(
            "until", datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc), name=name
        )
        yield step.wait_for_event("event", event="e", timeout=1000, name=name)
        yield step.wait_for_signal("signal", signal="s", timeout=1000, name=name)
        yield step.invoke("call", function=other, name=name)
        yield step.invoke_by_id("by-id", function_id="f", name=name)
        yield step.fetch("fetch", "http://a.test", name=name)
        yield step.ai.infer("infer", adapter=Model(), body={}, name=name)
        yield step.ai.wrap("wrap", world.step(), name=name)

    world.function(body)
    fetched = {"data": {"status_code": 200, "body": "", "headers": {}, "url": ""}}
    for _ in range(10):
        op = only_op(world.call(memos=taken))
        assert op["displayName"] == "For people"
        taken[hashed(op["userland"]["id"])] = fetched if op["op"] == "Gateway" else None
    assert [op for op in taken if op == hashed("wrap")]
    assert world.call(memos=taken).status == 200


class Model:
    """An AI adapter."""

    def auth_key(self) -> str:
        return ""

    def format(self) -> str:
        return ""

    def headers(self) -> dict[str, str]:
        return {}

    def on_call(self, body: dict[str, Any]) -> None: ...

    def url_infer(self) -> str:
        return "http://model.test"


# signals


def test_a_signal_has_a_name_and_typed_data(world: World) -> None:
    def body(ctx: Any) -> Any:
        found = yield ctx.step.wait_for_signal("w", signal="s", timeout="1h", data_type=Order)
        if found is None:
            return None
        assert type(found.data) is Order
        return [found.name, found.data.order_id]

    world.function(body)
    op = only_op(world.call())
    assert (op["op"], op["name"], op["opts"]) == (
        "WaitForSignal",
        "s",
        {"signal": "s", "timeout": "1h"},
    )
    got = {"data": {"signal": "s", "data": {"order_id": "A1"}}}
    assert world.call(memos={hashed("w"): got}).body == ["s", "A1"]
    assert world.call(memos={hashed("w"): None}).body is None
    got["data"]["data"] = {"order_id": 7}
    reply = world.call(memos={hashed("w"): got})
    assert (reply.status, reply.body["name"]) == (500, OutputUnserializableError.__name__)
    assert 'signal "s"' in reply.body["message"]


def test_a_signal_is_sent_once(world: World) -> None:
    def body(ctx: Any) -> Any:
        return (yield ctx.step.send_signal("s", signal="go", data=Order(order_id="A1")))

    world.function(body)
    asked, answer = answered({"data": {"run_id": "OTHER"}})
    with redirected(world.client, answer):
        assert world.play().body == "OTHER"
    (request,) = asked
    assert request.url.endswith("/v1/signals")
    assert json.loads(request.body) == {"signal": "go", "data": {"order_id": "A1"}}


def test_a_signal_that_nobody_waits_for(world: World) -> None:
    def body(ctx: Any) -> Any:
        return (yield ctx.step.send_signal("s", signal="go"))

    world.function(body)
    _, answer = answered({"error": "No signal found", "status": 404}, status=404)
    with redirected(world.client, answer):
        assert world.play().body is None


@pytest.mark.parametrize(
    ("status", "answer"), [(500, {"error": "x"}), (404, "no such page"), (200, {"data": None})]
)
def test_a_signal_of_which_nobody_knows_what_became(
    make_client: Callable[[], inngest.Inngest], status: int, answer: object
) -> None:
    client = make_client()
    asked, take = answered(answer, status=status)
    with redirected(client, take), pytest.raises(SendSignalError) as caught:
        client.send_signal_sync("go")
    assert caught.value.is_retriable
    assert len(asked) == 1, "a signal is not sent twice"


@pytest.mark.parametrize(("signal", "data"), [("", None), ("go", object()), ("go", float("nan"))])
def test_a_signal_that_cannot_be_sent(
    make_client: Callable[[], inngest.Inngest], signal: str, data: object
) -> None:
    with pytest.raises(SendSignalError) as caught:
        make_client().send_signal_sync(signal, data)
    assert not caught.value.is_retriable


@pytest.fixture
def make_client() -> Callable[[], inngest.Inngest]:
    return lambda: inngest.Inngest(app_id="app", is_production=False)


# fetch


def test_a_request_of_the_server_and_its_answer(world: World) -> None:
    def body(ctx: Any) -> Any:
        got = yield ctx.step.fetch(
            "get", "http://a.test/x", method="put", headers={"X-Team": "a"}, json=[1]
        )
        return [got.status_code, got.is_success, got.headers["x-one"], got.json(), got.url]

    world.function(body)
    op = only_op(world.call())
    assert op["op"] == "Gateway"
    assert op["opts"] == {
        "type": "step.fetch",
        "url": "http://a.test/x",
        "method": "PUT",
        "body": "[1]",
        "headers": {"X-Team": "a", "content-type": "application/json"},
    }
    found = {"status_code": 404, "headers": {"X-One": "1"}, "body": '{"a":1}', "url": "u"}
    reply = world.call(memos={hashed("get"): {"data": found}})
    assert reply.body == [404, False, "1", {"a": 1}, "u"]


def test_an_answer_that_is_logged_shows_no_secret(world: World) -> None:
    def body(ctx: Any) -> Any:
        return repr((yield ctx.step.fetch("get", "http://a.test?key=secret")))

    world.function(body)
    found = {"status_code": 200, "headers": {"x": "secret"}, "body": "secret",
             "url": "http://a.test?key=secret"}  # fmt: skip
    reply = world.call(memos={hashed("get"): {"data": found}})
    assert reply.body == "FetchedResponse(status_code=200)"


def test_a_request_without_an_answer_is_a_step_error(world: World) -> None:
    def body(ctx: Any) -> Any:
        try:
            yield ctx.step.fetch("get", "http://a.test")
        except inngest.StepError as error:
            return [error.name, error.message]

    world.function(body)
    memo = {"error": {"name": "GatewayError", "message": "no route"}}
    assert world.call(memos={hashed("get"): memo}).body == ["GatewayError", "no route"]


@pytest.mark.parametrize("value", ["Bearer SECRET\n", "SECRET\r\nevil: 1", "SECRET\x00"])
def test_a_header_that_cannot_be_sent_is_named_and_not_shown(world: World, value: str) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.fetch("get", "http://a.test", headers={"Authorization": value})

    world.function(body)
    reply = world.call()
    assert reply.headers["x-inngest-no-retry"] == "true"
    says = "step \"get\": headers: the value of 'Authorization' contains a line break"
    assert says in reply.body["message"]
    assert "SECRET" not in json.dumps(reply.body)


def test_a_key_that_cannot_be_sent_is_not_shown(world: World) -> None:
    """What is read from a file often ends with a line break."""
    adapter = openai.Adapter(auth_key="SECRET\n", model="m")

    def body(ctx: Any) -> Any:
        yield ctx.step.ai.infer("ask", adapter=adapter, body={})

    world.function(body)
    reply = world.call()
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert 'step "ask": auth_key: contains a line break' in reply.body["message"]
    assert "SECRET" not in json.dumps(reply.body)


def test_what_is_stored_for_a_request_may_be_no_answer(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.fetch("get", "http://a.test")

    world.function(body)
    stored = {"status_code": 200, "headers": ["a"], "body": "", "url": "u"}
    reply = world.call(memos={hashed("get"): {"data": stored}})
    assert 'the stored result of step "get" is not an HTTP response' in reply.body["message"]


# references, functions without triggers


@pytest.mark.parametrize("app_id", [None, "billing"])
def test_a_reference_is_typed_on_both_sides(world: World, app_id: str | None) -> None:
    charge = inngest.reference_function(
        app_id=app_id, function_id="charge", output_type=Receipt, data=Order
    )

    def body(ctx: Any) -> Any:
        got = yield ctx.step.invoke("call", function=charge, data=Order(order_id="A1"))
        assert type(got) is Receipt
        return got.total

    world.function(body)
    opts = only_op(world.call())["opts"]
    assert opts["function_id"] == f"{app_id or 'app'}-charge"
    assert opts["payload"] == {"data": {"order_id": "A1"}}
    assert world.call(memos={hashed("call"): {"data": {"total": 3}}}).body == 3
    reply = world.call(memos={hashed("call"): {"data": {"total": "x"}}})
    assert "not a Receipt" in reply.body["message"]


def test_a_function_is_called_with_what_pydantic_can_write(world: World) -> None:
    data = {"at": datetime.date(2030, 1, 2), "orders": [Order(order_id="A1")], 1: Decimal("0.10")}

    def body(ctx: Any) -> Any:
        yield ctx.step.invoke_by_id("call", function_id="charge", data=data)

    world.function(body)
    written = {"at": "2030-01-02", "orders": [{"order_id": "A1"}], "1": "0.10"}
    assert only_op(world.call())["opts"]["payload"]["data"] == written


def test_a_reference_refuses_other_data(world: World) -> None:
    charge = inngest.reference_function(function_id="charge", data=Order)

    def body(ctx: Any) -> Any:
        yield ctx.step.invoke("call", function=charge, data={"order_id": "A1"})

    world.function(body)
    reply = world.call()
    assert (reply.status, reply.headers["x-inngest-no-retry"]) == (500, "true")
    assert reply.body["message"] == 'step "call": data: must be a Order, not a dict'


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"function_id": ""}, "function_id"),
        ({"function_id": "f", "app_id": " "}, "app_id"),
        ({"function_id": "f", "data": dict}, "data"),
    ],
)
def test_a_reference_that_leads_nowhere(arguments: Any, field: str) -> None:
    with pytest.raises(FunctionConfigInvalidError, match=f"^{field}: "):
        inngest.reference_function(**arguments)


def test_a_function_without_triggers_is_registered_and_called(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield from ()
        return ctx.event.data

    made = world.function(body, trigger=())
    assert made.get_config("http://app.test").main.triggers == []
    invoked = {"name": "inngest/function.invoked", "data": {"n": 1}}
    assert world.call(event=invoked).body == {"n": 1}


# deferred calls


def deferring(world: World, *, is_aborted: bool) -> Body:
    child = inngest.reference_function(function_id="child", data=Order)

    def body(ctx: Any) -> Any:
        call = yield ctx.step.defer("later", function=child, data=Order(order_id="A1"), name="L")
        yield ctx.step.run("a", world.step())
        if is_aborted:
            yield call.abort()
            yield call.abort()
        return "done"

    return body


ADDED = {"fn_slug": "app-child", "input": {"order_id": "A1"}}


def test_a_deferred_call_travels_with_the_next_step(world: World) -> None:
    world.function(deferring(world, is_aborted=False))
    step, added = world.call().body
    assert (step["op"], step["displayName"]) == ("StepRun", "a")
    assert (added["op"], added["displayName"], added["opts"]) == ("DeferAdd", "L", ADDED)
    assert added["id"] == hashed("later")
    memos = {hashed("a"): {"data": None}}
    told = world.call(memos=memos, defers={hashed("later"): {"abortable": True}})
    assert (told.status, told.body) == (200, "done")


def test_a_deferred_call_travels_with_the_result(world: World) -> None:
    world.function(deferring(world, is_aborted=False))
    reply = world.call(memos={hashed("a"): {"data": None}})
    assert reply.status == 206
    added, ended = reply.body
    assert added["op"] == "DeferAdd"
    assert (ended["op"], ended["id"], ended["data"]) == ("RunComplete", hashed("complete"), "done")


def test_a_deferred_call_is_taken_back_once(world: World) -> None:
    world.function(deferring(world, is_aborted=True))
    memos = {hashed("a"): {"data": None}}
    aborted, ended = world.call(memos=memos, defers={hashed("later"): {"abortable": True}}).body
    assert (aborted["op"], ended["op"]) == ("DeferAbort", "RunComplete")
    assert aborted["opts"] == {"target_hashed_id": hashed("later")}
    told = world.call(memos=memos, defers={hashed("later"): {"abortable": False}})
    assert (told.status, told.body) == (200, "done")


def test_a_call_that_the_server_never_knew_of_needs_no_abort(world: World) -> None:
    world.function(deferring(world, is_aborted=True))
    reply = world.call(memos={hashed("a"): {"data": None}})
    assert (reply.status, reply.body) == (200, "done")


def test_branches_of_a_group_defer_once_each(world: World) -> None:
    child = inngest.reference_function(function_id="child")

    def body(ctx: Any) -> Any:
        def branch(name: str) -> Any:
            def steps(ctx: Any) -> Any:
                yield ctx.step.run(name, world.step())
                yield ctx.step.defer(f"later-{name}", function=child, data={"n": name})

            return world.branch(steps, ctx)

        yield ctx.group.parallel((branch("a"), branch("b")))

    world.function(body)
    assert world.call().ops == [("StepPlanned", "a"), ("StepPlanned", "b")]
    memos = {hashed("a"): {"data": None}}
    first, *told = world.call(memos=memos, target=hashed("b"), plan_only=True).ops
    assert first == ("StepRun", "b")
    memos[hashed("b")] = {"data": None}
    known = {hashed(name): {"abortable": True} for _, name in told}
    told += world.call(memos=memos, defers=known).ops
    assert told == [
        ("DeferAdd", "later-a"),
        ("DeferAdd", "later-b"),
        ("RunComplete", "complete"),
    ]


def test_a_step_defers_nothing(world: World) -> None:
    child = inngest.reference_function(function_id="child")

    def body(ctx: Any) -> Any:
        def work() -> Any:
            return ctx.step.defer("later", function=child)

        async def work_async() -> Any:
            return await work()

        yield ctx.step.run("a", work_async if world.is_async else work)

    world.function(body)
    op = only_op(world.call())
    assert (op["op"], op["error"]["code"]) == ("StepFailed", "step_nested")


def test_what_middleware_changes_of_a_deferred_call_is_what_is_told(make_world: Make) -> None:
    class Hide(inngest.MiddlewareSync):
        def transform_output(self, result: inngest.TransformOutputResult) -> None:
            if result.step is not None and result.step.op.value == "DeferAdd":
                assert result.step.opts is not None
                result.step.opts["input"] = {"hidden": True}

    world = make_world(middleware=[Hide])
    world.function(deferring(world, is_aborted=False))
    _, added = world.call().body
    assert added["opts"]["input"] == {"hidden": True}


def test_the_trigger_of_deferred_calls_names_the_function(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield from ()

    made = world.function(body, fn_id="it's", trigger=inngest.TriggerDeferred())
    (trigger,) = made.get_config("http://app.test").main.triggers
    assert trigger.to_dict() == {
        "event": "inngest/deferred.schedule",
        "expression": "event.data._inngest.fn_slug == 'app-it\\'s'",
    }


# metadata


def test_metadata_of_the_run(world: World) -> None:
    def body(ctx: Any) -> Any:
        yield ctx.step.update_metadata("note", {"stage": 2}, kind="progress", op="set")

    world.function(body)
    asked, answer = answered(None)
    with redirected(world.client, answer):
        assert world.play().status == 200
    (request,) = asked
    assert request.url.endswith("/v1/runs/R/metadata")
    assert json.loads(request.body) == {
        "target": {},
        "metadata": [{"kind": "userland.progress", "op": "set", "values": {"stage": 2}}],
    }


@pytest.mark.parametrize(
    ("values", "options", "word"),
    [
        ({"a": object()}, {}, "values"),
        ({"a": "x" * 70_000}, {}, "values"),
        ({}, {"kind": ""}, "kind"),
        ({}, {"op": "replace"}, "op"),
        ({}, {"run_id": "../x"}, "run_id"),
    ],
)
def test_metadata_that_cannot_be_noted(
    make_client: Callable[[], inngest.Inngest], values: Any, options: Any, word: str
) -> None:
    with pytest.raises(UpdateMetadataError, match=f"^{word}: ") as caught:
        make_client().update_metadata_sync(**{"run_id": "R", "values": values, **options})
    assert not caught.value.is_retriable


@pytest.mark.parametrize(("status", "is_retriable"), [(500, True), (404, False)])
def test_metadata_that_the_server_refuses(
    make_client: Callable[[], inngest.Inngest], status: int, is_retriable: bool
) -> None:
    client = make_client()
    _, answer = answered({"error": "no"}, status=status)
    with redirected(client, answer), pytest.raises(UpdateMetadataError) as caught:
        client.update_metadata_sync("R", {})
    assert caught.value.is_retriable is is_retriable


# ai.wrap, edited input


def test_a_wrapped_call_shows_its_input_and_takes_another(world: World) -> None:
    def ask(order: Order, times: int) -> str:
        assert type(order) is Order
        return order.order_id * times

    def body(ctx: Any) -> Any:
        return (yield ctx.step.ai.wrap("ask", world.step(ask), Order(order_id="A"), 2))

    world.function(body)
    op = only_op(world.call())
    assert (op["op"], op["data"]) == ("StepRun", "AA")
    assert op["opts"] == {"type": "step.ai.wrap", "input": [{"order_id": "A"}, 2]}
    memos = {hashed("ask"): {"input": [{"order_id": "B"}, 3]}}
    assert only_op(world.call(memos=memos, target=hashed("ask")))["data"] == "BBB"


def test_input_that_is_not_json_is_not_shown(world: World) -> None:
    def body(ctx: Any) -> Any:
        return (yield ctx.step.ai.wrap("ask", world.step(lambda model: 1), object()))

    world.function(body)
    op = only_op(world.call())
    assert (op["data"], op["opts"]) == (1, {"type": "step.ai.wrap"})


def test_edited_input_that_does_not_fit_fails_the_step_for_good(world: World) -> None:
    def charge(order: Order) -> str:
        return order.order_id

    def body(ctx: Any) -> Any:
        return (yield ctx.step.run("charge", world.step(charge), Order(order_id="A")))

    world.function(body)
    memos = {hashed("charge"): {"input": [{"order_id": 7}]}}
    op = only_op(world.call(memos=memos, target=hashed("charge")))
    assert op["op"] == "StepFailed"
    assert 'the edited input of step "charge"' in op["error"]["message"]


def test_the_answer_of_the_server_is_not_read_by_the_clients_serializer(make_world: Make) -> None:
    class Reversed:
        def serialize(self, obj: object, typ: object) -> object:
            return str(obj)[::-1]

        def deserialize(self, obj: object, typ: object) -> object:
            return str(obj)[::-1]

    world = make_world(serializer=Reversed())

    def body(ctx: Any) -> Any:
        event = yield ctx.step.wait_for_event("w", event="e", timeout=1000)
        signal = yield ctx.step.wait_for_signal("s", signal="s", timeout=1000)
        return f"{event.name} {signal.data}"

    world.function(body)
    memos = {
        hashed("w"): {"name": "e", "data": {}},
        hashed("s"): {"data": {"signal": "s", "data": 1}},
    }
    assert world.call(memos=memos).body == "1 e"
