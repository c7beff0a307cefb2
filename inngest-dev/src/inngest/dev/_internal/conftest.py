"""A scripted app in place of a real one, and an engine on the virtual clock that calls it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from inngest.dev import Engine, VirtualClock
from inngest.dev._internal.drivers.http import HttpDriver
from inngest.dev._internal.function.registration import Refusal
from inngest.transport import CommRequest

T = TypeVar("T")
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]
Script = Callable[[dict[str, Any], str], Answer | Awaitable[Answer]]
URL = "http://app.test/api/inngest"


def hashed(step: str) -> str:
    return hashlib.sha1(step.encode()).hexdigest()


def op(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": hashed(name), "op": kind, "name": name, "displayName": name, **fields}


def config(
    function_id: str, event: str, *, retries: int = 0, url: str = URL, **fields: Any
) -> dict[str, Any]:
    url = f"{url}?fnId={function_id}&stepId=step"
    step = {
        "id": "step",
        "name": "step",
        "retries": {"attempts": retries},
        "runtime": {"type": "http", "url": url},
    }
    return {
        "id": function_id,
        "name": function_id,
        "triggers": [{"event": event}],
        "steps": {"step": step},
        **fields,
    }


class App:
    """Answers calls as its scripts say, and keeps what it was sent."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.configs: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.targets: list[str] = []
        self.requests: list[CommRequest] = []
        self.asgi = Starlette(routes=[Route("/api/inngest", self._call, methods=["POST"])])

    def function(self, settings: dict[str, Any], script: Script) -> None:
        self.configs.append(settings)
        self.scripts[settings["id"]] = script

    async def _call(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.requests.append(
            CommRequest(
                method=request.method,
                url=str(request.url),
                headers=dict(request.headers),
                query=dict(request.query_params),
                body=await request.body(),
            )
        )
        target = request.query_params["stepId"]
        function_id = request.query_params["fnId"]
        self.calls.append(body)
        self.targets.append(target)
        given = self.scripts[function_id](body, target)
        status, answer, *more = await given if isawaitable(given) else given
        headers = {"x-inngest-sdk": "test:v1", "x-inngest-req-version": "2"}
        return JSONResponse(answer, status, headers=headers | (more[0] if more else {}))


@asynccontextmanager
async def running(app: App, **options: Any) -> AsyncIterator[Engine]:
    clock = options.pop("clock", None) or VirtualClock()
    driver = HttpDriver(transport=httpx.ASGITransport(app.asgi))
    engine = Engine(clock=clock, driver=driver, **options)
    await engine.start()
    try:
        if app.configs:
            outcome = engine.register({"appName": "app", "url": URL, "functions": app.configs})
            assert not isinstance(outcome, Refusal), outcome
        yield engine
    finally:
        await engine.stop()


@contextmanager
def full_disk(db: Path, room: int = 5_000) -> Iterator[None]:
    """What SQLite writes beside the file grows by no more than so many bytes."""
    import resource  # Windows has none

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = db.with_name(f"{db.name}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def send(engine: Engine, name: str, **fields: Any) -> str:
    taken = engine.send(json.dumps({"name": name, **fields}).encode())
    assert taken.error is None
    return taken.events[0].internal_id


def bounded(work: Callable[[], Awaitable[T]], limit: float = 60.0) -> T:
    """Run a test's coroutine, never for longer than this."""

    async def limited() -> T:
        return await asyncio.wait_for(work(), limit)

    return asyncio.run(limited())


@pytest.fixture
def app() -> App:
    return App()
