"""What one call of a function costs, by the public API that both packages have.

The argument is a JSON object:

- `door`: `function` (a DigitalOcean function: no framework around the handler), `flask`
  or `fast_api`;
- `memos`: how many finished steps the call carries, of 100 bytes each;
- `nested_bytes`: the size of one more, nested memo, 0 for none;
- `is_signed`: whether the app is in cloud mode, and the body signed;
- `samples`: how often to measure.

Prints `{"seconds": [...]}`, of the processor's time, without the first calls.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import inngest

KEY = "signkey-test-7468697320697320612074657374206b65792121"
WARM_UP = 5
QUERY = "fnId=bench-fn&stepId=step"


def hash_id(step_id: str) -> str:
    return hashlib.sha1(step_id.encode(), usedforsecurity=False).hexdigest()


def nested(size: int) -> object:
    """A tree of small records of about `size` bytes."""
    record = {"id": 12345, "name": "record", "tags": ["a", "b", "c"], "score": 0.5, "on": True}
    return [dict(record) for _ in range(max(size // len(json.dumps(record)), 1))]


def body_of(memos: int, nested_bytes: int) -> bytes:
    """What a server sends, in the canonical form in which it sends it."""
    hashes = [hash_id(f"step-{number}") for number in range(memos)]
    steps: dict[str, object] = {hashed: {"data": "x" * 100} for hashed in hashes}
    if nested_bytes:
        hashes.append(hash_id("nested"))
        steps[hashes[-1]] = {"data": nested(nested_bytes)}
    event = {"data": {"memos": memos}, "id": "event", "name": "bench/go", "ts": 1700000000000}
    body = {
        "ctx": {
            "attempt": 0,
            "disable_immediate_execution": False,
            "run_id": "run",
            "stack": {"current": len(hashes), "stack": hashes},
            "use_api": False,
        },
        "event": event,
        "events": [event],
        "steps": steps,
        "use_api": False,
        "version": 2,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def client_of(is_signed: bool) -> inngest.Inngest:
    if is_signed:
        return inngest.Inngest(app_id="bench", is_production=True, signing_key=KEY, event_key="e")
    return inngest.Inngest(app_id="bench", is_production=False)


def sync_function(client: inngest.Inngest, has_nested: bool) -> Any:
    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="bench/go"))
    def fn(ctx: inngest.ContextSync) -> int:
        steps: Any = ctx.event.data["memos"]
        for number in range(steps):
            ctx.step.run(f"step-{number}", lambda: "")
        if has_nested:
            ctx.step.run("nested", list)
        return 1

    return fn


def async_function(client: inngest.Inngest, has_nested: bool) -> Any:
    async def text() -> str:
        return ""

    async def items() -> list[object]:
        return []

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="bench/go"))
    async def fn(ctx: inngest.Context) -> int:
        steps: Any = ctx.event.data["memos"]
        for number in range(steps):
            await ctx.step.run(f"step-{number}", text)
        if has_nested:
            await ctx.step.run("nested", items)
        return 1

    return fn


def signature(body: bytes) -> str:
    stamp = str(int(time.time()))
    key = KEY.rpartition("-")[2].encode()
    mac = hmac.new(key, body + stamp.encode(), hashlib.sha256).hexdigest()
    return f"t={stamp}&s={mac}"


def function_door(client: inngest.Inngest, fn: Any, body: bytes, signed: str) -> Any:
    import inngest.digital_ocean

    main = inngest.digital_ocean.serve(client, [fn])
    event = {
        "http": {
            "method": "POST",
            "path": "/api/inngest",
            "queryString": QUERY,
            "headers": {"host": "localhost", "x-inngest-signature": signed},
            "body": body.decode(),
            "isBase64Encoded": False,
        }
    }

    class Context:
        api_host = "https://localhost"
        function_name = "/bench/fn"

    def call() -> None:
        answer = main(event, Context())  # type: ignore[arg-type]
        assert answer["statusCode"] == 200, answer

    return call


def flask_door(client: inngest.Inngest, fn: Any, body: bytes, signed: str) -> Any:
    import flask

    import inngest.flask

    app = flask.Flask("bench")
    inngest.flask.serve(app, client, [fn])
    statuses: list[str] = []

    def start(status: str, _headers: Any, _problem: Any = None) -> Any:
        statuses.append(status)

    def call() -> None:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/api/inngest",
            "QUERY_STRING": QUERY,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": "localhost",
            "HTTP_X_INNGEST_SIGNATURE": signed,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        statuses.clear()
        b"".join(app.wsgi_app(environ, start))
        assert statuses == ["200 OK"], statuses

    return call


def fast_api_door(
    client: inngest.Inngest, fn: Any, body: bytes, signed: str, expected: int = 200
) -> Any:
    import fastapi

    import inngest.fast_api

    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, client, [fn])
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/inngest",
        "raw_path": b"/api/inngest",
        "root_path": "",
        "query_string": QUERY.encode(),
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-inngest-signature", signed.encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def call() -> None:
        statuses = []
        left = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            if left:
                return left.pop()
            return await asyncio.get_running_loop().create_future()  # the client stays

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await app(dict(scope), receive, send)
        assert statuses == [expected], statuses

    return call


def measure_sync(call: Callable[[], None], samples: int) -> list[float]:
    for _ in range(WARM_UP):
        call()
    found = []
    for _ in range(samples):
        started = time.process_time()
        call()
        found.append(time.process_time() - started)
    return found


async def measure_async(call: Any, samples: int) -> list[float]:
    for _ in range(WARM_UP):
        await call()
    found = []
    for _ in range(samples):
        started = time.process_time()
        await call()
        found.append(time.process_time() - started)
    return found


def main() -> None:
    case = json.loads(sys.argv[1])
    body = body_of(case["memos"], case["nested_bytes"])
    signed = signature(body) if case["is_signed"] else ""
    client = client_of(case["is_signed"])
    has_nested = bool(case["nested_bytes"])
    if case["door"] == "fast_api":
        call = fast_api_door(client, async_function(client, has_nested), body, signed)
        seconds = asyncio.run(measure_async(call, case["samples"]))
    else:
        door = flask_door if case["door"] == "flask" else function_door
        call = door(client, sync_function(client, has_nested), body, signed)
        seconds = measure_sync(call, case["samples"])
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
