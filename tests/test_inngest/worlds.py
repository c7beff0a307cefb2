"""Worlds in which one test body runs: async and sync functions, over HTTP and in process.

``World.play`` is the simplest possible server: it plays one run to its end, with retries, and
without a clock.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import flask

import inngest
import inngest.flask
from inngest.transport import CommRequest, Handler, ServeOptions

from .bodies import Body, handler_of

JSONValue = Any
MAX_CALLS = 500
KINDS = ("async", "sync")
WAYS = ("http", "thread", "loop")
"""Flask's request, a handler on this thread, a handler on an event loop."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An app's response to a call."""

    status: int
    headers: Mapping[str, str]
    body: JSONValue

    @property
    def ops(self) -> list[tuple[str, str]]:
        assert self.status == 206, (self.status, self.body)
        return [(op["op"], op["displayName"]) for op in self.body]


@dataclass
class World:
    """An app with functions of one kind, called in one way."""

    kind: str
    way: str
    options: dict[str, Any] = field(default_factory=dict)
    functions: list[inngest.Function[Any]] = field(default_factory=list)
    log: list[Any] = field(default_factory=list)
    """What hooks, steps and functions note in passing."""
    is_parallel: bool = False
    finished: list[str] = field(default_factory=list)
    answers: dict[str, JSONValue] = field(default_factory=dict)
    """What steps of the server give in ``play``, by their operation."""

    def __post_init__(self) -> None:
        self.client = inngest.Inngest(app_id="app", is_production=False, **self.options)

    @property
    def is_async(self) -> bool:
        return self.kind == "async"

    def function(self, body: Body, fn_id: str = "fn", **options: Any) -> inngest.Function[Any]:
        """Declare a function of this world's kind."""
        options.setdefault("trigger", inngest.TriggerEvent(event=f"test/{fn_id}"))
        made = self.client.create_function(fn_id=fn_id, **options)(self.handler(body))
        self.functions.append(made)
        return made

    def handler(self, body: Body) -> Callable[[Any], Any]:
        """Turn a body into a handler of this world's kind."""
        return handler_of(body, is_async=self.is_async)

    def step(self, work: Callable[..., Any] = lambda: None, note: object = None) -> Any:
        """Make a step handler of this world's kind, with the annotations of ``work``."""

        def run_sync(*args: Any) -> Any:
            if note is not None:
                self.log.append(note)
            return work(*args)

        async def run_async(*args: Any) -> Any:
            await asyncio.sleep(0)
            return run_sync(*args)

        made: Any = run_async if self.is_async else run_sync
        return functools.wraps(work)(made)

    def branch(self, body: Body, ctx: Any) -> Callable[[], Any]:
        """Make a branch of a parallel group."""
        return lambda: self.handler(body)(ctx)

    def call(
        self,
        function: inngest.Function[Any] | None = None,
        *,
        memos: Mapping[str, JSONValue] | None = None,
        target: str = "step",
        attempt: int = 0,
        max_attempts: int = 3,
        event: Mapping[str, JSONValue] | None = None,
        fn_id: str | None = None,
        stack: list[str] | None = None,
        plan_only: bool = False,
        headers: Mapping[str, str] | None = None,
        ctx: Mapping[str, JSONValue] | None = None,
        defers: Mapping[str, JSONValue] | None = None,
    ) -> Reply:
        """Call a function once, as a server does."""
        sent = {"name": "test/fn", "data": {}, "id": "E", "ts": 1, **(event or {})}
        body = {
            "ctx": {
                "run_id": "R",
                "fn_id": "F",
                "attempt": attempt,
                "max_attempts": max_attempts,
                "disable_immediate_execution": plan_only,
                "stack": {"stack": stack or list(memos or {}), "current": len(memos or {})},
                **(ctx or {}),
            },
            "event": sent,
            "events": [sent],
            "steps": dict(memos or {}),
            "defers": dict(defers or {}),
            "use_api": False,
        }
        called = fn_id or (function or self.functions[0]).id
        query = {"fnId": called, "stepId": target}
        return self._ask(query, json.dumps(body).encode(), headers or {})

    def play(
        self,
        function: inngest.Function[Any] | None = None,
        *,
        memos: dict[str, JSONValue] | None = None,
        before_call: Callable[[], None] = lambda: None,
        answered: Callable[[Reply], None] = lambda reply: None,
        **call: Any,
    ) -> Reply:
        """Play a run to its end; return the last response. ``memos`` collects the results."""
        memos = {} if memos is None else memos
        queue: list[tuple[str, int]] = [("step", 0)]
        defers: dict[str, JSONValue] = {}
        for _ in range(MAX_CALLS):
            assert queue, "the run has stalled"
            target, attempt = queue.pop(0)
            plan_only = self.is_parallel and target == "step"
            before_call()
            given = {"target": target, "attempt": attempt, "plan_only": plan_only, **call}
            reply = self.call(function, memos=memos, stack=list(memos), defers=defers, **given)
            answered(reply)
            if reply.status == 206 and reply.body[-1]["op"] == "RunComplete":
                return Reply(status=200, headers=reply.headers, body=reply.body[-1]["data"])
            if reply.status == 206:
                steps = [op for op in reply.body if not op["op"].startswith("Defer")]
                defers |= {op["id"]: {"abortable": True} for op in reply.body if op not in steps}
                self.is_parallel = self.is_parallel or len(steps) > 1
                self._take(steps, memos, queue, target, attempt)
                if not queue:
                    queue.append(("step", 0))
                continue
            is_final = reply.status == 200 or reply.headers.get("x-inngest-no-retry") == "true"
            if is_final or attempt + 1 >= given.get("max_attempts", 3):
                return reply
            queue.insert(0, (target, attempt + 1))
        raise AssertionError("the run does not end")

    def _take(
        self,
        ops: list[dict[str, JSONValue]],
        memos: dict[str, JSONValue],
        queue: list[tuple[str, int]],
        target: str,
        attempt: int,
    ) -> None:
        for op in ops:
            hashed = op["id"]
            assert hashed not in memos, "a finished step is reported again"
            match op["op"]:
                case "StepPlanned":
                    if all(queued != hashed for queued, _ in queue):
                        queue.append((hashed, 0))
                case "StepError":
                    queue.append((target, attempt + 1))
                case "StepRun":
                    memos[hashed] = {"data": op["data"]}
                case "StepFailed":
                    memos[hashed] = {"error": op["error"]}
                case "Sleep":
                    memos[hashed] = None
                case other:
                    assert other in self.answers, f"this server does not know {other}"
                    memos[hashed] = self.answers[other]
            if op["op"] in ("StepRun", "StepFailed"):
                self.finished.append(op["displayName"])

    def _ask(self, query: dict[str, str], body: bytes, headers: Mapping[str, str]) -> Reply:
        if self.way == "http":
            app = flask.Flask("world")
            inngest.flask.serve(app, self.client, self.functions)
            with app.test_client().post(
                "/api/inngest", query_string=query, data=body, headers=dict(headers)
            ) as answer:
                return Reply(
                    status=answer.status_code,
                    headers={k.lower(): v for k, v in answer.headers.items()},
                    body=answer.json,
                )
        handler = Handler(self.client, self.functions, ServeOptions(framework="test", environ={}))
        request = CommRequest(
            method="POST",
            url="http://app.test/api/inngest",
            headers=headers,
            query=query,
            body=body,
            raw="the raw request",
        )
        if self.way == "thread":
            response = handler.handle_sync(request)
        else:
            response = asyncio.run(asyncio.wait_for(handler.handle_async(request), 60))
        return Reply(
            status=response.status, headers=response.headers, body=json.loads(response.body)
        )
