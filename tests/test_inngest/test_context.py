"""What functions are given: facts of the call, a logger that does not repeat itself, context."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from inngest import MiddlewareSync
from inngest.errors import StepNestedError, StepThreadError
from inngest.middleware import WrappedFunction

from .conftest import Make
from .worlds import World

Steps = Generator[Any, Any, Any]
USER: contextvars.ContextVar[str] = contextvars.ContextVar("test_context_user", default="nobody")


def test_the_facts_of_a_call(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield from ()
        return [
            ctx.attempt,
            ctx.max_attempts,
            ctx.run_id,
            ctx.job_id,
            ctx.request_id,
            ctx.event.user,
            ctx.event.v,
            len(ctx.events),
        ]

    world.function(body)
    event = {"user": {"id": 1}, "v": "2"}
    headers = {"x-inngest-job-id": "J", "x-request-id": "Q"}
    reply = world.call(attempt=1, max_attempts=4, event=event, headers=headers)
    assert reply.body == [1, 4, "R", "J", "Q", {"id": 1}, "2", 1]
    reply = world.call(headers={"x-inngest-job-id": ""})
    assert reply.body[3:5] == [None, None]


def logging_body(world: World) -> Any:
    def body(ctx: Any) -> Steps:
        ctx.logger.info("start")
        yield ctx.step.run("a", world.step(note=1))
        ctx.logger.info("after %s", "a", extra={"key": 1})
        yield ctx.step.run("b", world.step(note=2))
        ctx.logger.warning("after b")
        return None

    return body


class Kept(logging.Handler):
    """Keeps all log records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_a_line_is_logged_once_in_a_run(make_world: Make) -> None:
    logger = logging.getLogger("test.context")
    handler = Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        world = make_world(logger=logger)
        world.function(logging_body(world))
        assert world.play().status == 200
    finally:
        logger.removeHandler(handler)
    assert [record.getMessage() for record in handler.records] == ["start", "after a", "after b"]
    assert {record.filename for record in handler.records} == {"test_context.py"}
    assert vars(handler.records[1])["key"] == 1


def test_a_memo_that_no_code_asks_for_any_more_does_not_silence_the_logger(
    make_world: Make,
) -> None:
    logger = logging.getLogger("test.context.renamed")
    handler = Kept()
    logger.addHandler(handler)
    world = make_world(logger=logger)

    def body(ctx: Any) -> Steps:
        ctx.logger.error("before")
        yield ctx.step.run("kept", world.step())
        ctx.logger.error("after")

    world.function(body)
    renamed, kept = (hashlib.sha1(name).hexdigest() for name in (b"renamed", b"kept"))
    try:
        world.call(memos={renamed: {"data": 1}, kept: {"data": 2}})
    finally:
        logger.removeHandler(handler)
    assert [record.getMessage() for record in handler.records] == ["after"]


def test_a_line_is_logged_again_when_code_runs_again(world: World) -> None:
    said: list[str] = []

    def body(ctx: Any) -> Steps:
        assert ctx.logger.isEnabledFor(logging.ERROR)
        said.append(ctx.logger.name)
        yield from ()
        raise ValueError("no")

    world.function(body)
    assert world.call(attempt=0).status == 500
    assert world.call(attempt=1).status == 500
    assert said == ["inngest"] * 2


def test_the_logger_speaks_after_events_were_sent(world: World, caplog: Any) -> None:
    def body(ctx: Any) -> Steps:
        yield world.client.send([]) if world.is_async else world.client.send_sync([])
        ctx.logger.error("still here")

    world.function(body)
    with caplog.at_level(logging.ERROR, logger="inngest"):
        assert world.call().status == 200
    assert [record.message for record in caplog.records] == ["still here"]


class Foreign:
    """A logger of another library, like structlog's and loguru's: not one of ``logging``."""

    def __init__(self, said: list[object]) -> None:
        self._said = said

    def info(self, event: str, **fields: object) -> None:
        self._said.append((event, fields))


class Fielded(logging.Logger):
    """A logger whose methods accept fields as keyword arguments."""

    said: list[object]

    def info(self, msg: object, *args: object, **fields: Any) -> None:
        self.said.append((msg, fields))


@pytest.mark.parametrize("is_foreign", [True, False])
def test_a_logger_may_take_what_the_standard_one_does_not(
    make_world: Make, is_foreign: bool
) -> None:
    said: list[object] = []
    fielded = Fielded("test.context.fielded")
    fielded.said = said
    logger: Any = Foreign(said) if is_foreign else fielded
    world = make_world(logger=logger)

    def body(ctx: Any) -> Steps:
        ctx.logger.info("before", user=1)
        yield ctx.step.run("a", world.step())
        assert ctx.logger.isEnabledFor(logging.ERROR)
        ctx.logger.info("after", user=2)

    world.function(body)
    assert world.play().status == 200
    assert said == [("before", {"user": 1}), ("after", {"user": 2})]


def test_an_adapter_is_a_logger_too(make_world: Make) -> None:
    base = logging.getLogger("test.context.adapter")
    adapter = logging.LoggerAdapter(base, {"tenant": 1})
    world = make_world(logger=adapter)
    handler = Kept()
    base.addHandler(handler)

    def body(ctx: Any) -> Steps:
        yield from ()
        ctx.logger.error("hello")

    world.function(body)
    try:
        world.call()
    finally:
        base.removeHandler(handler)
    assert [(record.getMessage(), vars(record)["tenant"]) for record in handler.records] == [
        ("hello", 1)
    ]


def test_what_the_framework_sets_is_seen_everywhere(world: World) -> None:
    def body(ctx: Any) -> Steps:
        inside = yield ctx.step.run("a", world.step(USER.get))
        return inside

    world.function(body)
    token = USER.set("ann")
    try:
        assert world.call().body[0]["data"] == "ann"
    finally:
        USER.reset(token)
    assert world.call().body[0]["data"] == "nobody"


def test_a_calls_context_is_not_there_in_the_next_one(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield from ()
        before = USER.get()
        USER.set("left behind")
        return before

    world.function(body)
    assert [world.call().body, world.call().body] == ["nobody", "nobody"]


def test_connections_of_the_functions_thread_can_be_closed(world: World) -> None:
    """What Django and SQLAlchemy keep for a thread is closed on that thread."""
    local = threading.local()
    closed: list[int] = []

    def connection() -> sqlite3.Connection:
        if not hasattr(local, "connection"):
            local.connection = sqlite3.connect(":memory:")  # refuses any other thread
        made: sqlite3.Connection = local.connection
        return made

    class Closing(MiddlewareSync):
        def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
            try:
                yield
            finally:
                if hasattr(local, "connection"):
                    local.connection.close()
                    del local.connection
                    closed.append(threading.get_ident())

    def work() -> int:
        count: int = connection().execute("select 41 + 1").fetchone()[0]
        return count

    def body(ctx: Any) -> Steps:
        connection().execute("select 1")
        return (yield ctx.step.run("a", world.step(work)))

    world.client.middleware = [Closing]
    world.function(body)
    assert world.play().body == 42
    assert len(closed) == 2
    assert not hasattr(local, "connection")


def in_thread(work: Callable[[], object]) -> Exception | None:
    """Run ``work`` on a new thread, and return what it raised."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    return raised[0] if raised else None


def take_elsewhere(world: World, ctx: Any) -> Exception | None:
    def take() -> None:
        if world.is_async:
            asyncio.run(ctx.step.run("b", world.step()))
        else:
            ctx.step.run("b", world.step())

    return in_thread(take)


def test_a_step_on_another_thread_is_a_clear_error(world: World) -> None:
    def body(ctx: Any) -> Steps:
        yield from ()
        error = take_elsewhere(world, ctx)
        assert isinstance(error, StepThreadError)
        raise error

    world.function(body)
    reply = world.call()
    assert (reply.status, reply.body["code"]) == (500, "step_thread")
    assert reply.headers["x-inngest-no-retry"] == "true"
    assert '"b"' in reply.body["message"]


def test_a_step_inside_a_step_on_another_thread_is_a_clear_error(world: World) -> None:
    errors: list[Exception | None] = []

    def body(ctx: Any) -> Steps:
        return (
            yield ctx.step.run("a", world.step(lambda: errors.append(take_elsewhere(world, ctx))))
        )

    world.function(body)
    assert world.call().ops == [("StepRun", "a")]
    assert isinstance(errors[0], StepThreadError if world.is_async else StepNestedError)


def test_timings_are_told(world: World) -> None:
    world.function(logging_body(world))
    timing = world.call().headers["server-timing"]
    parts = [part.split(";")[0].strip() for part in timing.split(",")]
    assert parts == ["comm_handler", "mw.transform_input", "function", "mw.transform_output"]
