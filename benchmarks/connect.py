"""Connect against HTTP: calls as one engine makes them, to an app in a process of its own.

    benchmarks/connect.py compare        calls per second, latency, CPU of the app per call
    benchmarks/connect.py memory         the worker's memory over 20,000 calls

The engine's part is the same for both: a call is built, an answer is read, nothing is stored.
Linux only: CPU and memory of the app are read from /proc.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import inngest
import inngest.connect
from inngest.dev import DevServer
from inngest.dev._internal.model.ids import request_id
from inngest.dev._internal.protocol.answer import Returned
from inngest.dev._internal.protocol.call import Call

SECONDS = 60.0
AT_ONCE = 32
Make = Callable[[Call], Awaitable[Any]]


# the app


def functions() -> tuple[inngest.Inngest, list[inngest.Function[Any]]]:
    client = inngest.Inngest(app_id="bench", is_production=False)

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="bench/go"))
    async def fn(ctx: inngest.Context) -> str:
        return str(ctx.event.data["text"])

    return client, [fn]


def serve_http(port: int) -> None:
    import fastapi
    import uvicorn

    import inngest.fast_api

    app = fastapi.FastAPI()
    client, made = functions()
    inngest.fast_api.serve(app, client, made)
    uvicorn.run(app, port=port, log_level="error", access_log=False)


def serve_connect() -> None:
    """At its end it says what it leaves behind."""

    async def main() -> int:
        client, made = functions()
        await inngest.connect.connect([(client, made)]).start()
        await client.aclose()
        return len(asyncio.all_tasks()) - 1

    tasks = asyncio.run(main())
    threads = threading.active_count() - 1
    print(json.dumps({"tasks": tasks, "threads": threads, "sockets": sockets_of(os.getpid())}))


# what /proc tells


def sockets_of(pid: int) -> int:
    found = 0
    for name in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += str(name.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue
    return found


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


# the engine


def calls(url: str) -> Iterator[Call]:
    """Calls that differ by their ids only."""
    for number in itertools.count():
        job_id = f"job-{number}"
        ids = {"x-request-id": request_id(job_id, 1, 0), "x-run-id": f"run-{number}"}
        event = {"name": "bench/go", "data": {"text": "x" * 500}, "id": f"e-{number}", "ts": 1}
        ctx = {"run_id": ids["x-run-id"], "attempt": 0, "stack": {"stack": [], "current": 0}}
        body = {"ctx": ctx, "event": event, "events": [event], "steps": {}, "version": 2}
        headers = {
            "content-type": "application/json",
            "traceparent": "00-0-0-01",
            "x-inngest-job-id": job_id,
            **ids,
        }
        target = f"{url}?fnId=bench-fn&stepId=step"
        yield Call(url=target, headers=headers, body=json.dumps(body).encode())


async def timed(make: Make, source: Iterator[Call], total: int, at_once: int) -> list[float]:
    """How long each of so many calls took, made by so many callers."""
    left, taken = itertools.repeat(None, total), list[float]()

    async def caller() -> None:
        for _ in left:
            call, begun = next(source), time.perf_counter()
            answer = await make(call)
            assert isinstance(answer, Returned), answer
            taken.append(time.perf_counter() - begun)

    await asyncio.gather(*(caller() for _ in range(at_once)))
    return taken


@contextmanager
def app(kind: str, server: DevServer) -> Iterator[tuple[subprocess.Popen[str], Make, str]]:
    """An app that the engine knows, and how it is called."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    child = subprocess.Popen(
        [sys.executable, __file__, kind, "--port", port],
        env={**os.environ, "INNGEST_DEV": server.origin},
        stdout=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}/api/inngest"
    driver = server.engine.driver
    try:
        until = time.monotonic() + SECONDS
        while not server.functions(url if kind == "http" else "wss://connect"):
            assert child.poll() is None, "the app has ended"
            assert time.monotonic() < until, "the app did not start"
            if kind == "http":
                server.sync(url)
            time.sleep(0.02)
        if kind == "http":
            yield child, lambda call: driver.call(call, now=0), url
        else:
            yield child, server.engine.connect.call, "wss://connect"
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
        child.wait(SECONDS)


def compare(total: int) -> None:
    head = ("transport", "at once", "calls/s", "p50 ms", "p99 ms", "CPU µs/call")
    print("{:>10}{:>9}{:>9}{:>9}{:>9}{:>13}".format(*head))
    for kind in ("http", "connect"):
        with DevServer(port=0) as server, app(kind, server) as (child, make, url):
            source = calls(url)
            server._do(timed(make, source, 200, AT_ONCE), SECONDS)  # warm
            for at_once in (1, AT_ONCE):
                cpu, begun = cpu_seconds(child.pid), time.perf_counter()
                taken = sorted(server._do(timed(make, source, total, at_once), 10 * SECONDS))
                seconds = time.perf_counter() - begun
                each = (cpu_seconds(child.pid) - cpu) / total * 1e6
                p50, p99 = statistics.median(taken) * 1e3, taken[int(total * 0.99)] * 1e3
                line = f"{kind:>10}{at_once:>9}{total / seconds:>9.0f}{p50:>9.2f}{p99:>9.2f}"
                print(f"{line}{each:>13.0f}")


def memory(total: int, warm: int) -> None:
    """Prints the curve, and last one line of JSON."""
    with DevServer(port=0) as server, app("connect", server) as (child, make, url):
        source, step, curve = calls(url), max(total // 20, 1), list[float]()
        server._do(timed(make, source, warm, AT_ONCE), 10 * SECONDS)
        for done in range(0, total + 1, step):
            curve.append(memory_mb(child.pid))
            print(f"{warm + done:>8} calls {curve[-1]:>7.1f} MB")
            if done < total:
                server._do(timed(make, source, step, AT_ONCE), 10 * SECONDS)
        child.send_signal(signal.SIGTERM)
        left = json.loads(child.communicate(timeout=SECONDS)[0])
    print(json.dumps({"growth_mb": round(curve[-1] - curve[0], 2), "left": left}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["compare", "memory", "http", "connect"])
    parser.add_argument("--port", type=int, help="for the app itself")
    parser.add_argument("--calls", type=int)
    parser.add_argument("--warm", type=int, default=5000, help="calls before memory is looked at")
    given = parser.parse_args()
    if given.what in ("compare", "memory"):  # the app ends with us
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    match given.what:
        case "compare":
            compare(given.calls or 2000)
        case "memory":
            memory(given.calls or 20_000, given.warm)
        case "http":
            serve_http(given.port)
        case _:
            serve_connect()


if __name__ == "__main__":
    main()
