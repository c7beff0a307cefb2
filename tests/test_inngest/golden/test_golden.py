"""Recordings, against our SDK; what nothing replays is said in uncovered.json."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

import inngest
from inngest import Inngest
from inngest._internal.protocol.signature import SigningKey, sign

from . import differences, encrypted
from .apps import Build
from .connect_recordings import SESSIONS
from .engine_recordings import CHECKPOINTS, ENDPOINTS, ENGINE_COVERED, EVENTS_API
from .handmade_steps import APPS
from .realtime import REALTIME
from .replay import (
    ORIGIN,
    RECORDINGS,
    RecordedServer,
    Replay,
    base_url_of,
    flask_app,
    handler_app,
    load,
)
from .test_registration import DECLARED

KEY = "signkey-test-7468697320697320612074657374206b65792121"
OTHER_KEY = "signkey-test-00112233445566778899aabbccddeeff"
UNCOVERED = RECORDINGS / "uncovered.json"
EVENT_KEY = "evkey-abcdef0123456789"


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """How a recorded app in cloud mode was set up."""

    key: str = KEY
    fallback: str | None = None
    has_origin: bool = False


CLOUD = {
    "cloud_mode_fallback_key": Cloud(key=OTHER_KEY, fallback=KEY),
    "cloud_mode_signature_rejected": Cloud(key=OTHER_KEY),
    "cloud_mode_signed_call": Cloud(),
    "introspection_signed": Cloud(fallback=OTHER_KEY, has_origin=True),
    "sync_in_band_signed": Cloud(has_origin=True),
    "trust_probe": Cloud(),
}


STREAMED = {"streaming_201"}
"""Recordings of an app that answers with streams."""


def replayed(name: str, build: Build, monkeypatch: pytest.MonkeyPatch) -> Replay:
    cloud = CLOUD.get(name)
    if cloud and cloud.fallback:
        monkeypatch.setenv("INNGEST_SIGNING_KEY_FALLBACK", cloud.fallback)
    origin = api_origin_of(name)
    client = Inngest(
        app_id=f"rec-{name.replace('_', '-')}",
        api_base_url=origin,
        checkpointing=False,  # the recorded SDKs know none
        event_api_base_url=origin,
        event_key=EVENT_KEY if cloud else None,
        is_production=cloud is not None,
        signing_key=cloud.key if cloud else None,
    )
    server = RecordedServer()
    client._http = server
    base_url = base_url_of(name)
    if cloud:
        serve_origin = served_at(name) if cloud.has_origin else None
        ask = handler_app(client, build(client), base_url, serve_origin=serve_origin)
    elif name in STREAMED:
        ask = handler_app(client, build(client), base_url, streaming=inngest.Streaming.FORCE)
    else:
        ask = flask_app(client, build(client), base_url)
    replay = Replay(name=name, server=server, ask=ask)
    replay.run()
    return replay


def api_origin_of(name: str) -> str:
    return found_in(name, r'"api_origin": "([^"]+)"') or ORIGIN


def served_at(name: str) -> str | None:
    return found_in(name, r'"serve_origin": "([^"]+)"')


def found_in(name: str, pattern: str) -> str | None:
    found = re.search(pattern, (RECORDINGS / f"{name}.json").read_text("utf-8"))
    return found[1] if found else None


CASES = [
    pytest.param(name, build, id=f"{name}-{build.__name__}")
    for name, builds in sorted(APPS.items())
    for build in builds
]


@pytest.mark.parametrize(("name", "build"), CASES)
def test_does_what_is_recorded(name: str, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    replay = replayed(name, build, monkeypatch)
    assert not replay.problems, "\n".join(replay.problems)
    assert replay.answers


@pytest.mark.parametrize("name", sorted(CLOUD))
def test_every_signed_answer_is_signed_with_the_key_of_the_call(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = replayed(name, APPS[name][0], monkeypatch)
    keys = [
        key
        for text in (CLOUD[name].key, CLOUD[name].fallback)
        if text is not None and isinstance(key := SigningKey.parse(text), SigningKey)
    ]
    for exchange, answered in replay.answers:
        ours = answered.headers.get("x-inngest-signature")
        recorded = exchange.response_headers.get("x-inngest-signature")
        if ours is None:
            continue
        assert recorded is not None
        assert exchange.now is not None
        raw = exchange.response_raw
        (signer,) = [key for key in keys if sign(key, raw, exchange.now) == recorded]
        assert ours == sign(signer, answered.body, exchange.now)


def test_every_recording_is_replayed_or_said_not_to_be() -> None:
    uncovered = json.loads(UNCOVERED.read_text("utf-8"))
    recordings = {path.stem for path in RECORDINGS.glob("*.json") if path != UNCOVERED}
    covered = {*APPS, *ENGINE_COVERED, *DECLARED, *SESSIONS, EVENTS_API}
    assert covered & set(uncovered) == set(), "both replayed and listed as not replayed"
    assert covered | set(uncovered) == recordings
    assert all(isinstance(reason, str) and reason for reason in uncovered.values())


def test_every_recording_is_played_by_our_sdk_or_said_not_to_be() -> None:
    recordings = {path.stem for path in RECORDINGS.glob("*.json") if path != UNCOVERED}
    spoken = {*APPS, *DECLARED, *REALTIME, *SESSIONS, CHECKPOINTS, ENDPOINTS}
    assert spoken & set(differences.NOT_SPOKEN) == set()
    assert spoken | set(differences.NOT_SPOKEN) == recordings
    assert all(differences.NOT_SPOKEN.values())


@pytest.mark.parametrize("build", APPS["encryption_middleware"])
def test_an_encrypted_event_is_sent_as_it_is_recorded(build: Build) -> None:
    client = Inngest(app_id="app", event_api_base_url=ORIGIN, is_production=False)
    client._http = server = RecordedServer()
    build(client)
    sent = load("encryption_middleware")[1]
    server.awaited = [sent]
    assert client.send_sync(encrypted.EVENT) == sent.response_body["ids"]
    ((_, request),) = server.asked
    ours, recorded = json.loads(request.body)[0], sent.body[0]
    ours["ts"] = recorded["ts"]
    texts = [each["data"]["encrypted"].pop("data") for each in (ours, recorded)]
    assert encrypted.hold_the_same(*texts)
    assert ours == recorded


@pytest.mark.parametrize("build", APPS["function_error_retry_success"])
def test_a_stack_shows_no_exception_but_the_users(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = replayed("function_error_retry_success", build, monkeypatch)
    stack = json.loads(replay.answers[0][1].body)["stack"]
    assert stack.count("Traceback (most recent call last)") == 1
    assert stack.endswith("RuntimeError: not yet\n")


def test_every_difference_names_an_exchange_and_a_reason() -> None:
    for name, by_index in differences.ON_PURPOSE.items():
        indexes = {exchange.index for exchange in load(name)}
        assert name in APPS
        assert set(by_index) <= indexes
        assert all(
            each.reason and (each.ours or each.body)
            for found in by_index.values()
            for each in found
        )
    for name, skipped in differences.NOT_REPLAYED.items():
        assert name in APPS
        assert set(skipped) <= {exchange.index for exchange in load(name)}
        assert all(skipped.values())
    assert all(rule.reason for rule in (*differences.GENERAL, *differences.HAND_MADE))


def test_every_rule_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {*differences.GENERAL, *differences.HAND_MADE}
    used: set[differences.Rule] = set()
    for name, builds in APPS.items():
        for build in builds:
            with monkeypatch.context() as patch:
                used |= replayed(name, build, patch).used
    assert [rule.path for rule in rules - used] == []
