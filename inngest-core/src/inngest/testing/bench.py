"""The app under test: sync and async functions, and requests as the Inngest server makes them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import inngest
from inngest._internal.protocol.signature import SigningKey, sign, verify
from inngest.testing.exchange import Channel, Incoming, Reply, Request
from inngest.testing.suite import Kind

KEY = "signkey-test-00112233445566778899aabbccddeeff"
FALLBACK_KEY = "signkey-test-ffeeddccbbaa99887766554433221100"
APP_ID = "suite"


def parsed(text: str) -> SigningKey:
    """Parse a signing key."""
    key = SigningKey.parse(text)
    assert isinstance(key, SigningKey)
    return key


def client_of(*, api: str, is_production: bool = False) -> inngest.Inngest:
    """Make a client that talks to ``api`` only, without plugin middleware."""
    client = inngest.Inngest(
        app_id=APP_ID,
        api_base_url=api,
        event_api_base_url=api,
        is_production=is_production,
        signing_key=KEY if is_production else None,
        event_key="suite-event-key",
    )
    client._plugins.forgo_middleware()
    return client


def function(
    client: inngest.Inngest,
    kind: Kind,
    work: Callable[[Any], Any],
    *,
    fn_id: str = "fn",
    in_step: bool = False,
) -> inngest.Function[Any]:
    """Make a function that calls the blocking ``work`` with its context, directly or in a step.

    An async function calls it on a thread, so that it does not block the event loop.
    """

    async def on_thread(ctx: inngest.Context) -> Any:
        return await asyncio.to_thread(work, ctx)

    async def run_async(ctx: inngest.Context) -> Any:
        if in_step:
            return await ctx.step.run("step", on_thread, ctx)
        return await on_thread(ctx)

    def run_sync(ctx: inngest.ContextSync) -> Any:
        return ctx.step.run("step", work, ctx) if in_step else work(ctx)

    handler: Any = run_async if kind == "async" else run_sync
    made: inngest.Function[Any] = client.create_function(
        fn_id=fn_id, trigger=inngest.TriggerEvent(event="suite/go")
    )(handler)
    return made


def raising(error: Exception) -> Callable[[Any], Any]:
    """Make ``work`` that raises an error."""

    def work(ctx: Any) -> Any:
        raise error

    return work


def hashed(step_id: str) -> str:
    """Return the id that a step has on the wire."""
    return hashlib.sha1(step_id.encode(), usedforsecurity=False).hexdigest()


def call_body(*, data: Any = None, steps: dict[str, Any] | None = None) -> bytes:
    """Return the body of a call request; ``steps`` maps step ids to their memos."""
    event = {"data": data or {}, "id": "e1", "name": "suite/go", "ts": 1}
    body = {
        "ctx": {
            "attempt": 0,
            "disable_immediate_execution": False,
            "max_attempts": 4,
            "run_id": "run",
            "stack": {"current": 0, "stack": [hashed(name) for name in steps or {}]},
        },
        "event": event,
        "events": [event],
        "steps": {hashed(name): memo for name, memo in (steps or {}).items()},
        "use_api": False,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Bench:
    """A running app, and the requests that the Inngest server makes to it."""

    def __init__(self, channel: Channel, path: str) -> None:
        self.channel = channel
        self.path = path

    @property
    def url(self) -> str:
        """The URL of the Inngest endpoint."""
        return f"{self.channel.origin}{self.path}"

    def request(
        self,
        method: str,
        body: bytes = b"",
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        key: str | None = None,
        age: float = 0,
    ) -> Request:
        """Build a request, signed with ``key``, if given, as of ``age`` seconds ago."""
        written = {"content-type": "application/json", **(headers or {})}
        if key is not None:
            written["x-inngest-signature"] = sign(parsed(key), body, time.time() - age)
        target = self.path + (f"?{urlencode(query)}" if query else "")
        return Request(method=method, target=target, headers=written, body=body)

    def send(self, method: str, body: bytes = b"", **options: Any) -> Reply:
        """Send a request and return its response."""
        return self.channel.send(self.request(method, body, **options))

    def call(
        self, fn_id: str = "fn", *, body: bytes | None = None, step: str = "step", **options: Any
    ) -> Reply:
        """Call a function and return the response."""
        return self.channel.send(self._call(fn_id, body, step, options))

    def stream(self, fn_id: str = "fn", **options: Any) -> Incoming:
        """Call a function; return when the response headers have arrived."""
        return self.channel.stream(self._call(fn_id, None, "step", options))

    def _call(self, fn_id: str, body: bytes | None, step: str, options: dict[str, Any]) -> Request:
        query = {"fnId": f"{APP_ID}-{fn_id}", "stepId": step}
        return self.request("POST", call_body() if body is None else body, query=query, **options)


def is_signed(body: bytes, header: str | None, key: str = KEY) -> bool:
    """Return whether ``header`` is a current signature of ``body`` made with ``key``."""
    found = verify([parsed(key)], header=header, body=body, now=time.time())
    return isinstance(found, SigningKey)
