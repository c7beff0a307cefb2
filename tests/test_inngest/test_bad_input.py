"""Whatever reaches the endpoint, the answer is one of ours: documented, signed JSON, no secrets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import flask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

import inngest
import inngest.flask
from inngest._internal.protocol.signature import SigningKey, sign

SIGNING_KEY = "signkey-test-00112233445566778899aabbccddeeff"
STATUSES = {400, 401, 404, 405, 413, 500}
SECRET = "s3cr3t-of-the-request"
MODES = pytest.mark.parametrize("mode", ["dev", "cloud"])
BOUNDED = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

parsed = SigningKey.parse(SIGNING_KEY)
assert isinstance(parsed, SigningKey)
KEY: SigningKey = parsed


def make_app(mode: str) -> flask.Flask:
    client = inngest.Inngest(
        app_id="app",
        is_production=mode == "cloud",
        signing_key=SIGNING_KEY,
        api_base_url="http://127.0.0.1:1",
    )

    @client.create_function(fn_id="sync", trigger=inngest.TriggerEvent(event="e"))
    def sync(ctx: inngest.ContextSync) -> str:
        return "done"

    @client.create_function(fn_id="async", trigger=inngest.TriggerEvent(event="e"))
    async def asynchronous(ctx: inngest.Context) -> str:
        return "done"

    app = flask.Flask("app")
    inngest.flask.serve(app, client, [sync, asynchronous])
    return app


APPS = {mode: make_app(mode) for mode in ("dev", "cloud")}
GOOD: dict[str, Any] = {
    "ctx": {
        "run_id": "R",
        "fn_id": "F",
        "attempt": 0,
        "max_attempts": 4,
        "stack": {"stack": [], "current": 0},
        "disable_immediate_execution": False,
        "use_api": False,
    },
    "event": {"name": "e", "data": {}, "id": "I", "ts": 1, "user": {}, "v": "1"},
    "events": [{"name": "e", "data": {}}],
    "steps": {},
    "use_api": False,
}


def post(
    mode: str,
    body: bytes,
    *,
    fn_id: str | None = "app-sync",
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> TestResponse:
    """Post a body, signed as by a server unless ``headers`` are given."""
    if headers is None:
        is_cloud = mode == "cloud"
        headers = {"x-inngest-signature": sign(KEY, body, time.time())} if is_cloud else {}
    params = {**({} if fn_id is None else {"fnId": fn_id}), **(query or {})}
    return (
        APPS[mode]
        .test_client()
        .post("/api/inngest", data=body, headers=headers, query_string=params)
    )


def check(answer: TestResponse, *allowed: int) -> dict[str, Any]:
    """Assert that the response is a documented rejection."""
    assert answer.status_code in (allowed or STATUSES)
    assert answer.headers["x-inngest-sdk"]
    assert answer.headers["content-type"].startswith("application/json")
    body: dict[str, Any] = json.loads(answer.get_data())
    assert set(body) == {"code", "message", "name"}
    assert all(isinstance(value, str) and value for value in body.values())
    assert "Traceback" not in answer.text
    assert SECRET not in answer.text
    assert SECRET not in str(answer.headers)
    assert SIGNING_KEY.rpartition("-")[2] not in answer.text
    return body


def changed(path: tuple[str, ...], value: object) -> bytes:
    body: dict[str, Any] = json.loads(json.dumps(GOOD))
    target = body
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    return json.dumps(body).encode()


def test_the_good_call_is_good() -> None:
    for mode in APPS:
        for fn_id in ("app-sync", "app-async"):
            answer = post(mode, json.dumps(GOOD).encode(), fn_id=fn_id)
            assert (answer.status_code, answer.json) == (200, "done")


@MODES
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"' + SECRET.encode() + b'"', b"\xff\xfe\x00", b"\0"],
)
def test_a_body_that_is_no_call_is_a_400(mode: str, body: bytes) -> None:
    assert check(post(mode, body), 400)["code"] == "body_invalid"


@MODES
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"ctx":{"run_id":'])
def test_a_deeply_nested_body_is_a_400(mode: str, opening: bytes) -> None:
    check(post(mode, opening * 100_000), 400)


@MODES
def test_a_deeply_nested_event_is_a_400(mode: str) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    check(post(mode, changed(("event", "data"), {"x": "DEEP"}).replace(b'"DEEP"', deep)), 400)


@MODES
@pytest.mark.parametrize("is_signed", [True, False])
def test_fifty_megabytes_are_a_413_at_once(mode: str, is_signed: bool) -> None:
    body = b" " * (50 * 1024 * 1024)
    headers = {"x-inngest-signature": f"t={int(time.time())}&s={'0' * 64}"} if is_signed else {}
    assert check(post(mode, body, headers=headers), 413)["code"] == "body_too_large"


@MODES
def test_an_unknown_function_is_a_404_that_is_not_retried(mode: str) -> None:
    answer = post(mode, json.dumps(GOOD).encode(), fn_id=SECRET)
    assert check(answer, 404)["code"] == "function_not_found"
    assert answer.headers["x-inngest-no-retry"] == "true"


@MODES
@pytest.mark.parametrize("fn_id", [None, ""])
def test_a_missing_function_id_is_a_400_that_is_not_retried(mode: str, fn_id: str | None) -> None:
    answer = post(mode, json.dumps(GOOD).encode(), fn_id=fn_id)
    assert check(answer, 400)["code"] == "query_param_missing"
    assert answer.headers["x-inngest-no-retry"] == "true"


@MODES
def test_an_unknown_probe_is_a_400(mode: str) -> None:
    assert check(post(mode, b"{}", query={"probe": SECRET}), 400)["code"] == "probe_unknown"


def stamped(seconds: float) -> str:
    return sign(KEY, json.dumps(GOOD).encode(), time.time() + seconds)


@pytest.mark.parametrize(
    "header",
    [
        "t=1&s=é",
        "t=1&s=" + "0" * 64,
        "t=é&s=" + "0" * 64,
        "s=" + "0" * 64,
        "t=&s=",
        "t=nan&s=" + "0" * 64,
        "t=" + "9" * 400 + "&s=" + "0" * 64,
        SECRET,
        "&" * 1000,
        "t=1&t=2&s=3&s=4",
        lambda: stamped(0)[:-1],
        lambda: stamped(0).partition("&")[2],
        lambda: stamped(-330),
        lambda: stamped(-86_400),
        lambda: stamped(330),
        lambda: stamped(86_400),
    ],
)
@MODES
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_a_bad_signature_is_a_401(header: str | Callable[[], str], mode: str, method: str) -> None:
    if callable(header):  # made now: the window moves on while other tests run
        header = header()
    body = json.dumps(GOOD).encode()
    answer = (
        APPS[mode]
        .test_client()
        .open(
            "/api/inngest?fnId=app-sync",
            method=method,
            data=body,
            environ_overrides={"HTTP_X_INNGEST_SIGNATURE": header.encode().decode("latin-1")},
        )
    )
    assert check(answer, 401)["code"] == "sig_verification_failed"
    assert "x-inngest-signature" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
@pytest.mark.parametrize("headers", [{}, {"x-inngest-signature": ""}])
def test_the_cloud_needs_a_signature(method: str, headers: dict[str, str]) -> None:
    client = APPS["cloud"].test_client()
    answer = client.open("/api/inngest?fnId=app-sync", method=method, data=b"{}", headers=headers)
    assert check(answer, 401)["code"] == "header_missing"


def test_an_answer_to_a_signed_request_is_signed() -> None:
    answer = post("cloud", b"{}")
    check(answer, 400)
    stamp = answer.headers["x-inngest-signature"].partition("&")[0].removeprefix("t=")
    assert answer.headers["x-inngest-signature"] == sign(KEY, answer.get_data(), int(stamp))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECRET)
JSON_VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
PATHS = [
    *[(name,) for name in GOOD],
    *[("ctx", name) for name in GOOD["ctx"]],
    *[("event", name) for name in GOOD["event"]],
    ("ctx", "stack", "stack"),
]


def is_quick(path: tuple[str, ...], value: object) -> bool:
    """Whether to skip the one call that uses the network."""
    within = value.get("use_api") if isinstance(value, dict) else None
    return not (path[-1] == "use_api" and value is True) and within is not True


@BOUNDED
@given(st.sampled_from(PATHS), JSON_VALUES, st.sampled_from(["app-sync", "app-async"]))
@MODES
def test_any_value_in_any_field_is_accepted_or_refused(
    mode: str, path: tuple[str, ...], value: object, fn_id: str
) -> None:
    if not is_quick(path, value):
        return
    answer = post(mode, changed(path, value), fn_id=fn_id)
    if answer.status_code == 200:
        assert answer.json == "done"
    else:
        check(answer, 400)


@BOUNDED
@given(st.binary(max_size=300))
@MODES
def test_random_bytes_are_refused(mode: str, body: bytes) -> None:
    check(post(mode, body), 400)


@BOUNDED
@given(JSON_VALUES)
@MODES
def test_random_json_is_refused(mode: str, value: object) -> None:
    check(post(mode, json.dumps(value).encode()), 400)


@BOUNDED
@given(st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")))
@MODES
def test_random_signatures_are_refused(mode: str, header: str) -> None:
    answer = (
        APPS[mode]
        .test_client()
        .post(
            "/api/inngest?fnId=app-sync",
            data=json.dumps(GOOD).encode(),
            environ_overrides={"HTTP_X_INNGEST_SIGNATURE": header},
        )
    )
    if mode == "dev" and not header:
        assert answer.status_code == 200
    else:
        check(answer, 401)


@MODES
@pytest.mark.parametrize("place", ["ctx", "top"])
def test_state_that_cannot_be_fetched_is_a_500_that_is_retried(
    mode: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inngest._internal.runtime.drivers.time.sleep", lambda _: None)
    path = ("ctx", "use_api") if place == "ctx" else ("use_api",)
    answer = post(mode, changed(path, True))
    assert check(answer, 500)["code"] == "state_unavailable"
    assert "x-inngest-no-retry" not in answer.headers


@pytest.mark.parametrize("host", ["[", "app.example/other?", "me@app.example", "a b"])
def test_nothing_is_registered_under_what_is_no_host(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = APPS["dev"].test_client().put("/api/inngest", headers={"host": host})
    assert check(answer, 500)["code"] == "url_invalid"
    assert [record.exc_info for record in caplog.records] == [None]


@MODES
@pytest.mark.parametrize("depth", [600, 900])
def test_an_event_that_is_nested_too_deeply_to_be_copied_is_a_400(
    mode: str, depth: int, caplog: pytest.LogCaptureFixture
) -> None:
    deep: object = 1
    for _ in range(depth):
        deep = [deep]
    alone = {**GOOD, "event": {"name": "e", "data": {"deep": deep}}, "events": []}
    answer = post(mode, json.dumps(alone).encode())
    assert check(answer, 400)["code"] == "body_invalid"
    assert caplog.records == []
