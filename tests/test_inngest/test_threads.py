"""Where functions run: nobody waits for a slow sync function, and threads are bounded."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import fastapi
import pytest

import inngest
import inngest.fast_api
from inngest.testing import HTTPChannel, Request
from inngest.testing.bench import Bench, client_of, function

from .transports import TRANSPORTS, Transport, on_uvicorn

ON_LOOPS = ["asgi", "django_asgi", "fast_api", "tornado"]
ON_THREADS = ["django_wsgi", "flask", "wsgi"]
SECONDS = 60.0


@contextmanager
def serving(transport: Transport, *functions: Any, **options: Any) -> Iterator[Bench]:
    app = transport.build(CLIENT, list(functions), **options)
    with transport.run(app) as origin:
        yield Bench(HTTPChannel(origin), transport.path)


CLIENT = client_of(api="http://127.0.0.1:9")


@CLIENT.create_function(fn_id="quick", trigger=inngest.TriggerEvent(event="quick"))
async def quick(ctx: inngest.Context) -> str:
    return threading.current_thread().name


@pytest.mark.parametrize("name", [*ON_LOOPS, *ON_THREADS])
def test_a_slow_sync_function_holds_up_no_other_request(name: str) -> None:
    begun, release = threading.Event(), threading.Event()

    def work(ctx: Any) -> bool:
        begun.set()
        return release.wait(SECONDS)

    slow = function(CLIENT, "sync", work, fn_id="slow")
    with serving(TRANSPORTS[name], slow, quick) as bench, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(bench.call, "slow")
        try:
            assert begun.wait(SECONDS)
            assert bench.send("GET").status == 200
            assert bench.call("quick").status == 200
            assert not answer.done()
        finally:
            release.set()
        assert answer.result(SECONDS).json() is True


@pytest.mark.parametrize("name", ON_THREADS)
def test_sync_functions_run_on_the_thread_of_the_request(name: str) -> None:
    seen = function(CLIENT, "sync", lambda ctx: threading.get_ident(), fn_id="seen")
    requests: list[int] = []

    def noting(app: Any) -> Any:
        def outer(environ: Any, start_response: Any) -> Any:
            requests.append(threading.get_ident())
            return app(environ, start_response)

        return outer

    app = noting(TRANSPORTS[name].build(CLIENT, [seen, quick]))
    with TRANSPORTS[name].run(app) as origin:
        bench = Bench(HTTPChannel(origin), TRANSPORTS[name].path)
        assert bench.call("seen").json() == requests[-1]


@pytest.mark.parametrize("name", ON_LOOPS)
def test_the_threads_of_sync_functions_are_bounded(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_THREAD_POOL_MAX_WORKERS", "2")
    lock = threading.Lock()
    inside = most = 0
    pair = threading.Barrier(2, timeout=SECONDS)

    def work(ctx: Any) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        pair.wait()
        with lock:
            inside -= 1
        pair.wait()
        return threading.current_thread().name

    bounded = function(CLIENT, "sync", work, fn_id="bounded")
    with serving(TRANSPORTS[name], bounded, quick) as bench, ThreadPoolExecutor(6) as pool:
        names = {reply.json() for reply in pool.map(lambda _: bench.call("bounded"), range(6))}
    assert most == 2
    assert len(names) == 2


@pytest.mark.parametrize("name", ON_LOOPS)
def test_no_pool_is_the_thread_of_the_loop(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNGEST_THREAD_POOL_MAX_WORKERS", "0")
    seen = function(CLIENT, "sync", lambda ctx: threading.current_thread().name, fn_id="seen")
    with serving(TRANSPORTS[name], seen, quick) as bench:
        assert bench.call("seen").json() == bench.call("quick").json()


def test_a_sync_function_sees_the_context_of_its_request_each_time() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")

    def work(ctx: Any) -> list[str]:
        seen = variable.get()
        variable.set("left behind")
        return [seen, threading.current_thread().name]

    app = fastapi.FastAPI()
    seen = function(CLIENT, "sync", work, fn_id="seen")
    inngest.fast_api.serve(app, CLIENT, [seen])

    @app.middleware("http")
    async def set_variable(request: fastapi.Request, proceed: Any) -> Any:
        variable.set(request.headers["x-n"])
        return await proceed(request)

    with on_uvicorn(app) as origin:
        bench = Bench(HTTPChannel(origin), "/api/inngest")
        found = [bench.call("seen", headers={"x-n": str(n)}).json() for n in range(3)]
    assert [one[0] for one in found] == ["0", "1", "2"]
    assert all(one[1].startswith("inngest") for one in found)


def test_the_pool_ends_with_the_lifespan_and_comes_back_with_the_next() -> None:
    app = fastapi.FastAPI()
    seen = function(CLIENT, "sync", lambda ctx: threading.get_ident(), fn_id="seen")
    inngest.fast_api.serve(app, CLIENT, [seen])
    for _ in range(2):
        with on_uvicorn(app) as origin:
            ident = Bench(HTTPChannel(origin), "/api/inngest").call("seen").json()
            (thread,) = [one for one in threading.enumerate() if one.ident == ident]
        thread.join(SECONDS)
        assert not thread.is_alive()


@pytest.mark.parametrize("name", ON_LOOPS)
def test_a_client_that_leaves_ends_an_async_function(name: str) -> None:
    """Without streaming, too: the answer would reach nobody."""
    begun, cancelled = threading.Event(), threading.Event()

    async def endless(ctx: inngest.Context) -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    made: Any = CLIENT.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))(endless)
    with serving(TRANSPORTS[name], made) as bench:
        call = bench._call("fn", None, "step", {})
        leave_after(bench, call, begun)
        assert cancelled.wait(SECONDS)


def leave_after(bench: Bench, request: Request, begun: threading.Event) -> None:
    """Make a request, and disconnect once the function has started."""
    parts = urlsplit(bench.channel.origin)
    with socket.create_connection((str(parts.hostname), int(parts.port or 80))) as connection:
        head = f"POST {request.target} HTTP/1.1\r\nhost: app\r\n"
        head += f"content-length: {len(request.body)}\r\n\r\n"
        connection.sendall(head.encode() + request.body)
        assert begun.wait(SECONDS)
