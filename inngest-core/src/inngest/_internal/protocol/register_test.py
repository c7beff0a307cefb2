from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inngest._internal.protocol.headers import sdk_headers
from inngest._internal.protocol.introspect import (
    AppFacts,
    full_inspection,
    public_inspection,
)
from inngest._internal.protocol.register import in_band_answer, registration
from inngest._internal.protocol.signature import SigningKey
from inngest._internal.types import ServerKind
from inngest._internal.version import SDK_HEADER, VERSION

RECORDINGS = Path(__file__).parents[5] / "tests" / "recordings"
OURS = {"sdk_version": VERSION}


def exchange(name: str, index: int) -> dict[str, Any]:
    path = RECORDINGS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))["exchanges"][index]
    return found


def facts(recorded: dict[str, Any], *, fallback: bool) -> AppFacts:
    key = SigningKey.parse("signkey-test-7468697320697320612074657374206b65792121")
    other = SigningKey.parse("signkey-test-00112233445566778899aabbccddeeff")
    assert isinstance(key, SigningKey)
    assert isinstance(other, SigningKey)
    return AppFacts(
        app_id=recorded["app_id"],
        api_origin=recorded["api_origin"],
        event_api_origin=recorded["event_api_origin"],
        framework="fast_api",
        function_count=1,
        mode=ServerKind.CLOUD,
        event_key="evkey-abcdef0123456789",
        signing_key=key,
        signing_key_fallback=other if fallback else None,
        serve_origin=recorded["serve_origin"],
    )


def test_public_inspection_is_as_recorded() -> None:
    found = public_inspection(
        AppFacts(
            app_id="a",
            api_origin="x",
            event_api_origin="x",
            function_count=1,
            mode=ServerKind.DEV_SERVER,
        )
    )
    assert found == exchange("introspection_unsigned", 0)["response_body"]


def test_full_inspection_is_as_recorded() -> None:
    recorded = exchange("introspection_signed", 1)["response_body"]
    assert full_inspection(facts(recorded, fallback=True)) == recorded | OURS


def test_in_band_answer_is_as_recorded() -> None:
    recorded = exchange("sync_in_band_signed", 0)["response_body"]
    inspection = recorded["inspection"]
    answer = in_band_answer(
        facts(inspection, fallback=False),
        url=recorded["url"],
        functions=recorded["functions"],
    )
    ours = OURS | {"sdk_author": "inngest-core", "inspection": inspection | OURS}
    assert answer == recorded | ours


def test_registration_uses_the_documented_keys() -> None:
    app = AppFacts(
        app_id="a",
        api_origin="x",
        event_api_origin="x",
        function_count=0,
        mode=ServerKind.CLOUD,
        env="branch",
        event_key="secret-key",
    )
    assert registration(app, url="http://h/api", functions=[]) == {
        "appName": "a",
        "capabilities": {"connect": "v1", "in_band_sync": "v1", "trust_probe": "v1"},
        "deployType": "ping",
        "functions": [],
        "headers": {"env": "branch"},
        "sdk": f"py:v{VERSION}",
        "url": "http://h/api",
        "v": "0.1",
    }
    assert "secret-key" not in repr(app)


def test_sdk_headers_leave_out_what_is_not_known() -> None:
    plain = sdk_headers(env=None, framework=None, server_kind=None)
    assert plain == {
        "content-type": "application/json",
        "x-inngest-sdk": SDK_HEADER,
        "user-agent": SDK_HEADER,
        "x-inngest-req-version": "2",
    }
    full = sdk_headers(env="e", framework="f", server_kind=ServerKind.CLOUD)
    assert full["x-inngest-expected-server-kind"] == "cloud"
