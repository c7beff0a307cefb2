"""Random programs of steps end as a plain interpreter says, with no step run too often."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import flask
import pytest

import inngest
import inngest.flask
from inngest._internal.engine.journal import hash_id
from inngest.middleware import WrappedFunction, WrappedHandler, WrappedStep
from inngest.transport import CommRequest, Handler, ServeOptions

PROGRAMS = 180
"""Each is run as an async and as a sync function, over HTTP or in process, with and without
middleware."""

MAX_ATTEMPTS = 3
JSONValue = Any
Ask = Callable[[dict[str, str], bytes], tuple[int, JSONValue, Mapping[str, str]]]


@dataclass(frozen=True)
class Do:
    """A step. It raises ``failures`` first; with ``is_fatal`` the first one is final."""

    id: str
    failures: int = 0
    is_fatal: bool = False
    is_caught: bool = True

    def fails(self, attempts: int) -> bool:
        return self.is_fatal or self.failures >= attempts

    def executions(self, attempts: int) -> int:
        return 1 if self.is_fatal else min(self.failures + 1, attempts)


@dataclass(frozen=True)
class Wait:
    """A step that the server carries out."""

    id: str
    kind: str


@dataclass(frozen=True)
class Defer:
    """A deferred call; with ``is_aborted`` it is aborted at once."""

    id: str
    is_aborted: bool


@dataclass(frozen=True)
class Loop:
    times: int
    body: Program


@dataclass(frozen=True)
class Parallel:
    branches: tuple[Program, ...]
    style: str


Program = tuple["Do | Wait | Defer | Loop | Parallel", ...]
ANSWERS: dict[str, JSONValue] = {
    "Gateway": {"data": {"status_code": 404, "headers": {}, "body": "none", "url": "u"}},
    "Sleep": None,
    "WaitForSignal": {"data": {"signal": "go", "data": 1}},
}
"""What the server gives."""
OUTPUTS = {"sleep": "slept", "signal": ["go", 1], "fetch": [404, "none"]}
"""What programs see of it."""


@dataclass
class Generator:
    rng: random.Random
    made: int = 0

    def program(self, depth: int = 0, *, in_branch: bool = False) -> Program:
        length = self.rng.randint(0 if in_branch else 1, 3)
        return tuple(self.node(depth, in_branch) for _ in range(length))

    def node(self, depth: int, in_branch: bool) -> Do | Wait | Defer | Loop | Parallel:
        self.made += 1
        name = f"n{self.made}"
        kind = self.rng.random()
        if depth < 3 and kind < 0.2:
            branches = self.rng.randint(0, 3)
            style = self.rng.choice(["gather", "group", "taskgroup", "wait", "as_completed"])
            return Parallel(
                tuple(self.program(depth + 1, in_branch=True) for _ in range(branches)), style
            )
        if depth < 2 and kind < 0.3:
            return Loop(self.rng.randint(0, 3), self.program(depth + 1, in_branch=in_branch))
        if kind < 0.4:
            return Wait(name, self.rng.choice(list(OUTPUTS)))
        if kind < 0.45:
            return Defer(name, is_aborted=self.rng.random() < 0.3)
        if kind < 0.75:
            return Do(name)
        is_caught = in_branch or self.rng.random() < 0.7
        if self.rng.random() < 0.3:
            return Do(name, is_fatal=True, is_caught=is_caught)
        return Do(name, failures=self.rng.randint(1, MAX_ATTEMPTS), is_caught=is_caught)


class UncaughtError(Exception):
    """Represents, in the reference, a step error that ends the function."""


@dataclass
class Reference:
    """Interprets a program without an engine: the expected behaviour.

    :param once_more: the uses of steps that have one attempt more than others.
    """

    once_more: Collection[tuple[str, int]] = ()
    expected: Counter[tuple[str, int]] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    deferred: set[str] = field(default_factory=set)

    def outcome(self, program: Program) -> tuple[str | None, list[JSONValue]]:
        try:
            return None, self.run(program)
        except UncaughtError as error:
            return f"{error} failed", []

    def run(self, program: Program) -> list[JSONValue]:
        out: list[JSONValue] = []
        for node in program:
            match node:
                case Do():
                    use = self.seen[node.id]
                    self.seen[node.id] += 1
                    attempts = MAX_ATTEMPTS + ((node.id, use) in self.once_more)
                    self.expected[node.id, use] = node.executions(attempts)
                    fails = node.fails(attempts)
                    if fails and not node.is_caught:
                        raise UncaughtError(node.id)
                    out.append(["error", f"{node.id} failed"] if fails else [node.id, use])
                case Wait(_, kind):
                    out.append(OUTPUTS[kind])
                case Defer(name, is_aborted):
                    use = self.seen[name]
                    self.seen[name] += 1
                    if not is_aborted:
                        self.deferred.add(f"{name}:{use}" if use else name)
                case Loop():
                    for _ in range(node.times):
                        out.append(self.run(node.body))  # noqa: PERF401
                case Parallel():
                    out.append([self.run(branch) for branch in node.branches])
        return out


@dataclass
class Work:
    """The handlers of the steps, which count their executions."""

    done: Counter[tuple[str, int]] = field(default_factory=Counter)

    def run(self, node: Do, use: int) -> JSONValue:
        self.done[node.id, use] += 1
        if node.is_fatal:
            raise inngest.NonRetriableError(f"{node.id} failed")
        if self.done[node.id, use] <= node.failures:
            raise ValueError(f"{node.id} failed")
        return [node.id, use]

    async def run_async(self, node: Do, use: int) -> JSONValue:
        await asyncio.sleep(0)
        return self.run(node, use)


async def together(
    ctx: inngest.Context, style: str, branches: Sequence[Callable[[], Awaitable[JSONValue]]]
) -> list[JSONValue]:
    if style == "group":
        return list(await ctx.group.parallel(tuple(branches)))
    if style == "taskgroup" and sys.version_info >= (3, 11):

        async def one(branch: Callable[[], Awaitable[JSONValue]]) -> JSONValue:
            return await branch()

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(branch)) for branch in branches]
        return [task.result() for task in tasks]
    if style in ("wait", "as_completed") and branches:
        started = [asyncio.ensure_future(branch()) for branch in branches]
        if style == "wait":
            await asyncio.wait(started)
        else:
            for each in asyncio.as_completed(started):
                await each
        return [task.result() for task in started]
    return list(await asyncio.gather(*(branch() for branch in branches)))


LATER = inngest.reference_function(function_id="later")


async def wait(ctx: inngest.Context, node: Wait) -> JSONValue:
    if node.kind == "signal":
        signal = await ctx.step.wait_for_signal(node.id, signal="go", timeout="1h")
        return signal and [signal.name, signal.data]
    if node.kind == "fetch":
        answer = await ctx.step.fetch(node.id, "http://api.test")
        return [answer.status_code, answer.body]
    await ctx.step.sleep(node.id, 1)
    return "slept"


def wait_sync(ctx: inngest.ContextSync, node: Wait) -> JSONValue:
    if node.kind == "signal":
        signal = ctx.step.wait_for_signal(node.id, signal="go", timeout="1h")
        return signal and [signal.name, signal.data]
    if node.kind == "fetch":
        answer = ctx.step.fetch(node.id, "http://api.test")
        return [answer.status_code, answer.body]
    ctx.step.sleep(node.id, 1)
    return "slept"


async def interpret(
    ctx: inngest.Context, work: Work, program: Program, seen: Counter[str]
) -> list[JSONValue]:
    out: list[JSONValue] = []
    for node in program:
        match node:
            case Do():
                use = seen[node.id]
                seen[node.id] += 1
                try:
                    out.append(await ctx.step.run(node.id, work.run_async, node, use))
                except inngest.StepError as error:
                    if not node.is_caught:
                        raise
                    out.append(["error", error.message])
            case Wait():
                out.append(await wait(ctx, node))
            case Defer():
                call = await ctx.step.defer(node.id, function=LATER)
                if node.is_aborted:
                    await call.abort()
            case Loop():
                for _ in range(node.times):
                    out.append(await interpret(ctx, work, node.body, seen))  # noqa: PERF401
            case Parallel():
                branches = [partial(interpret, ctx, work, b, seen) for b in node.branches]
                out.append(await together(ctx, node.style, branches))
    return out


def interpret_sync(
    ctx: inngest.ContextSync, work: Work, program: Program, seen: Counter[str]
) -> list[JSONValue]:
    out: list[JSONValue] = []
    for node in program:
        match node:
            case Do():
                use = seen[node.id]
                seen[node.id] += 1
                try:
                    out.append(ctx.step.run(node.id, work.run, node, use))
                except inngest.StepError as error:
                    if not node.is_caught:
                        raise
                    out.append(["error", error.message])
            case Wait():
                out.append(wait_sync(ctx, node))
            case Defer():
                call = ctx.step.defer(node.id, function=LATER)
                if node.is_aborted:
                    call.abort()
            case Loop():
                for _ in range(node.times):
                    out.append(interpret_sync(ctx, work, node.body, seen))  # noqa: PERF401
            case Parallel():
                branches = tuple(partial(interpret_sync, ctx, work, b, seen) for b in node.branches)
                out.append(list(ctx.group.parallel(branches)))
    return out


def over_http(client: inngest.Inngest, function: inngest.Function[Any]) -> Ask:
    app = flask.Flask("app")
    inngest.flask.serve(app, client, [function])

    def ask(query: dict[str, str], body: bytes) -> tuple[int, JSONValue, Mapping[str, str]]:
        answer = app.test_client().post("/api/inngest", query_string=query, data=body)
        return answer.status_code, answer.json, dict(answer.headers)

    return ask


def in_process(way: str, client: inngest.Inngest, function: inngest.Function[Any]) -> Ask:
    handler = Handler(client, [function], ServeOptions(framework="test", environ={}))

    def ask(query: dict[str, str], body: bytes) -> tuple[int, JSONValue, Mapping[str, str]]:
        request = CommRequest(
            method="POST", url="http://app.test/api", headers={}, query=query, body=body
        )
        if way == "thread":
            answer = handler.handle_sync(request)
        else:
            answer = asyncio.run(asyncio.wait_for(handler.handle_async(request), 60))
        return answer.status, json.loads(answer.body), answer.headers

    return ask


class Bystander(inngest.Middleware):
    """Middleware that awaits in all hooks, and changes nothing."""

    async def transform_input(self, ctx: Any, function: Any, steps: Any) -> None:
        await asyncio.sleep(0)

    async def before_execution(self) -> None:
        await asyncio.sleep(0)

    async def wrap_step(self, step: WrappedStep) -> AsyncIterator[None]:
        for _ in range(len(step.info.id)):
            await asyncio.sleep(0)
        yield
        await asyncio.sleep(0)

    async def wrap_step_handler(self, step: WrappedHandler) -> AsyncIterator[None]:
        await asyncio.sleep(0)
        yield


class BystanderSync(inngest.MiddlewareSync):
    """Sync middleware that changes nothing."""

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        yield

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        yield

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        assert result.step is not None or result.has_output() or result.error


MIDDLEWARE: list[list[Any]] = [[], [Bystander], [BystanderSync], [Bystander, BystanderSync]]


@dataclass
class Server:
    """A minimal executor: one run, whose calls are made in random order."""

    ask: Ask
    rng: random.Random
    memos: dict[str, JSONValue] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)
    queue: list[tuple[str, int]] = field(default_factory=lambda: [("step", 0)])
    planned: set[str] = field(default_factory=set)
    is_parallel: bool = False
    defers: dict[str, JSONValue] = field(default_factory=dict)

    def run(self) -> tuple[int, JSONValue]:
        for _ in range(2000):
            assert self.queue, "the run has stalled"
            target, attempt = self.queue.pop(self.rng.randrange(len(self.queue)))
            status, body, headers = self.call(target, attempt)
            if status == 206 and body[-1]["op"] == "RunComplete":
                self.take(body[:-1], target, attempt)
                status, body = 200, body[-1]["data"]
            if status == 206:
                self.take(body, target, attempt)
                continue
            assert target == "step"
            assert not [queued for queued in self.queue if queued[0] != "step"]
            assert status == 200 or headers["x-inngest-no-retry"] == "true", body
            return status, body
        raise AssertionError("the run does not end")

    def call(self, target: str, attempt: int) -> tuple[int, JSONValue, Any]:
        body = {
            "ctx": {
                "run_id": "R",
                "fn_id": "F",
                "attempt": attempt,
                "max_attempts": MAX_ATTEMPTS,
                "disable_immediate_execution": self.is_parallel and target == "step",
                "stack": {"stack": self.stack, "current": len(self.stack)},
            },
            "event": {"name": "e", "data": {}},
            "events": [{"name": "e", "data": {}}],
            "steps": self.memos,
            "defers": self.defers,
            "use_api": False,
        }
        return self.ask({"fnId": "app-fn", "stepId": target}, json.dumps(body).encode())

    def take(self, ops: list[dict[str, JSONValue]], target: str, attempt: int) -> None:
        steps = [op for op in ops if not op["op"].startswith("Defer")]
        self.is_parallel = self.is_parallel or len(steps) > 1
        for op in ops:
            hashed = op["id"]
            assert hashed not in self.memos, "a finished step is reported again"
            match op["op"]:
                case "StepPlanned":
                    assert target == "step"
                    if hashed not in self.planned:
                        self.planned.add(hashed)
                        self.queue.append((hashed, 0))
                case "StepError":
                    assert attempt + 1 < MAX_ATTEMPTS
                    self.queue.append((target, attempt + 1))
                case "StepRun":
                    self.finish(hashed, {"data": op["data"]})
                case "StepFailed":
                    self.finish(hashed, {"error": op["error"]})
                case "DeferAdd":
                    self.defers.setdefault(hashed, {"abortable": True})
                case other:
                    self.finish(hashed, ANSWERS[other])

    def finish(self, hashed: str, memo: JSONValue) -> None:
        self.memos[hashed] = memo
        self.stack.append(hashed)
        if not any(target == "step" for target, _ in self.queue):
            self.queue.append(("step", 0))


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "sync"])
@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_a_random_program_ends_as_the_reference_and_runs_each_step_once(
    seed: int, is_async: bool
) -> None:
    program = Generator(random.Random(seed)).program()
    work, reference = Work(), Reference()
    middleware = MIDDLEWARE[seed % len(MIDDLEWARE)]
    client = inngest.Inngest(app_id="app", is_production=False, middleware=middleware)
    declare = client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
    function: inngest.Function[Any]
    if is_async:

        async def handler(ctx: inngest.Context) -> list[JSONValue]:
            return await interpret(ctx, work, program, Counter())

        function = declare(handler)
    else:

        def handler_sync(ctx: inngest.ContextSync) -> list[JSONValue]:
            return interpret_sync(ctx, work, program, Counter())

        function = declare(handler_sync)
    way = ("http", "thread", "loop")[seed % 3]
    ask = over_http(client, function) if way == "http" else in_process(way, client, function)
    server = Server(ask, random.Random(seed))
    status, body = server.run()
    reason, expected = reference.outcome(program)
    if reason is None:
        assert (status, body) == (200, expected)
        assert server.defers.keys() == {hash_id(name) for name in reference.deferred}
    else:
        assert (status, body["message"]) == (500, reason)
    assert work.done == reference.expected
