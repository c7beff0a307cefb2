"""Random programs end alike whatever surrounds them: middleware, serializers, checkpoints."""

from __future__ import annotations

import asyncio
import datetime
import json
import random
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pydantic
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

import inngest
from inngest.dev.testing import VirtualEngine
from inngest.encryption import EncryptionMiddleware
from inngest.experimental.remote_state_middleware import InMemoryDriver, RemoteStateMiddleware
from inngest.experimental.sentry_middleware import SentryMiddleware
from inngest.middleware import Opcode
from inngest.otel import OpenTelemetryMiddleware

from .bodies import handler_of
from .test_random_programs import Bystander, BystanderSync

PROGRAMS = 24
"""Each is run twice: alone, and surrounded."""

Steps = Generator[Any, Any, Any]
Program = Sequence[tuple[str, str, Any]]
"""Kind, step id, and the branches of a group."""


class Card(pydantic.BaseModel):
    number: str
    until: datetime.date


CARD = Card(number="4111", until=datetime.date(2027, 1, 31))
PAID = inngest.EventType("paid", Card)


class Tagging:
    """A serializer with its own format."""

    def serialize(self, obj: Any, typ: object) -> object:
        if isinstance(obj, Card):
            return {"card": obj.model_dump(mode="json")}
        return {"plain": obj}

    def deserialize(self, obj: Any, typ: object) -> object:
        return Card.model_validate(obj["card"]) if "card" in obj else obj["plain"]


class Packing(inngest.MiddlewareSync):
    """Encodes outputs as text with the hooks that existing apps use."""

    def transform_input(self, ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
        for memo in steps.values():
            match memo.data:
                case {"packed": text}:
                    memo.data = json.loads(str(text))

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        is_output = result.step is None or result.step.op is Opcode.STEP_RUN
        if is_output and result.error is None and result.has_output():
            result.output = {"packed": json.dumps(result.output)}


TRACING = OpenTelemetryMiddleware.factory(
    tracer_provider=TracerProvider(), meter_provider=MeterProvider()
)
MIDDLEWARE: dict[str, Callable[[], Any]] = {
    "encryption": lambda: EncryptionMiddleware.factory("a secret"),
    "decryption": lambda: EncryptionMiddleware.factory("a secret", decrypt_only=True),
    "opentelemetry": lambda: TRACING,
    "remote state": lambda: RemoteStateMiddleware.factory(InMemoryDriver()),
    "sentry": lambda: SentryMiddleware,
    "packing": lambda: Packing,
    "bystander": lambda: Bystander,
    "sync bystander": lambda: BystanderSync,
}
CHECKPOINTS: list[Any] = [False, True, inngest.Checkpointing(buffered_steps=3)]


@dataclass
class Surroundings:
    """The configuration that must not affect the outcome."""

    is_async: bool
    names: Sequence[str] = ()
    of_client: int = 0
    """So many of the middleware are the client's; the others are the functions'."""
    checkpointing: Any = False
    serializer: Any = None

    @classmethod
    def random(cls, rng: random.Random) -> Surroundings:
        names = rng.sample(list(MIDDLEWARE), rng.randint(1, 3))
        return cls(
            is_async=rng.random() < 0.5,
            names=names,
            of_client=rng.randint(0, len(names)),
            checkpointing=rng.choice(CHECKPOINTS),
            serializer=Tagging() if rng.random() < 0.3 else None,
        )


@dataclass
class Shop:
    """An app whose main function runs a program; all that its code does and sees is recorded."""

    around: Surroundings
    functions: dict[str, inngest.Function[Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        listed = [MIDDLEWARE[name]() for name in self.around.names]
        self.own = listed[self.around.of_client :]
        self.client = inngest.Inngest(
            app_id="shop",
            is_production=False,
            plugins=False,
            middleware=listed[: self.around.of_client],
            checkpointing=self.around.checkpointing,
            serializer=self.around.serializer,
        )

    def function(self, fn_id: str, body: Callable[[Any], Steps], **options: Any) -> None:
        options = {"retries": 1, "trigger": inngest.TriggerEvent(event=fn_id), **options}
        declare = self.client.create_function(fn_id=fn_id, middleware=self.own, **options)
        self.functions[fn_id] = declare(self.handler(body))

    def handler(self, body: Callable[[Any], Steps]) -> Any:
        return handler_of(body, is_async=self.around.is_async)

    def step(self, name: str, work: Callable[[int], Any], typ: Any = None) -> Any:
        """Make a handler annotated with ``typ``; ``work`` gets the number of its execution."""

        def run_sync(*args: Any) -> Any:
            self.calls[name] += 1
            return work(self.calls[name])

        async def run_async(*args: Any) -> Any:
            await asyncio.sleep(0)
            return run_sync()

        made = run_async if self.around.is_async else run_sync
        made.__annotations__["return"] = typ or Any
        return made

    def note(self, who: str, data: Any) -> None:
        own = {key: data[key] for key in data if key != "_inngest"}
        self.told.append(f"{who} {json.dumps(own, sort_keys=True)}")


def plain(shop: Shop, ctx: Any, name: str) -> Steps:
    return (yield ctx.step.run(name, shop.step(name, lambda _: {"v": [1, None, "ä"]})))


def typed(shop: Shop, ctx: Any, name: str) -> Steps:
    card = yield ctx.step.run(name, shop.step(name, lambda _: CARD, Card))
    return [type(card).__name__, str(card.until)]


def fails(shop: Shop, ctx: Any, name: str) -> Steps:
    def work(_: int) -> None:
        raise inngest.NonRetriableError(f"{name} failed")

    yield ctx.step.run(name, shop.step(name, work))


def again(shop: Shop, ctx: Any, name: str) -> Steps:
    def work(time: int) -> int:
        if time == 1:
            raise inngest.RetryAfterError("later", timedelta(seconds=5))
        return time

    return (yield ctx.step.run(name, shop.step(name, work)))


def sends(shop: Shop, ctx: Any, name: str) -> Steps:
    data: Any = {"encrypted": {"until": CARD.until}, "by": name}
    ids = yield ctx.step.send_event(name, inngest.Event(name="told", data=data))
    return len(ids)


def defers(shop: Shop, ctx: Any, name: str) -> Steps:
    made = ctx.step.defer(name, function=shop.functions["later"], data={"encrypted": name})
    if shop.around.is_async:
        yield made
    yield from ()


def invokes(shop: Shop, ctx: Any, name: str) -> Steps:
    card = yield ctx.step.invoke(name, function=shop.functions["find"], data={"encrypted": name})
    return [type(card).__name__, card.number]


def invokes_in_vain(shop: Shop, ctx: Any, name: str) -> Steps:
    yield ctx.step.invoke(name, function=shop.functions["broken"], data={"encrypted": name})


def waits(shop: Shop, ctx: Any, name: str) -> Steps:
    event = yield ctx.step.wait_for_event(name, event=PAID, timeout="1h")
    return event and [type(event.data).__name__, event.data.number]


def shows(shop: Shop, ctx: Any, name: str) -> Steps:
    return (yield ctx.step.ai.wrap(name, shop.step(name, lambda _: "shown"), CARD, 3))


def sleeps(shop: Shop, ctx: Any, name: str) -> Steps:
    yield ctx.step.sleep(name, 60_000)


KINDS: dict[str, Callable[[Shop, Any, str], Steps]] = {
    each.__name__: each
    for each in (
        *(
            plain,
            typed,
            fails,
            again,
            sends,
            defers,
            invokes,
            invokes_in_vain,
            waits,
            shows,
            sleeps,
        ),
    )
}


def program_of(rng: random.Random, depth: int = 0, name: str = "n") -> Program:
    made: list[tuple[str, str, Any]] = []
    for number in range(rng.randint(1 if depth == 0 else 0, 4 - depth)):
        inner = f"{name}{number}"
        if depth < 2 and rng.random() < 0.2:
            branches = [program_of(rng, depth + 1, f"{inner}.{n}.") for n in range(2)]
            made.append(("group", inner, branches))
        else:
            made.append((rng.choice(list(KINDS)), inner, None))
    return made


def interpret(shop: Shop, program: Program, ctx: Any) -> Steps:
    seen: list[Any] = []
    for kind, name, branches in program:
        try:
            if kind == "group":
                bodies = [shop.handler(partial(interpret, shop, branch)) for branch in branches]
                seen.append(
                    list((yield ctx.group.parallel(tuple(partial(each, ctx) for each in bodies))))
                )
            else:
                seen.append((yield from KINDS[kind](shop, ctx, name)))
        except inngest.StepError as error:
            seen.append([error.name, error.message])
    return seen


@dataclass(frozen=True)
class Story:
    program: Program
    ends: str
    events: int

    @classmethod
    def random(cls, rng: random.Random) -> Story:
        ends = rng.choice(["returns", "returns", "raises", "step fails"])
        return cls(program_of(rng), ends, rng.choice([1, 1, 2]))

    def outcome(self, around: Surroundings) -> Any:
        """Run the story, and return everything that its code did and saw."""
        shop = Shop(around)

        def notes(who: str, gives: Any = None) -> Callable[[Any], Steps]:
            def body(ctx: Any) -> Steps:
                shop.note(who, ctx.event.data)
                if isinstance(gives, Exception):
                    raise gives
                yield from ()
                return gives

            return body

        def main(ctx: Any) -> Steps:
            events = [event.data["encrypted"] for event in ctx.events]
            seen = yield from interpret(shop, self.program, ctx)
            shop.told.append(f"main {json.dumps([events, seen])}")
            if self.ends == "raises":
                raise inngest.NonRetriableError("the end")
            if self.ends == "step fails":
                yield from fails(shop, ctx, "last")

        def failed(ctx: Any) -> Steps:
            data = ctx.event.data
            cleaned = yield ctx.step.run("clean", shop.step("clean", lambda _: "cleaned"))
            about = [event["data"] for event in data.get("events") or [data["event"]]]
            shop.note("failed", {"of": about, "why": data["error"]["message"], "did": cleaned})

        together: dict[str, Any] = {}
        if self.events > 1:
            together["batch_events"] = inngest.Batch(max_size=self.events, timeout="10s")
        shop.function("later", notes("later"), trigger=inngest.TriggerDeferred())
        shop.function("find", notes("find", CARD), output_type=Card)
        shop.function("broken", notes("broken", inngest.NonRetriableError("no luck")))
        shop.function("told", notes("told"))
        shop.function("main", main, on_failure=shop.handler(failed), **together)
        with VirtualEngine(shop.client, list(shop.functions.values())) as engine:
            data = [{"encrypted": {"n": n}} for n in range(self.events)]
            shop.client.send_sync([inngest.Event(name="main", data=each) for each in data])
            paid: inngest.Event[Any] = PAID.create(CARD)
            for _ in range(4):
                engine.settle()
                shop.client.send_sync(paid)
                engine.advance(timedelta(minutes=20))
            engine.advance(timedelta(days=1))
            (run,) = engine.runs(shop.functions["main"])
            return run.status, len(engine.runs()), shop.calls, _once(shop.told)


def _once(told: list[str]) -> list[str]:
    """Ignore the order, and repetitions by replays of the end of the main function."""
    return sorted({each for each in told if each.startswith("main ")}) + sorted(
        each for each in told if not each.startswith("main ")
    )


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_surroundings_make_no_difference(seed: int) -> None:
    rng = random.Random(seed)
    story = Story.random(rng)
    around = Surroundings.random(rng)
    expected = story.outcome(Surroundings(is_async=not around.is_async))
    assert story.outcome(around) == expected
