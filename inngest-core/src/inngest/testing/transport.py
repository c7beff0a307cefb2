"""A test suite for adapters: subclass it, and implement ``build`` and ``connect``.

    class TestTransport(TransportSuite):
        streams = True

        def build(self, client, functions, **options):
            app = MyFramework()
            inngest.my_framework.serve(app, client, functions, **options)
            return app

        @contextmanager
        def connect(self, app):
            with running(app) as origin:
                yield HTTPChannel(origin)

Declare with class attributes what the adapter does not support; all the rest is tested.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import pytest

import inngest
from inngest.testing.bench import (
    APP_ID,
    FALLBACK_KEY,
    KEY,
    Bench,
    call_body,
    client_of,
    function,
    is_signed,
    raising,
)
from inngest.testing.exchange import TIMEOUT, Channel, Inbox, Reply
from inngest.testing.streaming import StreamingTests
from inngest.testing.suite import FunctionSuite, Kind
from inngest.transport import MAX_BODY_BYTES

MEGABYTE = 1024 * 1024


class TransportSuite(StreamingTests, FunctionSuite):
    """The tests that every transport must pass."""

    streams = False
    """Whether it can stream responses: ``serve`` accepts ``streaming``."""
    mounts = True
    """Whether ``serve_path`` determines the endpoint's path."""
    path = "/api/inngest"
    """The endpoint's path when ``serve_path`` is not given."""
    framework: str | None = None
    """The expected ``x-inngest-framework`` header; ``None`` to not check it."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Remove the tests of features that the class does not claim."""
        super().__init_subclass__(**options)
        for name in dir(cls):
            if not cls.streams and name.startswith("test_streaming_"):
                setattr(cls, name, None)
            if not cls.mounts and name.startswith("test_mounting_"):
                setattr(cls, name, None)

    def build(
        self, client: inngest.Inngest, functions: list[inngest.Function[Any]], **options: Any
    ) -> Any:
        """Make an app that serves the functions. ``options`` are passed on to ``serve``."""
        raise NotImplementedError(f"{type(self).__name__} has no build()")

    def connect(self, app: Any) -> AbstractContextManager[Channel]:
        """Run an app for the duration of the block, and return a channel to it."""
        raise NotImplementedError(f"{type(self).__name__} has no connect()")

    @pytest.fixture
    def api(self) -> Iterator[Inbox]:
        """The Inngest API server."""
        with Inbox().open() as inbox:
            yield inbox

    @contextmanager
    def serving(
        self,
        client: inngest.Inngest,
        *functions: inngest.Function[Any],
        path: str | None = None,
        **options: Any,
    ) -> Iterator[Bench]:
        """Serve an app with these functions for the duration of the block."""
        app = self.build(client, list(functions), **options)
        with self.connect(app) as channel:
            yield Bench(channel, self.path if path is None else path)
        client.close()

    @contextmanager
    def dev(
        self, kind: Kind, work: Any, *, in_step: bool = False, **options: Any
    ) -> Iterator[Bench]:
        """Serve one function in dev mode."""
        client = client_of(api="http://127.0.0.1:9")
        with self.serving(
            client, function(client, kind, work, in_step=in_step), **options
        ) as bench:
            yield bench

    @contextmanager
    def cloud(self, api: Inbox, **options: Any) -> Iterator[Bench]:
        """Serve one function in cloud mode."""
        kind: Kind = "sync" if self.runs_sync else "async"
        client = client_of(api=api.origin, is_production=True)
        with self.serving(client, function(client, kind, lambda ctx: "done"), **options) as bench:
            yield bench

    # calls

    def test_a_result_is_a_200(self, kind: Kind) -> None:
        with self.dev(kind, lambda ctx: {"got": ctx.event.data["text"]}) as bench:
            reply = bench.call(body=call_body(data={"text": "naïve ✓"}))
        check(reply, 200)
        assert reply.json() == {"got": "naïve ✓"}
        assert self.framework in (None, reply.header("x-inngest-framework"))

    def test_a_step_is_a_206(self, kind: Kind) -> None:
        with self.dev(kind, lambda ctx: [1, "é"], in_step=True) as bench:
            reply = bench.call()
        check(reply, 206)
        (op,) = reply.json()
        assert (op["op"], op["displayName"], op["data"]) == ("StepRun", "step", [1, "é"])

    def test_a_finished_step_is_not_run_again(self, kind: Kind) -> None:
        with self.dev(kind, raising(ValueError("ran again")), in_step=True) as bench:
            reply = bench.call(body=call_body(steps={"step": {"data": "kept"}}))
        check(reply, 200)
        assert reply.json() == "kept"

    def test_a_failed_step_is_a_206_with_its_error(self, kind: Kind) -> None:
        with self.dev(kind, raising(ValueError("no luck")), in_step=True) as bench:
            reply = bench.call()
        check(reply, 206)
        (op,) = reply.json()
        assert (op["op"], op["error"]["message"]) == ("StepError", "no luck")
        assert reply.header("x-inngest-no-retry") is None

    def test_a_failed_function_is_a_500(self, kind: Kind) -> None:
        with self.dev(kind, raising(ValueError("no luck"))) as bench:
            reply = bench.call()
        check(reply, 500)
        assert (reply.json()["name"], reply.json()["message"]) == ("ValueError", "no luck")
        assert reply.header("x-inngest-no-retry") is None

    def test_a_final_error_says_so(self, kind: Kind) -> None:
        with self.dev(kind, raising(inngest.NonRetriableError("never"))) as bench:
            reply = bench.call()
        check(reply, 500)
        assert reply.header("x-inngest-no-retry") == "true"

    def test_a_later_retry_says_when(self, kind: Kind) -> None:
        error = inngest.RetryAfterError("busy", timedelta(minutes=5))
        with self.dev(kind, raising(error)) as bench:
            reply = bench.call()
        check(reply, 500)
        assert reply.header("retry-after")

    def test_a_step_that_is_not_found_is_an_error(self, kind: Kind) -> None:
        with self.dev(kind, lambda ctx: "done") as bench:
            check(bench.call(step="0" * 40), 500)

    def test_middleware_is_given_the_request_of_the_framework(self) -> None:
        given: list[object] = []

        def noting(client: inngest.Inngest, raw_request: object) -> inngest.MiddlewareSync:
            given.append(raw_request)
            return inngest.MiddlewareSync(client, raw_request)

        client = client_of(api="http://127.0.0.1:9")
        client.add_middleware(noting)
        with self.serving(client, function(client, self._a_kind(), lambda ctx: None)) as bench:
            check(bench.call(), 200)
        assert given
        assert None not in given

    def test_an_unknown_function_is_a_404(self) -> None:
        with self.dev(self._a_kind(), lambda ctx: None) as bench:
            reply = bench.call("other")
        check(reply, 404)
        assert reply.json()["code"] == "function_not_found"

    def test_a_call_without_a_function_is_a_400(self) -> None:
        with self.dev(self._a_kind(), lambda ctx: None) as bench:
            check(bench.send("POST", call_body(), query={"stepId": "step"}), 400)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe\x00", b"null"])
    def test_a_body_that_is_no_call_is_a_400(self, body: bytes) -> None:
        with self.dev(self._a_kind(), lambda ctx: None) as bench:
            check(bench.call(body=body), 400)

    def test_a_body_that_is_too_large_is_a_413(self) -> None:
        with self.dev(self._a_kind(), lambda ctx: None) as bench:
            check(bench.call(body=b" " * (MAX_BODY_BYTES + 1)), 413)

    def test_four_megabytes_come_and_go(self, kind: Kind) -> None:
        text = "x" * (4 * MEGABYTE - 1024)
        with self.dev(kind, lambda ctx: ctx.event.data["text"]) as bench:
            reply = bench.call(body=call_body(data={"text": text}))
        check(reply, 200)
        assert reply.json() == text

    def test_calls_do_not_wait_for_each_other(self, kind: Kind) -> None:
        """Four calls meet at a barrier: each ends only when all have begun."""
        everybody = threading.Barrier(4, timeout=TIMEOUT)

        def work(ctx: Any) -> Any:
            everybody.wait()
            return ctx.event.data["n"]

        def call(n: int) -> Any:
            return bench.call(body=call_body(data={"n": n})).json()

        with self.dev(kind, work) as bench, ThreadPoolExecutor(4) as pool:
            assert list(pool.map(call, range(4))) == list(range(4))

    # other methods

    def test_a_method_that_is_unknown_is_a_405(self) -> None:
        with self.dev(self._a_kind(), lambda ctx: None) as bench:
            reply = bench.send("DELETE")
        assert reply.status == 405
        allowed = {method.strip() for method in (reply.header("allow") or "").split(",")}
        assert {"GET", "POST", "PUT"} <= allowed

    def test_introspection_tells_little_to_everybody(self) -> None:
        with self.dev(self._a_kind(), lambda ctx: None) as bench:
            reply = bench.send("GET")
        check(reply, 200)
        assert reply.json()["function_count"] == 1
        assert reply.json()["mode"] == "dev"
        assert "app_id" not in reply.json()

    def test_introspection_tells_all_to_the_server(self, api: Inbox) -> None:
        with self.cloud(api) as bench:
            reply = bench.send("GET", key=KEY)
        check(reply, 200)
        assert reply.json()["app_id"] == APP_ID
        assert reply.json()["authentication_succeeded"] is True
        assert is_signed(reply.body, reply.header("x-inngest-signature"))

    def test_a_server_of_the_wrong_kind_is_told_nothing(self) -> None:
        with self.dev(self._a_kind(), lambda ctx: None) as bench:
            headers = {"x-inngest-server-kind": "cloud"}
            assert bench.send("GET", headers=headers).status == 403
            check(bench.send("PUT", b"{}", headers=headers), 400)

    def test_the_trust_probe_is_signed(self, api: Inbox) -> None:
        with self.cloud(api) as bench:
            reply = bench.send("POST", b"{}", query={"probe": "trust"}, key=KEY)
        check(reply, 200)
        assert is_signed(reply.body, reply.header("x-inngest-signature"))

    # signing

    @pytest.mark.parametrize("key", [KEY, FALLBACK_KEY])
    def test_an_answer_is_signed_with_the_key_of_its_request(
        self, key: str, api: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INNGEST_SIGNING_KEY_FALLBACK", FALLBACK_KEY)
        with self.cloud(api) as bench:
            reply = bench.call(key=key)
        check(reply, 200)
        assert reply.json() == "done"
        assert is_signed(reply.body, reply.header("x-inngest-signature"), key)

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
    @pytest.mark.parametrize(
        "how",
        [
            {},
            {"key": FALLBACK_KEY},
            {"key": KEY, "age": 3600},
            {"headers": {"x-inngest-signature": "t=1&s=\xe9"}},
        ],
        ids=["unsigned", "foreign", "old", "mangled"],
    )
    def test_a_request_that_nobody_signed_is_a_401(
        self, method: str, how: dict[str, Any], api: Inbox
    ) -> None:
        with self.cloud(api) as bench:
            query = {"fnId": f"{APP_ID}-fn", "stepId": "step"}
            reply = bench.send(method, call_body(), query=query, **how)
        check(reply, 401)
        assert reply.header("x-inngest-signature") is None
        assert api.requests == []

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://["])
    def test_a_page_of_another_site_is_a_401(self, method: str, origin: str) -> None:
        done: list[str] = []
        headers = {"origin": origin, "content-type": "text/plain"}
        with self.dev(self._a_kind(), lambda ctx: done.append("done")) as bench:
            query = {"fnId": f"{APP_ID}-fn", "stepId": "step"}
            # DNS rebinding: a name of the attacker's that resolves to this machine.
            rebound = {**headers, "host": "evil.example"}
            for sent in (headers, rebound):
                check(bench.send(method, call_body(), query=query, headers=sent), 401)
            assert done == []
            for own in (bench.channel.origin, "http://localhost:3000"):
                check(bench.call(headers={"origin": own}), 200)

    # registration

    def test_a_sync_registers_the_app_where_it_was_reached(self, api: Inbox) -> None:
        registered, reply, bench = self._synced(api)
        check(reply, 200)
        assert reply.header("x-inngest-sync-kind") == "out_of_band"
        assert registered["url"] == bench.url
        (config,) = registered["functions"]
        assert config["id"] == f"{APP_ID}-fn"
        assert config["steps"]["step"]["runtime"]["url"].startswith(f"{bench.url}?fnId={APP_ID}-fn")
        assert api.requests[0][0] == "/fn/register?deployId=d1"

    def test_a_sync_names_the_host_that_was_asked(self, api: Inbox) -> None:
        registered, _, _ = self._synced(api, headers={"host": "shop.example"})
        assert registered["url"] == f"http://shop.example{self.path}"

    def test_what_the_user_says_of_a_proxy_is_registered(self, api: Inbox) -> None:
        registered, _, _ = self._synced(
            api, serve_origin="https://shop.example", public_path="/public/inngest"
        )
        assert registered["url"] == "https://shop.example/public/inngest"

    def test_the_environment_names_the_origin(
        self, api: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INNGEST_SERVE_ORIGIN", "https://shop.example")
        assert self._synced(api)[0]["url"] == f"https://shop.example{self.path}"

    @pytest.mark.parametrize("is_from_environment", [False, True])
    def test_mounting_at_another_path_is_registered(
        self, is_from_environment: bool, api: Inbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options: dict[str, Any] = {} if is_from_environment else {"serve_path": "/fns/here"}
        if is_from_environment:
            monkeypatch.setenv("INNGEST_SERVE_PATH", "/fns/here")
        registered, _, bench = self._synced(api, path="/fns/here", **options)
        assert registered["url"] == f"{bench.channel.origin}/fns/here"

    def test_mounting_at_a_path_of_any_language(self, api: Inbox) -> None:
        sent = "/fns/k%C3%A4se"
        registered, reply, bench = self._synced(api, path=sent, serve_path="/fns/käse")
        check(reply, 200)
        assert registered["url"] == f"{bench.channel.origin}{sent}"

    def test_mounting_leaves_other_paths_alone(self) -> None:
        with self.dev(self._a_kind(), lambda ctx: None) as bench:
            bench.path = "/elsewhere"
            assert bench.send("GET").status == 404

    def test_a_registration_that_failed_is_no_success(
        self, api: Inbox, caplog: pytest.LogCaptureFixture
    ) -> None:
        api.status, api.answer = 400, {"error": "no"}
        assert self._synced(api)[1].status >= 400
        assert [each for each in caplog.messages if "was refused" in each]

    @pytest.mark.parametrize(("option", "status"), [(True, 200), (False, 401), (None, 401)])
    def test_who_may_ask_for_a_sync_is_for_the_app_to_say(
        self, option: bool | None, status: int, api: Inbox
    ) -> None:
        with self.cloud(api, enable_unauthed_sync=option) as bench:
            check(bench.send("PUT", b"{}"), status)
        assert len(api.requests) == (status == 200)

    def test_an_in_band_sync_is_answered_with_the_functions(self, api: Inbox) -> None:
        with self.cloud(api) as bench:
            body = json.dumps({"url": bench.url}).encode()
            reply = bench.send("PUT", body, headers={"x-inngest-sync-kind": "in_band"}, key=KEY)
        check(reply, 200)
        assert reply.header("x-inngest-sync-kind") == "in_band"
        assert is_signed(reply.body, reply.header("x-inngest-signature"))
        assert reply.json()["url"] == bench.url
        assert [one["id"] for one in reply.json()["functions"]] == [f"{APP_ID}-fn"]
        assert api.requests == []

    def test_an_in_band_sync_is_answered_with_the_url_that_the_server_calls(
        self, api: Inbox
    ) -> None:
        url = "https://shop.example/behind/a/proxy"
        with self.cloud(api) as bench:
            body = json.dumps({"url": url}).encode()
            reply = bench.send("PUT", body, headers={"x-inngest-sync-kind": "in_band"}, key=KEY)
        (one,) = reply.json()["functions"]
        assert reply.json()["url"] == url
        assert one["steps"]["step"]["runtime"]["url"].startswith(f"{url}?fnId=")

    # serve

    def test_no_functions_are_an_endpoint_that_registers_nothing(self, api: Inbox) -> None:
        with self.serving(client_of(api=api.origin)) as bench:
            assert bench.send("GET").json()["function_count"] == 0
            reply = bench.send("PUT", b"{}")
        check(reply, 500)
        assert reply.json()["code"] == "function_config_invalid"
        assert api.requests == []

    def test_a_function_may_be_there_twice(self, api: Inbox) -> None:
        client = client_of(api=api.origin)
        made = function(client, self._a_kind(), lambda ctx: None)
        with self.serving(client, made, made) as bench:
            check(bench.send("PUT", b"{}"), 200)
        assert len(api.requests[0][2]["functions"]) == 1

    def test_the_cloud_needs_a_key(self) -> None:
        client = inngest.Inngest(app_id=APP_ID, is_production=True)
        with pytest.raises(Exception, match="signing key"):
            self.build(client, [function(client, self._a_kind(), lambda ctx: None)])

    def test_two_functions_of_one_id_are_refused(self) -> None:
        client = client_of(api="http://127.0.0.1:9")
        twins = [function(client, self._a_kind(), lambda ctx: None) for _ in range(2)]
        with pytest.raises(Exception, match="two functions have the id"):
            self.build(client, twins)

    def _a_kind(self) -> Kind:
        return "sync" if self.runs_sync else "async"

    def _synced(
        self,
        api: Inbox,
        *,
        headers: dict[str, str] | None = None,
        path: str | None = None,
        **options: Any,
    ) -> tuple[dict[str, Any], Reply, Bench]:
        client = client_of(api=api.origin)
        made = function(client, self._a_kind(), lambda ctx: None)
        with self.serving(client, made, path=path, **options) as bench:
            reply = bench.send("PUT", b"{}", query={"deployId": "d1"}, headers=headers)
        assert len(api.requests) == 1
        return api.requests[0][2], reply, bench


def check(reply: Reply, status: int) -> None:
    """Assert the status, and that the response has each Inngest header exactly once."""
    assert reply.status == status, reply.body[:1000]
    assert (reply.header("content-type") or "").startswith("application/json")
    assert (reply.header("x-inngest-sdk") or "").partition(":v")[2]
    assert reply.header("x-inngest-sdk-handled") == "true"
    assert reply.header("x-inngest-req-version") == "2"
    assert b"Traceback" not in reply.body or status in (206, 500)


__all__ = ["TransportSuite"]
