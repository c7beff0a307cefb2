from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inngest.dev._internal.api.tokens import (
    RUN_LIFE,
    SUBSCRIPTION_LIFE,
    is_for_run,
    run_token,
    stream_token,
    subscription_token,
    token_key,
    topics_of,
)
from inngest.dev._internal.store.store import Store

NOW = 1_800_000_000_000
KEY, OTHER = token_key("signkey-test-aa", b"s"), token_key("signkey-test-bb", b"s")
RUN = "01HZZZZZZZZZZZZZZZZZZZZZZZ"


def forged(token: str, **claims: object) -> str:
    """The token with other claims, and its old signature."""
    header, body, mac = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(body + "==")) | claims
    changed = base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()
    return f"{header}.{changed}.{mac}"


def unsigned(token: str) -> str:
    """The token as if nobody had to sign it."""
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


def test_a_token_lets_in_for_a_minute() -> None:
    token = subscription_token(KEY, [{"channel": "c", "name": "t", "kind": "run"}], NOW)
    assert topics_of(KEY, token, NOW) == {("c", "t")}
    assert topics_of(KEY, token, NOW + SUBSCRIPTION_LIFE - 1) == {("c", "t")}
    assert topics_of(KEY, token, NOW + SUBSCRIPTION_LIFE) is None


def test_a_token_of_a_run_is_for_that_run_and_for_nothing_else() -> None:
    token = run_token(KEY, RUN, NOW)
    assert is_for_run(KEY, token, RUN, NOW)
    assert not is_for_run(KEY, token, "01HZZZZZZZZZZZZZZZZZZZZZZY", NOW)
    assert not is_for_run(KEY, token, RUN, NOW + RUN_LIFE)
    assert not is_for_run(KEY, stream_token(KEY, RUN, NOW), RUN, NOW)
    assert topics_of(KEY, token, NOW) is None
    assert topics_of(KEY, stream_token(KEY, RUN, NOW), NOW) == {(RUN, "$stream")}


@pytest.mark.parametrize(
    "change",
    [
        unsigned,
        lambda token: forged(token, exp=NOW),
        lambda token: forged(token, RunID="other"),
        lambda token: token[:-2],
        lambda token: token + ".x",
        lambda token: "",
        lambda token: "..",
        lambda token: "zzz",
        lambda token: "\u00e9.\u00e9.\u00e9",
        lambda token: token.replace(".", "%"),
        lambda token: token.split(".")[0],
    ],
)
def test_what_was_not_signed_so_lets_nobody_in(change: Callable[[str], str]) -> None:
    for token in (run_token(KEY, RUN, NOW), stream_token(KEY, RUN, NOW)):
        assert not is_for_run(KEY, change(token), RUN, NOW)
        assert topics_of(KEY, change(token), NOW) is None


def test_another_signing_key_makes_other_tokens() -> None:
    assert not is_for_run(OTHER, run_token(KEY, RUN, NOW), RUN, NOW)
    assert token_key("signkey-test-aa", b"other") == KEY


def test_an_engine_without_a_signing_key_has_a_secret_that_nobody_else_knows(
    tmp_path: Path,
) -> None:
    secrets = []
    for path in (tmp_path / "one.db", tmp_path / "other.db", tmp_path / "one.db"):
        store = Store(str(path))
        secrets.append(token_key(None, store.secret))
        store.close()
    first, other, again = secrets
    assert first == again != other
    assert token_key(None, b"") not in secrets
