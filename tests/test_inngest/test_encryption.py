"""Encryption, in every world: what is stored, who can read it, what is said when nobody can."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Callable, Generator
from decimal import Decimal
from typing import Any

import pydantic
import pytest

import inngest
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.runtime.http_clients import HTTPClients
from inngest.dev.testing import VirtualEngine
from inngest.encryption import EncryptionMiddleware
from inngest.errors import MiddlewareError
from inngest.experimental.remote_state_middleware import InMemoryDriver, RemoteStateMiddleware

from .conftest import Make
from .golden.encrypted import SECRET, decrypted
from .worlds import Reply, World

Steps = Generator[Any, Any, Any]
OTHER = "another secret"


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode()).hexdigest()


def sealed(value: object, secret: str = SECRET) -> Any:
    """Encrypt a value in the format that all packages of the ecosystem share."""
    client = inngest.Inngest(app_id="app", is_production=False, plugins=False)
    return dict(EncryptionMiddleware(client, None, secret)._keys.encrypt(value, "x"))


def opened(value: Any) -> object:
    assert set(value) == {"__ENCRYPTED__", "__STRATEGY__", "data"}
    return decrypted(value["data"])


class Sent(HTTPClients):
    """Collects events."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def fetch(self, request: Request) -> Response | FetchError:
        events = json.loads(request.body)
        self.events += events
        ids = [f"id-{index}" for index, _ in enumerate(events)]
        return Response(status=200, headers={}, body=json.dumps({"ids": ids}).encode())

    async def fetch_async(self, request: Request) -> Response | FetchError:
        return self.fetch(request)


@pytest.fixture
def world(make_world: Make) -> World:
    return encrypting(make_world)


def encrypting(make_world: Make, secret: str = SECRET, **options: Any) -> World:
    made = make_world(middleware=[EncryptionMiddleware.factory(secret, **options)], plugins=False)
    made.client._http = Sent()
    return made


def sent_by(world: World) -> list[dict[str, Any]]:
    assert isinstance(world.client._http, Sent)
    return world.client._http.events


@pytest.mark.parametrize("later", ["cleared", "changed", "set"])
def test_the_key_counts_that_a_client_was_made_with(
    monkeypatch: pytest.MonkeyPatch, later: str
) -> None:
    """Nothing is sent in clear because the environment was cleared meanwhile, or filled."""
    monkeypatch.setenv("INNGEST_ENCRYPTION_KEY", SECRET)
    if later == "set":
        monkeypatch.delenv("INNGEST_ENCRYPTION_KEY")
    client = inngest.Inngest(app_id="app", is_production=False)
    client._http = sent = Sent()
    match later:
        case "cleared":
            monkeypatch.delenv("INNGEST_ENCRYPTION_KEY")
        case "changed":
            monkeypatch.setenv("INNGEST_ENCRYPTION_KEY", OTHER)
        case "set":
            monkeypatch.setenv("INNGEST_ENCRYPTION_KEY", SECRET)
    for _ in range(2):
        client.send_sync(inngest.Event(name="e", data={"encrypted": "Ada"}))
    assert [opened(event["data"]["encrypted"]) for event in sent.events] == ["Ada"] * 2


class Card(pydantic.BaseModel):
    number: str
    until: datetime.date


CARD = Card(number="4111-1111", until=datetime.date(2027, 1, 31))


def paying(world: World) -> Callable[[Any], Steps]:
    def find() -> Card:
        return CARD

    def body(ctx: Any) -> Steps:
        card = yield ctx.step.run("find", world.step(find))
        assert card == CARD
        nothing = yield ctx.step.run("nothing", world.step(lambda: None))
        assert nothing is None
        return {"charged": card.number, "for": ctx.event.data["encrypted"]}

    return body


def test_what_is_stored_is_encrypted_and_what_code_sees_is_not(world: World) -> None:
    world.function(paying(world))
    memos: dict[str, Any] = {}
    data = {"encrypted": sealed({"name": "Ada"}), "open": 1}
    reply = world.play(memos=memos, event={"data": data})
    assert opened(reply.body) == {"charged": "4111-1111", "for": {"name": "Ada"}}
    assert opened(memos[hashed("find")]["data"]) == {"number": "4111-1111", "until": "2027-01-31"}
    assert opened(memos[hashed("nothing")]["data"]) is None


def test_plain_values_of_the_time_before_are_read(world: World) -> None:
    world.function(paying(world))
    memos = {
        hashed("find"): {"data": CARD.model_dump(mode="json")},
        hashed("nothing"): {"data": None},
    }
    reply = world.play(memos=memos, event={"data": {"encrypted": "Ada"}})
    assert opened(reply.body) == {"charged": "4111-1111", "for": "Ada"}


def test_decrypt_only_sends_plain_values_and_reads_both(make_world: Make) -> None:
    world = encrypting(make_world, decrypt_only=True)
    world.function(paying(world))
    memos: dict[str, Any] = {hashed("find"): {"data": sealed(CARD.model_dump(mode="json"))}}
    reply = world.play(memos=memos, event={"data": {"encrypted": sealed("Ada")}})
    assert reply.body == {"charged": "4111-1111", "for": "Ada"}
    assert memos[hashed("nothing")] == {"data": None}
    world.client.send_sync(inngest.Event(name="x", data={"encrypted": "Ada"}))
    assert sent_by(world)[0]["data"] == {"encrypted": "Ada"}


def test_a_rotated_key_reads_what_the_old_one_stored(make_world: Make) -> None:
    older = sealed(CARD.model_dump(mode="json"), "the oldest")
    world = encrypting(make_world, fallback_decryption_keys=[OTHER, "the oldest"])
    world.function(paying(world))
    reply = world.play(
        memos={hashed("find"): {"data": older}},
        event={"data": {"encrypted": sealed("Ada", OTHER)}},
    )
    assert opened(reply.body) == {"charged": "4111-1111", "for": "Ada"}


def broken(value: Any) -> Any:
    raw = bytearray(base64.b64decode(value["data"]))
    raw[-1] ^= 1
    return {**value, "data": base64.b64encode(raw).decode()}


CARD_JSON = CARD.model_dump(mode="json")


@pytest.mark.parametrize("stored", [sealed(CARD_JSON, OTHER), broken(sealed(CARD_JSON))])
def test_an_output_that_nobody_can_read_ends_the_run_and_names_the_step(
    world: World, stored: Any
) -> None:
    def body(ctx: Any) -> Steps:
        try:
            yield ctx.step.run("find", world.step(lambda: CARD))
        except Exception:
            return "user code went on"

    world.function(body)
    reply = world.call(memos={hashed("find"): {"data": stored}})
    assert_ended(reply, 'the output of step "find" cannot be decrypted')


@pytest.mark.parametrize("stored", [sealed("Ada", OTHER), broken(sealed("Ada"))])
def test_an_event_that_nobody_can_read_ends_the_run_and_is_named(world: World, stored: Any) -> None:
    world.function(paying(world))
    reply = world.call(event={"name": "test/paid", "data": {"encrypted": stored}})
    assert_ended(reply, """the data of event "test/paid", field 'encrypted', cannot be decrypted""")


def assert_ended(reply: Reply, reason: str) -> None:
    assert reply.status == 500
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert reason in reply.body["message"]


def test_events_are_encrypted_in_their_fields(make_world: Make) -> None:
    world = encrypting(make_world, event_encryption_field=("card", "name"))
    event = inngest.Event(name="x", data={"card": {"n": 1}, "name": "Ada", "encrypted": "open"})

    def body(ctx: Any) -> Steps:
        ids = yield ctx.step.send_event("send", [event, inngest.Event(name="y", data={"z": 1})])
        return {"ids": ids, "data": ctx.event.data}

    world.function(body)
    first = {"card": sealed(1), "encrypted": sealed(2)}
    reply = world.play(event={"data": first})
    told = {"ids": ["id-0", "id-1"], "data": {"card": 1, "encrypted": first["encrypted"]}}
    assert opened(reply.body) == told
    one, two = sent_by(world)
    assert (opened(one["data"]["card"]), opened(one["data"]["name"])) == ({"n": 1}, "Ada")
    assert one["data"]["encrypted"] == "open"
    assert two["data"] == {"z": 1}
    assert event.data["card"] == {"n": 1}, "the caller's event was changed"


def test_fields_of_other_names_and_whole_data_are_read(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield from ()
        return ctx.event.data

    world.function(body)
    data = {"a": 1, "theirs": sealed({"b": 2}), "second": sealed("left")}
    told = opened(world.play(event={"data": data}).body)
    assert told == {"a": 1, "theirs": {"b": 2}, "second": data["second"]}
    whole = {**sealed({"b": 2}), "_inngest": {"fn_id": "f"}}
    assert opened(world.play(event={"data": whole}).body) == {"b": 2, "_inngest": {"fn_id": "f"}}
    reply = world.call(event={"data": sealed([1])})
    assert_ended(reply, "is not an object once it is decrypted")


class Order(pydantic.BaseModel):
    id: int
    encrypted: Card


PLACED = inngest.EventType("shop/placed", Order)


def test_typed_events_keep_their_types(world: World) -> None:
    def body(ctx: Any) -> Steps:
        assert ctx.event.data.encrypted == CARD
        sent = PLACED.create(Order(id=2, encrypted=CARD))
        yield ctx.step.send_event("send", sent)
        found = yield ctx.step.wait_for_event("wait", event=PLACED, timeout=1000)
        return found.data.encrypted.number

    world.function(body, trigger=PLACED)
    data = {"id": 1, "encrypted": sealed(CARD.model_dump(mode="json"))}
    assert world.call(event={"name": "shop/placed", "data": data}).status == 206
    assert sent_by(world)[0]["data"]["id"] == 2
    assert opened(sent_by(world)[0]["data"]["encrypted"]) == CARD.model_dump(mode="json")
    memos = {
        hashed("send"): {"data": sealed(["id-0"])},
        hashed("wait"): {"name": "shop/placed", "data": data, "id": "E2", "ts": 2},
    }
    reply = world.call(event={"name": "shop/placed", "data": data}, memos=memos)
    assert opened(reply.body) == CARD.number
    memos[hashed("wait")]["data"] = {"encrypted": sealed(1, OTHER)}
    reply = world.call(event={"name": "shop/placed", "data": data}, memos=memos)
    assert_ended(reply, """the output of step "wait", field 'encrypted', cannot be decrypted""")


def test_parallel_steps_and_invocations_are_encrypted_each(world: World) -> None:
    child = world.function(paying(world), "child")

    def running(name: str) -> Callable[[Any], Steps]:
        def body(ctx: Any) -> Steps:
            return (yield ctx.step.run(name, world.step(lambda: name)))

        return body

    def invoking(ctx: Any) -> Steps:
        data = {"encrypted": "Ada", "open": 1}
        return (yield ctx.step.invoke("call", function=child, data=data))

    def body(ctx: Any) -> Steps:
        bodies = (running("a"), running("b"), invoking)
        return list((yield ctx.group.parallel(tuple(world.branch(one, ctx) for one in bodies))))

    parent = world.function(body, "parent")
    planned = world.call(parent)
    assert [op for op, _ in planned.ops] == ["StepPlanned", "StepPlanned", "InvokeFunction"]
    data = planned.body[2]["opts"]["payload"]["data"]
    assert opened(data["encrypted"]) == "Ada" and data["open"] == 1
    memos = {hashed("call"): {"data": sealed("paid")}}
    for name in "ab":
        reply = world.call(parent, memos=memos, target=hashed(name), plan_only=True)
        assert opened(reply.body[0]["data"]) == name
        memos[hashed(name)] = {"data": reply.body[0]["data"]}
    assert opened(world.call(parent, memos=memos).body) == ["a", "b", "paid"]


def test_deferred_calls_and_shown_arguments_are_encrypted(world: World) -> None:
    later = world.function(paying(world), "later", trigger=inngest.TriggerDeferred())

    def body(ctx: Any) -> Steps:
        yield ctx.step.defer("pay", function=later, data={"encrypted": "Ada", "open": 1})
        return (yield ctx.step.ai.wrap("ask", world.step(str.upper), "who is Ada?"))

    reply = world.call(world.function(body, "parent"))
    by_kind = {op: each for (op, _), each in zip(reply.ops, reply.body, strict=True)}
    given = by_kind["DeferAdd"]["opts"]["input"]
    assert opened(given) == {"encrypted": "Ada", "open": 1}
    (shown,) = by_kind["StepRun"]["opts"]["input"]
    assert opened(shown) == "who is Ada?"
    assert opened(by_kind["StepRun"]["data"]) == "WHO IS ADA?"

    def seeing(ctx: Any) -> Steps:
        yield from ()
        return [ctx.event.data["encrypted"], ctx.event.data["_inngest"]]

    scheduled = {**given, "_inngest": {"fn_slug": "app-seeing"}}
    seen = world.call(world.function(seeing, "seeing"), event={"name": "e", "data": scheduled})
    assert opened(seen.body) == ["Ada", {"fn_slug": "app-seeing"}]


def test_a_failure_handler_sees_the_event_in_clear(world: World) -> None:
    seen: list[Any] = []

    def cleanup(ctx: Any) -> Steps:
        seen.append(ctx.event.data)
        return (yield ctx.step.run("clean", world.step(lambda: "clean")))

    world.function(paying(world), on_failure=world.handler(cleanup))
    event = {"name": "x", "data": {"encrypted": sealed("Ada")}, "id": "E", "ts": 1}
    unread = {**event, "data": {"encrypted": sealed("Ada", OTHER)}}
    data = {"error": {"name": "E", "message": "m"}, "event": event, "events": [event, unread, 1]}
    failed = {"name": "inngest/function.failed", "data": data}
    reply = world.play(fn_id="app-fn-failure", event=failed)
    assert opened(reply.body) == "clean"
    opened_event = {**event, "data": {"encrypted": "Ada"}}
    assert seen[0]["event"] == opened_event
    assert seen[0]["events"] == [opened_event, unread, 1]


def test_another_strategy_is_passed_through(world: World) -> None:
    theirs = {"__ENCRYPTED__": True, "__STRATEGY__": "acme/kms", "data": "x"}

    def body(ctx: Any) -> Steps:
        return (yield ctx.step.run("a", world.step(lambda: 1)))

    world.function(body)
    assert opened(world.call(memos={hashed("a"): {"data": theirs}}).body) == theirs


@pytest.mark.parametrize("variables", [{"INNGEST_ENCRYPTION_KEY": SECRET}, {}])
def test_installed_and_given_a_key_it_works_and_twice_is_once(
    make_world: Make, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    options: Any = {} if variables else {"plugin_options": {"encryption": {"secret_key": SECRET}}}
    listed = EncryptionMiddleware.factory(SECRET)
    for middleware in ([], [listed], [listed, listed]):
        world = make_world(middleware=middleware, plugins=["encryption"], **options)
        world.client._http = Sent()
        world.function(paying(world))
        reply = world.play(event={"data": {"encrypted": sealed("Ada")}})
        assert opened(reply.body) == {"charged": "4111-1111", "for": "Ada"}
        world.client.send_sync(inngest.Event(name="x", data={"encrypted": "Ada"}))
        assert opened(sent_by(world)[0]["data"]["encrypted"]) == "Ada"


def test_a_slip_in_its_settings_sends_nothing(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_ENCRYPTION_KEY", "")
    world = make_world(plugins=["encryption"])
    world.client._http = Sent()
    world.function(paying(world))
    reply = world.call()
    assert reply.status == 500
    assert "INNGEST_ENCRYPTION_KEY is set, and empty" in reply.body["message"]
    assert "x-inngest-no-retry" not in reply.headers
    with pytest.raises(MiddlewareError, match="INNGEST_ENCRYPTION_KEY"):
        world.client.send_sync(inngest.Event(name="x", data={"encrypted": "Ada"}))
    assert sent_by(world) == []


def test_data_that_is_not_json_is_named_and_not_shown(world: World) -> None:
    event = inngest.Event(name="x", data={"encrypted": {"key": "secret", "at": object()}})
    refusal = 'the data of event "x" cannot be encrypted: data.encrypted.at: a object is not JSON'
    with pytest.raises(inngest.NonRetriableError, match=refusal) as caught:
        world.client.send_sync(event)
    assert "secret" not in str(caught.value)
    assert sent_by(world) == []


def test_keys_of_a_client_and_of_a_function_open_what_both_have_encrypted() -> None:
    client = inngest.Inngest(
        app_id="shop", middleware=[EncryptionMiddleware.factory(SECRET)], plugins=False
    )
    own: Any = [EncryptionMiddleware.factory(OTHER)]
    seen: dict[str, Any] = {}

    @client.create_function(
        fn_id="bill",
        trigger=[inngest.TriggerEvent(event="bill"), inngest.TriggerDeferred()],
        middleware=own,
    )
    def bill(ctx: inngest.ContextSync) -> str:
        seen[str(ctx.event.data["by"])] = ctx.event.data["encrypted"]
        return "billed"

    @client.create_function(
        fn_id="buy", trigger=inngest.TriggerEvent(event="buy"), middleware=own, retries=0
    )
    def buy(ctx: inngest.ContextSync) -> str:
        seen["step"] = ctx.step.run("step", lambda: {"card": "4111"})
        data = {"encrypted": "Ada"}
        billed = ctx.step.invoke("bill", function=bill, data={**data, "by": "invoke"})
        ctx.step.send_event("send", inngest.Event(name="bill", data={**data, "by": "send"}))
        ctx.step.defer("later", function=bill, data={**data, "by": "defer"})
        return billed

    with VirtualEngine(client, [bill, buy]) as engine:
        assert engine.send(inngest.Event(name="buy")).status == "Completed"
    told = {"invoke": "Ada", "send": "Ada", "defer": "Ada"}
    assert seen == {"step": {"card": "4111"}, **told}


def test_shown_arguments_come_back_edited_or_not(world: World) -> None:
    """A person who edits one argument leaves the others as they were shown: encrypted."""

    def charge(card: Card, times: int) -> str:
        return card.number * times

    async def charge_async(card: Card, times: int) -> str:
        return charge(card, times)

    def body(ctx: Any) -> Steps:
        work = charge_async if world.is_async else charge
        return (yield ctx.step.ai.wrap("charge", work, CARD, 1))

    world.function(body)
    planned = world.call(plan_only=True)
    (card, _) = planned.body[0]["opts"]["input"]
    reply = world.call(memos={hashed("charge"): {"input": [card, 2]}})
    assert opened(reply.body[0]["data"]) == "4111-11114111-1111"


SENDABLE: list[Any] = [
    datetime.date(2027, 1, 31),
    Decimal("1.5"),
    {"at": datetime.datetime(2027, 1, 31, tzinfo=datetime.timezone.utc), "price": Decimal("1.50")},
    CARD,
    {"cards": [CARD], "paid": (1, 2), "raw": b"abc", "by number": {1: "one"}},
]


@pytest.mark.parametrize("value", SENDABLE, ids=str)
def test_what_can_be_sent_can_be_sent_encrypted(make_world: Make, value: Any) -> None:
    event = inngest.Event(name="x", data={"encrypted": value, "open": value})
    world = encrypting(make_world)
    world.client.send_sync(event)
    (sent,) = sent_by(world)
    assert opened(sent["data"]["encrypted"]) == sent["data"]["open"]
    assert event.data["encrypted"] is value


class Noting(InMemoryDriver):
    """A remote state driver that records its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Any] = []

    def save_step(self, run_id: str, value: object) -> dict[str, object]:
        self.given.append(value)
        return super().save_step(run_id, value)


@pytest.mark.parametrize("is_first", [False, True])
def test_a_remote_store_is_given_what_is_encrypted(make_world: Make, is_first: bool) -> None:
    driver = Noting()
    listed = [EncryptionMiddleware.factory(SECRET), RemoteStateMiddleware.factory(driver)]
    world = make_world(middleware=listed[:: -1 if is_first else 1], plugins=False)
    world.function(paying(world))
    memos: dict[str, Any] = {}
    reply = world.play(memos=memos, event={"data": {"encrypted": sealed("Ada")}})
    told = {"charged": "4111-1111", "for": "Ada"}
    assert [opened(value) for value in driver.given] == [CARD_JSON, None, told]
    assert CARD.number not in json.dumps([memos, reply.body])
