from __future__ import annotations

import datetime
from typing import Any

import pytest

from inngest._internal.client.config import ClientConfig, resolve
from inngest._internal.client.origin import parse_origin
from inngest._internal.errors import (
    FunctionConfigInvalidError,
    SigningKeyInvalidError,
    URLInvalidError,
)
from inngest._internal.types import ServerKind


def settle(environ: dict[str, str] | None = None, **options: Any) -> ClientConfig:
    config = resolve(environ=environ or {}, **options)
    assert isinstance(config, ClientConfig)
    return config


def origins(config: ClientConfig) -> tuple[str, str]:
    return config.api_origin, config.event_api_origin


def test_cloud_is_the_default() -> None:
    config = settle()
    assert config.mode is ServerKind.CLOUD
    assert origins(config) == ("https://api.inngest.com/", "https://inn.gs/")
    assert config.timeout == 30


@pytest.mark.parametrize("flag", ["1", "true", "yes", "http://h"])
def test_a_dev_flag_turns_dev_mode_on_unless_the_argument_says_otherwise(flag: str) -> None:
    assert settle({"INNGEST_DEV": flag}).mode is ServerKind.DEV_SERVER
    assert settle({"INNGEST_DEV": flag}, is_production=True).mode is ServerKind.CLOUD


@pytest.mark.parametrize("flag", ["", "0", "false", "FALSE", " "])
def test_a_false_dev_flag_leaves_cloud_mode_on(flag: str) -> None:
    assert settle({"INNGEST_DEV": flag}).mode is ServerKind.CLOUD


def test_the_most_specific_origin_wins() -> None:
    environ = {"INNGEST_DEV": "localhost:1"}
    assert origins(settle(environ)) == ("http://localhost:1", "http://localhost:1")
    environ["INNGEST_BASE_URL"] = "http://base/"
    assert origins(settle(environ)) == ("http://base/", "http://base/")
    environ["INNGEST_API_BASE_URL"] = "api"
    environ["INNGEST_EVENT_API_BASE_URL"] = "events:5"
    assert origins(settle(environ)) == ("http://api", "http://events:5")
    in_the_cloud = settle(environ, is_production=True)
    assert origins(in_the_cloud) == ("https://api", "https://events:5")
    chosen = settle(environ, api_base_url="http://a", event_api_base_url="http://e")
    assert origins(chosen) == ("http://a", "http://e")
    assert origins(settle({"INNGEST_DEV": "1"})) == ("http://127.0.0.1:8288/",) * 2


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("localhost:8288", "http://localhost:8288"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("http-gateway", "https://http-gateway"),
        ("my_host:80/p/", "https://my_host:80/p"),
        ("http://[::1]:8288", "http://[::1]:8288"),
        (" HTTPS://h ", "https://h"),
    ],
)
def test_an_origin_has_a_scheme_and_no_slash_at_its_end(text: str, origin: str) -> None:
    assert parse_origin(text, source="x") == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://h",
        "h:port",
        "h:99999",
        "a b",
        "http://u:pass@h",
        "h?q",
        "http:///p",
        "://h",
        "http://h#f",
        "hé",
        "h:1:2",
        "http://[::1",
    ],
)
def test_an_origin_that_cannot_be_used_is_refused_without_showing_it(text: str) -> None:
    outcome = parse_origin(text, source="INNGEST_BASE_URL")
    assert isinstance(outcome, URLInvalidError)
    assert "pass" not in outcome.message
    assert "INNGEST_BASE_URL" in outcome.message


def test_an_origin_is_text() -> None:
    outcome = parse_origin(5, source="serve_origin")
    assert isinstance(outcome, URLInvalidError)
    assert "it is not a string" in outcome.message


def test_invalid_origin_is_a_value() -> None:
    assert isinstance(resolve(environ={}, api_base_url="http://"), URLInvalidError)
    assert isinstance(resolve(environ={"INNGEST_EVENT_API_BASE_URL": "a b"}), URLInvalidError)


def test_keys_are_read_and_not_shown() -> None:
    environ = {
        "INNGEST_SIGNING_KEY": "signkey-prod-ab",
        "INNGEST_SIGNING_KEY_FALLBACK": "cd",
        "INNGEST_EVENT_KEY": "secret-event",
    }
    config = settle(environ)
    assert [key.mac_key for key in config.signing_keys] == [b"ab", b"cd"]
    assert config.event_key == "secret-event"
    assert "secret" not in repr(config)
    assert "signkey" not in repr(config)
    assert settle(environ, signing_key="ef").signing_key_text == "ef"


def test_an_invalid_key_matters_in_cloud_mode_only() -> None:
    for variable in ("INNGEST_SIGNING_KEY", "INNGEST_SIGNING_KEY_FALLBACK"):
        environ = {variable: "nope"}
        assert isinstance(resolve(environ=environ), SigningKeyInvalidError)
        assert settle(environ, is_production=False).signing_keys == ()


def test_env_falls_back_to_the_branch_of_the_host() -> None:
    environ = {"VERCEL_GIT_COMMIT_REF": "v", "RENDER_GIT_BRANCH": "r"}
    assert settle(environ).env == "r"
    assert settle(environ | {"INNGEST_ENV": "e"}).env == "e"
    assert settle(environ, env="given").env == "given"
    assert settle().env is None


@pytest.mark.parametrize("timeout", [1500, 1500.0, "1.5s", datetime.timedelta(seconds=1.5)])
def test_timeouts_are_durations(timeout: Any) -> None:
    assert settle(request_timeout=timeout).timeout == 1.5


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), True, "5", "0s"])
def test_other_timeouts_are_refused(timeout: Any) -> None:
    with pytest.raises(FunctionConfigInvalidError, match="request_timeout"):
        resolve(environ={}, request_timeout=timeout)
