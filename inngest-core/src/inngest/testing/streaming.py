"""The tests for transports that stream."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import AbstractContextManager
from typing import Any

import pytest

import inngest
from inngest._internal.http import streaming
from inngest.testing.bench import KEY, Bench, client_of, is_signed, raising
from inngest.testing.exchange import TIMEOUT, Inbox, Incoming
from inngest.testing.suite import Kind

INTERVAL = 0.02
FORCE = inngest.Streaming.FORCE


class StreamingTests:
    """Tests of responses that begin before the function has ended."""

    runs_async: bool

    def dev(
        self, kind: Kind, work: Any, *, in_step: bool = False, **options: Any
    ) -> AbstractContextManager[Bench]:
        """Serve one function in dev mode."""
        raise NotImplementedError

    def cloud(self, api: Inbox, **options: Any) -> AbstractContextManager[Bench]:
        """Serve one function in cloud mode."""
        raise NotImplementedError

    def serving(
        self, client: inngest.Inngest, *functions: inngest.Function[Any], **options: Any
    ) -> AbstractContextManager[Bench]:
        """Serve an app with these functions."""
        raise NotImplementedError

    @pytest.fixture
    def _no_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streaming, "KEEP_ALIVE_SECONDS", INTERVAL)

    @pytest.mark.usefixtures("_no_pauses")
    def test_streaming_keeps_the_connection_alive(self, kind: Kind) -> None:
        """Keep-alive spaces arrive while the function runs: it ends only after three of them."""
        seen = threading.Event()

        def work(ctx: Any) -> Any:
            return seen.wait(TIMEOUT) and "naïve ✓"

        with self.dev(kind, work, in_step=True, streaming=FORCE) as bench:
            incoming = bench.stream()
            assert incoming.status == 201
            assert incoming.header("x-inngest-sdk")
            assert (incoming.header("content-type") or "").startswith("application/json")
            assert incoming.read(3) == b"   "
            seen.set()
            answer = opened(incoming)
        assert answer["status"] == 206
        (op,) = json.loads(answer["body"])
        assert (op["op"], op["data"]) == ("StepRun", "naïve ✓")

    def test_streaming_signs_the_inner_body(self, api: Inbox) -> None:
        with self.cloud(api, streaming=FORCE) as bench:
            answer = opened(bench.stream(key=KEY))
        assert (answer["status"], answer["body"]) == (200, '"done"')
        assert is_signed(answer["body"].encode(), answer["headers"]["x-inngest-signature"])

    def test_streaming_tells_of_errors(self, kind: Kind) -> None:
        error = inngest.NonRetriableError("never")
        with self.dev(kind, raising(error), streaming=FORCE) as bench:
            answer = opened(bench.stream())
        assert answer["status"] == 500
        assert answer["headers"]["x-inngest-no-retry"] == "true"
        assert json.loads(answer["body"])["message"] == "never"

    def test_streaming_is_for_calls_that_may_be_made(self, api: Inbox) -> None:
        with self.cloud(api, streaming=FORCE) as bench:
            assert bench.call().status == 401
            assert bench.send("GET", key=KEY).status == 200
            assert bench.send("POST", b"{}", query={"probe": "trust"}, key=KEY).status == 200

    def test_streaming_can_be_asked_for_by_the_environment(
        self, kind: Kind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INNGEST_STREAMING", "allow")
        with self.dev(kind, lambda ctx: 1) as bench:
            assert opened(bench.stream())["body"] == "1"

    @pytest.mark.usefixtures("_no_pauses")
    def test_streaming_survives_a_client_that_leaves(self, kind: Kind) -> None:
        """A sync function runs to its end, and its thread is free for other calls."""
        left = threading.Event()
        with self.dev(kind, lambda ctx: left.wait(TIMEOUT), streaming=FORCE) as bench:
            incoming = bench.stream()
            incoming.read(1)
            incoming.close()
            left.set()
            assert opened(bench.stream())["body"] == "true"

    @pytest.mark.usefixtures("_no_pauses")
    def test_streaming_ends_an_async_function_whose_client_leaves(self) -> None:
        if not self.runs_async:
            return
        cancelled = threading.Event()

        async def endless(ctx: inngest.Context) -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                cancelled.set()

        client = client_of(api="http://127.0.0.1:9")
        made: Any = client.create_function(
            fn_id="fn", trigger=inngest.TriggerEvent(event="suite/go")
        )(endless)
        with self.serving(client, made, streaming=FORCE) as bench:
            incoming = bench.stream()
            incoming.read(1)
            incoming.close()
            assert cancelled.wait(TIMEOUT), "the client disconnected: close the stream's chunks"


def opened(incoming: Incoming) -> dict[str, Any]:
    """Read a response to its end and decode the envelope."""
    try:
        assert incoming.status == 201
        envelope: dict[str, Any] = json.loads(incoming.read())
    finally:
        incoming.close()
    assert set(envelope) == {"status", "headers", "body"}
    return envelope


__all__ = ["StreamingTests"]
