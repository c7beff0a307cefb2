"""Traces, metrics and logs, in every world: one span for what is done once, ids that stay."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pydantic
import pytest
from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)

import inngest
from inngest.connect.protocol import wire
from inngest.dev._internal.connect import hub
from inngest.otel import RunLogFilter

from .conftest import Make
from .connect_platform import Platform, eventually, made, working
from .test_encryption import Sent, opened
from .test_encryption import sealed as encrypted
from .worlds import World

Steps = Generator[Any, Any, Any]
TRACE = 0x855669B805E0669B4143F3AD776B10F2
SENDER = 0x11111111111111111111111111111111
SERVER = {"traceparent": f"00-{TRACE:032x}-ff7abee9b25cf09d-01"}


def carrier(trace_id: int = SENDER, span_id: int = 0xAB, flags: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{trace_id:032x}-{span_id:016x}-{flags}"}


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode()).hexdigest()


class Backend:
    """Collects spans and metrics."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader])

    @property
    def options(self) -> dict[str, Any]:
        return {"tracer_provider": self.tracers, "meter_provider": self.meters}

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (found,) = self.named(name)
        return found

    def clear(self) -> None:
        self._exporter.clear()

    def measured(self) -> dict[str, dict[str, Any]]:
        """Return sums, and counts of histograms, by instrument and attribute values."""
        data = json.loads(self._reader.get_metrics_data().to_json())  # type: ignore[union-attr]
        metrics = [
            metric
            for resource in data["resource_metrics"]
            for scope in resource["scope_metrics"]
            for metric in scope["metrics"]
        ]
        return {
            metric["name"]: {
                " ".join(str(value) for _, value in sorted(point["attributes"].items())): point.get(
                    "value", point.get("count")
                )
                for point in metric["data"]["data_points"]
            }
            for metric in metrics
            if metric["name"].startswith("inngest.")
        }


@pytest.fixture
def backend(caplog: pytest.LogCaptureFixture) -> Iterator[Backend]:
    made_backend = Backend()
    yield made_backend
    made_backend.tracers.shutdown()
    made_backend.meters.shutdown()
    complaints = [each for each in caplog.records if each.name.startswith("opentelemetry")]
    assert complaints == [], "a context was left in another one than it was entered in"


@pytest.fixture
def world(make_world: Make, backend: Backend) -> World:
    return tracing(make_world, backend)


def tracing(make_world: Make, backend: Backend, **options: Any) -> World:
    made_world = make_world(
        plugins=["otel"], plugin_options={"otel": {**backend.options, **options}}
    )
    made_world.client._http = Sent()
    return made_world


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def trace_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.trace_id)


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def two_steps(world: World) -> Callable[[Any], Steps]:
    def body(ctx: Any) -> Steps:
        first = yield ctx.step.run("a", world.step(lambda: 1))
        yield ctx.step.sleep("nap", 1000)
        second = yield ctx.step.run("b", world.step(lambda: 2))
        return [first, second]

    return body


def test_a_run_is_one_span_with_its_calls_and_each_step_once(
    world: World, backend: Backend
) -> None:
    world.function(two_steps(world))
    assert world.play(headers=SERVER).body == [1, 2]
    assert {trace_of(span) for span in backend.spans} == {TRACE}
    run, calls = backend.one("app-fn"), backend.named("call app-fn")
    assert parent_of(run) == 0xFF7ABEE9B25CF09D
    assert len(calls) == 4  # a, the nap, b, the end
    assert {parent_of(call) for call in calls} == {id_of(run)}
    steps = [backend.one(name) for name in "ab"]
    assert [parent_of(step) for step in steps] == [id_of(calls[0]), id_of(calls[2])]
    assert len(backend.spans) == 1 + 4 + 2
    assert attributes_of(steps[0]) == {
        "inngest.app.id": "app",
        "inngest.function.id": "app-fn",
        "inngest.run.id": "R",
        "inngest.step.id": "a",
        "inngest.step.op": "StepRun",
        "inngest.attempt": 0,
    }
    assert attributes_of(calls[3])["inngest.replays"] == 3
    assert attributes_of(run)["inngest.outcome"] == "completed"
    assert run.end_time == max(span.end_time or 0 for span in backend.spans)


def test_a_run_lasts_from_when_it_was_started(world: World, backend: Backend) -> None:
    """The id of a run begins with its time."""
    world.function(two_steps(world))
    world.play(headers=SERVER, ctx={"run_id": "0000000000" + "A" * 16})
    run = backend.one("app-fn")
    assert run.start_time == 0
    later = "7ZZZZZZZZZ" + "A" * 16  # by a clock that is ahead of ours
    backend.clear()
    world.play(headers=SERVER, ctx={"run_id": later})
    run, last = backend.one("app-fn"), backend.named("call app-fn")[-1]
    assert run.start_time == last.start_time


def test_what_is_executed_again_has_the_id_that_it_had(world: World, backend: Backend) -> None:
    world.function(two_steps(world))
    for _ in range(2):  # the answer was lost, and the server calls again
        world.call(headers={**SERVER, "x-request-id": "req"})
    world.call(headers={**SERVER, "x-request-id": "req"}, attempt=1)
    first, again, retried = map(id_of, backend.named("a"))
    assert first == again != retried
    first, again, retried = map(id_of, backend.named("call app-fn"))
    assert first == again != retried
    world.call(headers=SERVER, memos={hashed(n): {"data": 1} for n in ("a", "nap", "b")})
    world.call(headers=SERVER, memos={hashed(n): {"data": 1} for n in ("a", "nap", "b")})
    assert len({id_of(span) for span in backend.named("app-fn")}) == 1


def test_without_a_context_a_run_is_a_trace_of_its_own(world: World, backend: Backend) -> None:
    world.function(two_steps(world))
    world.play()
    (trace_id,) = {trace_of(span) for span in backend.spans}
    run = backend.one("app-fn")
    assert parent_of(run) is None
    assert {parent_of(call) for call in backend.named("call app-fn")} == {id_of(run)}
    backend.clear()
    world.play()
    assert {trace_of(span) for span in backend.spans} == {trace_id}


def test_a_run_continues_the_trace_of_its_event(world: World, backend: Backend) -> None:
    seen: list[Any] = []

    def body(ctx: Any) -> Steps:
        yield from ()
        seen.append((dict(ctx.event.data), [dict(event.data) for event in ctx.events]))

    world.function(body)
    world.play(headers=SERVER, event={"data": {"n": 1, "_otel": carrier()}})
    assert seen == [({"n": 1}, [{"n": 1}])]
    run = backend.one("app-fn")
    assert (trace_of(run), parent_of(run)) == (SENDER, 0xAB)
    assert [link.context.trace_id for link in run.links] == [TRACE]
    assert {trace_of(span) for span in backend.spans} == {SENDER}


@pytest.mark.parametrize("odd", ["x", {"traceparent": 1}, {"traceparent": "00-x"}, None, {}])
def test_a_context_that_makes_no_sense_is_none(world: World, backend: Backend, odd: Any) -> None:
    world.function(two_steps(world))
    world.play(headers=SERVER, event={"data": {"_otel": odd}})
    assert {trace_of(span) for span in backend.spans} == {TRACE}


def test_sent_events_carry_the_context_of_the_step(world: World, backend: Backend) -> None:
    event = inngest.Event(name="shop/paid", data={"n": 1})

    def body(ctx: Any) -> Steps:
        yield ctx.step.send_event("send", event)

    world.function(body)
    world.play(headers=SERVER)
    assert isinstance(world.client._http, Sent)
    (sent,) = world.client._http.events
    span = backend.one("send shop/paid")
    assert parent_of(span) == id_of(backend.one("send"))
    assert sent["data"] == {"n": 1, "_otel": carrier(TRACE, id_of(span))}
    assert event.data == {"n": 1}
    assert backend.measured()["inngest.events.sent"] == {"": 1}


class Paid(pydantic.BaseModel):
    n: int
    model_config = pydantic.ConfigDict(extra="forbid")


def test_typed_events_keep_their_types(world: World, backend: Backend) -> None:
    paid = inngest.EventType("shop/paid", Paid)

    def body(ctx: Any) -> Steps:
        assert ctx.event.data == Paid(n=1)
        found = yield ctx.step.wait_for_event("wait", event=paid, timeout=1000)
        return found.data.n

    world.function(body, trigger=paid)
    world.client.send_sync(paid.create(Paid(n=1)))
    assert isinstance(world.client._http, Sent)
    (sent,) = world.client._http.events
    assert sent["data"]["_otel"]
    memos = {hashed("wait"): {"name": "shop/paid", "data": sent["data"], "id": "E", "ts": 1}}
    event = {"name": "shop/paid", "data": sent["data"]}
    assert world.call(event=event, memos=memos).body == 1
    assert backend.one("app-fn").links == ()


def test_what_is_invoked_continues_the_trace(world: World, backend: Backend) -> None:
    child = world.function(two_steps(world), "child")

    def body(ctx: Any) -> Steps:
        return (yield ctx.step.invoke("call", function=child, data={"n": 1}))

    parent = world.function(body, "parent")
    reply = world.call(parent, headers=SERVER)
    data = reply.body[0]["opts"]["payload"]["data"]
    call = backend.one("call app-parent")
    assert data == {"n": 1, "_otel": carrier(TRACE, id_of(call))}


def test_what_is_deferred_continues_the_trace(world: World, backend: Backend) -> None:
    later = world.function(two_steps(world), "later", trigger=inngest.TriggerDeferred())

    def body(ctx: Any) -> Steps:
        for data in ({"n": 1}, None):
            defers = ctx.step.defer("call", function=later, data=data)
            if world.is_async:
                yield defers

    parent = world.function(body, "parent")
    reply = world.call(parent, headers=SERVER)
    sent = carrier(TRACE, id_of(backend.one("call app-parent")))
    given = [op["opts"]["input"] for op in reply.body if op["op"] == "DeferAdd"]
    assert given == [{"n": 1, "_otel": sent}, {"_otel": sent}]


def test_a_failure_is_handled_in_the_trace_of_the_run(world: World, backend: Backend) -> None:
    seen: list[Any] = []

    def cleanup(ctx: Any) -> Steps:
        yield from ()
        seen.append(ctx.event.data)

    world.function(two_steps(world), on_failure=world.handler(cleanup))
    event = {"name": "x", "data": {"n": 1, "_otel": carrier()}}
    data = {"error": {"message": "m"}, "event": event, "events": [event, 1]}
    failed = {"name": "inngest/function.failed", "data": data}
    assert world.play(fn_id="app-fn-failure", event=failed, headers=SERVER).status == 200
    clean = {"name": "x", "data": {"n": 1}}
    assert seen == [{"error": {"message": "m"}, "event": clean, "events": [clean, 1]}]
    assert {trace_of(span) for span in backend.spans} == {SENDER}


def test_it_can_be_told_to_leave_events_alone(make_world: Make, backend: Backend) -> None:
    world = tracing(make_world, backend, propagate_events=False)
    world.client.send_sync(inngest.Event(name="x", data={"n": 1}))
    assert isinstance(world.client._http, Sent)
    assert world.client._http.events[0]["data"] == {"n": 1}
    assert len(backend.named("send x")) == 1


def test_a_trace_that_is_not_sampled_stays_so(world: World, backend: Backend) -> None:
    world.function(two_steps(world))
    world.play(headers=carrier(TRACE, flags="00"))
    assert backend.spans == ()


@pytest.mark.parametrize(("root", "count"), [(ALWAYS_OFF, 0), (ALWAYS_ON, 7)])
def test_a_run_that_begins_its_trace_is_sampled_as_a_whole(
    make_world: Make, backend: Backend, root: Sampler, count: int
) -> None:
    backend.tracers.sampler = ParentBased(root)
    world = tracing(make_world, backend)
    world.function(two_steps(world))
    world.play()
    assert len(backend.spans) == count


def test_without_an_sdk_nothing_is_added(make_world: Make) -> None:
    only_measured = {"meter_provider": MeterProvider()}
    for options in ({}, only_measured):
        world = make_world(plugins=["otel"], plugin_options={"otel": options})
        world.client._http = sent = Sent()
        event = inngest.Event(name="x", data={"n": 1})

        def body(ctx: Any, event: Any = event) -> Steps:
            yield ctx.step.send_event("send", event)
            return (yield ctx.step.invoke_by_id("call", function_id="f", data={"n": 1}))

        world.function(body)
        memos = {hashed("send"): {"data": ["id"]}}
        assert world.call(headers=SERVER).status == 206
        assert sent.events[0]["data"] == {"n": 1}
        reply = world.call(headers=SERVER, memos=memos)
        assert reply.body[0]["opts"]["payload"]["data"] == {"n": 1}
    only_measured["meter_provider"].shutdown()


def test_without_an_sdk_code_does_not_see_what_senders_have_added(make_world: Make) -> None:
    world = make_world(plugins=["otel"])
    waited = {"name": "x", "data": {"n": 2, "_otel": carrier()}}

    def body(ctx: Any) -> Steps:
        got = yield ctx.step.wait_for_event("wait", event="x", timeout=1000)
        return [dict(ctx.event.data), dict(got.data)]

    world.function(body)
    reply = world.call(event={"data": {"n": 1, "_otel": carrier()}}, memos={hashed("wait"): waited})
    assert reply.body == [{"n": 1}, {"n": 2}]


def test_spans_of_user_code_are_where_it_is(world: World, backend: Backend) -> None:
    tracer = backend.tracers.get_tracer("shop")

    def work() -> None:
        with tracer.start_as_current_span("in step"):
            pass

    def body(ctx: Any) -> Steps:
        with tracer.start_as_current_span("in function"):
            pass
        yield ctx.step.run("a", world.step(work))

    world.function(body)
    world.call(headers=SERVER)
    assert parent_of(backend.one("in step")) == id_of(backend.one("a"))
    assert parent_of(backend.one("in function")) == id_of(backend.one("call app-fn"))
    assert not trace.get_current_span().get_span_context().is_valid, "a span was left current"


def test_what_fails_is_marked_and_counted(world: World, backend: Backend) -> None:
    def fail() -> None:
        raise ValueError("no luck")

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("good", world.step(lambda: 1))
        yield ctx.step.run("bad", world.step(fail))

    world.function(body)
    assert world.play(headers=SERVER, max_attempts=2).status == 500
    tries = backend.named("bad")
    assert [attributes_of(span)["inngest.attempt"] for span in tries] == [0, 1]
    for span in (*tries, backend.named("call app-fn")[-1], backend.named("app-fn")[-1]):
        assert span.status.status_code is trace.StatusCode.ERROR
    assert tries[0].events[0].attributes is not None
    assert tries[0].events[0].attributes["exception.message"] == "no luck"
    assert backend.one("good").status.is_unset
    measured = backend.measured()
    assert measured["inngest.steps"] == {
        "app-fn completed": 1,
        "app-fn retried": 1,
        "app-fn failed": 1,
    }
    assert measured["inngest.step.duration"] == {"app-fn": 3}
    assert measured["inngest.runs"] == {"app-fn failed": 1}
    assert measured["inngest.run.duration"] == {"app-fn failed": 1}
    calls = backend.named("call app-fn")
    ended = [attributes_of(call)["inngest.request.status"] for call in calls]
    assert measured["inngest.request.duration"] == {
        f"app-fn {status}": ended.count(status) for status in set(ended)
    }
    replays = [attributes_of(call)["inngest.replays"] for call in calls]
    assert measured["inngest.step.replays"] == {"app-fn": sum(replays)}
    assert measured["inngest.request.replays"] == {"app-fn": len(calls)}


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("unreadable")


@pytest.mark.parametrize("is_step", [True, False])
def test_an_error_that_cannot_be_read_stays_the_error_that_it_is(
    world: World, backend: Backend, is_step: bool
) -> None:
    def fail() -> None:
        raise UnreadableError

    def body(ctx: Any) -> Steps:
        if is_step:
            yield ctx.step.run("bad", world.step(fail))
        fail()

    world.function(body)
    reply = world.play(headers=SERVER, max_attempts=1)
    assert reply.body["name"] == "UnreadableError"
    assert backend.named("call app-fn")[-1].status.status_code is trace.StatusCode.ERROR


class Broken(SpanProcessor, Sampler):
    """A span exporter that fails."""

    def __init__(self, part: str) -> None:
        self._part = part

    def _fail(self, part: str) -> None:
        if part == self._part:
            raise ValueError("a backend is away")

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._fail("start")

    def on_end(self, span: ReadableSpan) -> None:
        self._fail("end")

    def should_sample(self, *args: Any, **options: Any) -> SamplingResult:
        self._fail("sampler")
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        return "broken"


@pytest.mark.parametrize("part", ["start", "end", "sampler", "extract", "inject", "meter"])
def test_telemetry_that_fails_costs_no_run(
    make_world: Make, part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise ValueError("a backend is away")

    broken, meters = Broken(part), MeterProvider()
    tracers = TracerProvider(sampler=broken)
    tracers.add_span_processor(broken)
    if part in ("extract", "inject"):
        monkeypatch.setattr(propagate, part, fail)
    if part == "meter":
        for kind in (Counter, Histogram):
            monkeypatch.setattr(kind, "add" if kind is Counter else "record", fail)
    world = make_world(
        plugins=["otel"],
        plugin_options={"otel": {"tracer_provider": tracers, "meter_provider": meters}},
    )
    world.client._http = sent = Sent()

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(note="a"))
        yield ctx.step.send_event("send", inngest.Event(name="more"))
        return "done"

    world.function(body)
    assert world.play(headers=SERVER).body == "done"
    assert world.log == ["a"]
    assert [each["name"] for each in sent.events] == ["more"]
    assert "a backend is away" in caplog.text


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Return the log lines, with their run, step and attempt."""
    found: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(self.format(record))

    handler = Handler()
    handler.addFilter(RunLogFilter())
    form = "%(message)s %(inngest_function_id)s %(inngest_run_id)s %(inngest_step_id)s"
    handler.setFormatter(logging.Formatter(f"{form} %(inngest_attempt)s"))
    logger = logging.getLogger("shop")
    logger.addHandler(handler)
    caplog.set_level(logging.INFO, "shop")
    yield found
    logger.removeHandler(handler)


def test_lines_of_the_log_say_where_they_are_from(world: World, lines: list[str]) -> None:
    logger = logging.getLogger("shop")

    def body(ctx: Any) -> Steps:
        logger.info("before")
        yield ctx.step.run("a", world.step(lambda: logger.info("inside")))
        logger.info("after")

    world.function(body)
    world.call(attempt=1)
    world.call(memos={hashed("a"): {"data": None}})
    logger.info("outside")
    assert lines == [
        "before app-fn R None 1",
        "inside app-fn R a 1",
        "before app-fn R None 0",
        "after app-fn R None 0",
        "outside None None None None",
    ]


def test_steps_that_run_side_by_side_are_told_apart(
    world: World, backend: Backend, lines: list[str]
) -> None:
    """Planned, then each by a call of its own."""
    logger = logging.getLogger("shop")

    def branch(name: str) -> Callable[[Any], Steps]:
        def body(ctx: Any) -> Steps:
            return (yield ctx.step.run(name, world.step(lambda: logger.info("in %s", name))))

        return body

    def body(ctx: Any) -> Steps:
        return list((yield ctx.group.parallel(tuple(world.branch(branch(n), ctx) for n in "ab"))))

    world.function(body)
    assert world.play(headers=SERVER).body == [None, None]
    assert sorted(lines) == ["in a app-fn R a 0", "in b app-fn R b 0"]
    assert len(backend.named("a")) == len(backend.named("b")) == 1


@dataclass
class Both:
    world: World
    backend: Backend


@pytest.fixture
def both(make_world: Make, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Both:
    monkeypatch.setenv("INNGEST_ENCRYPTION_KEY", "my secret key")
    made_world = make_world(plugin_options={"otel": backend.options})  # all that is installed
    made_world.client._http = Sent()
    return Both(made_world, backend)


def test_beside_encryption_both_do_what_they_do_alone(both: Both) -> None:
    world, backend = both.world, both.backend
    event = inngest.Event(name="shop/paid", data={"encrypted": "Ada", "open": 1})

    def body(ctx: Any) -> Steps:
        assert ctx.event.data == {"encrypted": "Ada"}
        card = yield ctx.step.run("card", world.step(lambda: {"number": "four eleven"}))
        yield ctx.step.send_event("send", event)
        return card["number"]

    world.function(body)
    memos: dict[str, Any] = {}
    data = {"encrypted": encrypted("Ada"), "_otel": carrier()}
    reply = world.play(memos=memos, headers=SERVER, event={"data": data})
    assert opened(reply.body) == "four eleven"
    assert opened(memos[hashed("card")]["data"]) == {"number": "four eleven"}
    assert isinstance(world.client._http, Sent)
    (sent,) = world.client._http.events
    assert opened(sent["data"]["encrypted"]) == "Ada"
    assert sent["data"]["_otel"] == carrier(SENDER, id_of(backend.one("send shop/paid")))
    assert {trace_of(span) for span in backend.spans} == {SENDER}
    assert "four eleven" not in " ".join(span.to_json() for span in backend.spans)


class Numbered(pydantic.BaseModel):
    number: int


class Charged(pydantic.BaseModel):
    encrypted: Numbered


@pytest.mark.parametrize("where", ["event", "memo", "output"])
def test_a_value_that_does_not_fit_is_in_no_span_and_no_log(
    both: Both, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Pydantic quotes it, and tracebacks show what errors come from."""
    world, secret = both.world, {"number": "four eleven"}

    def body(ctx: Any) -> Steps:
        yield ctx.step.run("card", world.step(lambda: secret), output_type=Numbered)

    trigger = inngest.EventType("shop/charged", Charged) if where == "event" else ()
    world.function(body, trigger=trigger)
    memo = {hashed("card"): {"data": encrypted(secret)}}
    reply = world.call(
        event={"data": {"encrypted": encrypted(secret)}},
        memos=memo if where == "memo" else {},
        headers=SERVER,
    )
    assert "should be a valid integer" in json.dumps(reply.body)
    assert "failed" in caplog.text
    seen = f"{reply.body} {caplog.text} {[span.to_json() for span in both.backend.spans]}"
    assert "four eleven" not in seen


def test_encryption_is_within_tracing_and_around_all_else(both: Both) -> None:
    client = both.world.client
    client._plugins.middleware(client)
    assert client._plugins.offers()["middleware"] == [
        {"name": "otel", "order": -200},
        {"name": "encryption", "order": -100},
    ]


@pytest.mark.parametrize("is_async", [False, True])
def test_over_a_websocket_one_trace_goes_from_the_sender_to_what_is_invoked(
    is_async: bool, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With both plugins; the gateway hands over the trace context as it does a header."""
    monkeypatch.setenv("INNGEST_ENCRYPTION_KEY", "my secret key")
    handed: list[wire.GatewayExecutorRequestData] = []
    request_of = hub._request

    def note(*args: Any) -> wire.GatewayExecutorRequestData:
        handed.append(request_of(*args))
        return handed[-1]

    monkeypatch.setattr(hub, "_request", note)
    tracer = backend.tracers.get_tracer("shop")

    async def main(platform: Platform) -> None:
        client = platform.client(plugin_options={"otel": backend.options})
        helper = World("async" if is_async else "sync", "loop")
        child = client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="never"))(
            helper.handler(two_steps_without_sleep(helper))
        )

        def body(ctx: Any) -> Steps:
            return (yield ctx.step.invoke("call", function=child, data={"encrypted": 1}))

        parent = client.create_function(
            fn_id="parent", trigger=inngest.TriggerEvent(event="app/go")
        )(helper.handler(body))
        async with working(made(client, parent, child)):
            with tracer.start_as_current_span("checkout") as span:
                (sent,) = await client.send(inngest.Event(name="app/go"))
            run = await platform.ended(sent)
            assert run["status"] == "Completed"
            await eventually(lambda: len(backend.named("app-child")) == 1, "the child's span")
            await eventually(lambda: len(backend.named("app-parent")) == 1, "the run's span")
        await client.aclose()
        ours = [
            each for each in backend.spans if trace_of(each) == span.get_span_context().trace_id
        ]
        assert {each.name for each in ours} >= {"checkout", "app-parent", "app-child", "a", "b"}

    with Platform(backoff=[0.01]) as platform:
        asyncio.run(asyncio.wait_for(main(platform), 60))
    runs = {request.run_id: json.loads(request.user_trace_ctx) for request in handed}
    for name in ("app-parent", "app-child"):
        run = backend.one(name)
        context = runs[attributes_of(run)["inngest.run.id"]]
        linked = [f"{link.context.trace_id:032x}" for link in run.links]
        assert linked == [context["traceparent"].split("-")[1]]


def two_steps_without_sleep(world: World) -> Callable[[Any], Steps]:
    def body(ctx: Any) -> Steps:
        yield ctx.step.run("a", world.step(lambda: 1))
        yield ctx.step.run("b", world.step(lambda: 2))

    return body


@pytest.mark.parametrize("skip_middleware", [False, True])
def test_who_instruments_httpx_records_no_event_key(
    skip_middleware: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spans of its requests hold where they went, and the URL of the event API ends with the key."""
    recorded: list[str] = []

    def handle(_transport: object, request: httpx.Request) -> httpx.Response:
        if not contexts.get_value(contexts._SUPPRESS_HTTP_INSTRUMENTATION_KEY):
            recorded.append(str(request.url))
        return httpx.Response(200, json={"ids": ["1"]})

    async def handle_async(transport: object, request: httpx.Request) -> httpx.Response:
        return handle(transport, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle_async)
    client = inngest.Inngest(app_id="app", event_key="secret", is_production=False)
    event = inngest.Event(name="shop/paid")
    assert client.send_sync(event, skip_middleware=skip_middleware) == ["1"]
    assert asyncio.run(client.send(event, skip_middleware=skip_middleware)) == ["1"]
    with httpx.Client() as http:
        http.get("http://third.test/e/x")
    assert recorded == ["http://third.test/e/x"]
