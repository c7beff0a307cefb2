from __future__ import annotations

import json
from pathlib import Path

import pytest

from inngest._internal.errors import (
    HeaderMissingError,
    SigningKeyInvalidError,
    SigVerificationFailedError,
)
from inngest._internal.protocol.signature import (
    MAX_CANONICALIZED_BYTES,
    MAX_CANONICALIZED_MARKS,
    SigningKey,
    sign,
    verify,
)

RECORDINGS = Path(__file__).parents[5] / "tests" / "recordings"
TEXT = "signkey-test-7468697320697320612074657374206b65792121"


def key(text: str = TEXT) -> SigningKey:
    parsed = SigningKey.parse(text)
    assert isinstance(parsed, SigningKey)
    return parsed


OTHER = key("signkey-test-00112233445566778899aabbccddeeff")


def test_bearer_is_the_hash_of_the_decoded_key() -> None:
    assert key().bearer == ("98104f3a80e5440b3f22ef0af6da56487fd385a1a8a3163268d7b465adb9d013")
    assert key(TEXT.removeprefix("signkey-test-")) == key()


@pytest.mark.parametrize("text", ["", "signkey-test-", "signkey-test-zz", "abc", "a b"])
def test_a_malformed_key_is_refused_without_being_shown(text: str) -> None:
    failure = SigningKey.parse(text)
    assert isinstance(failure, SigningKeyInvalidError)
    assert "zz" not in failure.message


def test_a_key_is_not_in_its_repr() -> None:
    assert repr(key()) == "SigningKey()"


@pytest.mark.parametrize("name", ["introspection_signed", "cloud_mode_signed_call"])
def test_recorded_signatures(name: str) -> None:
    path = RECORDINGS / f"{name}.json"
    checked = 0
    for exchange in json.loads(path.read_text("utf-8"))["exchanges"]:
        if exchange["direction"] != "server->sdk":
            continue
        answered = exchange["response_headers"].get("x-inngest-signature")
        header = exchange["headers"].get("x-inngest-signature")
        if not answered or not header:
            continue
        stamp = int(header[2:].partition("&")[0])
        body = exchange["body_raw"].encode()
        used = verify([key(), OTHER], header=header, body=body, now=stamp)
        assert isinstance(used, SigningKey)
        answer_stamp = int(answered[2:].partition("&")[0])
        raw = exchange["response_body_raw"].encode()
        assert sign(used, raw, answer_stamp) == answered
        checked += 1
    assert checked >= 2


def test_the_key_that_signed_is_returned() -> None:
    header = sign(OTHER, b"{}", 1000)
    assert verify([key(), OTHER], header=header, body=b"{}", now=1000) is OTHER


def test_a_body_that_is_not_canonical_is_verified_in_canonical_form() -> None:
    header = sign(key(), b'{"a":1,"b":1e+21}', 1000)
    body = b'{"b": 1e21, "a": 1.0}'
    assert verify([key()], header=header, body=body, now=1000) == key()


@pytest.mark.parametrize("now", [699, 1301])
def test_an_old_or_early_signature_fails(now: int) -> None:
    header = sign(key(), b"{}", 1000)
    outcome = verify([key()], header=header, body=b"{}", now=now)
    assert isinstance(outcome, SigVerificationFailedError)
    assert verify([key()], header=header, body=b"{}", now=1300) == key()


@pytest.mark.parametrize(
    "header",
    [
        "garbage",
        "t=&s=",
        "t=1000&s=",
        "t=1000&s=00",
        "t=-1&s=0",
        "t=1000&s=\u00e9\ud800",
        "t=1&" * 99,
    ],
)
def test_a_malformed_header_fails(header: str) -> None:
    outcome = verify([key()], header=header, body=b"{}", now=1000)
    assert isinstance(outcome, SigVerificationFailedError)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"NaN", b"\xff", b"1e999"])
def test_a_hostile_body_fails_without_an_exception(body: bytes) -> None:
    outcome = verify([key()], header=f"t=1000&s={'0' * 64}", body=body, now=1000)
    assert isinstance(outcome, SigVerificationFailedError)


def test_a_huge_untrusted_body_is_not_parsed() -> None:
    body = b" " * MAX_CANONICALIZED_BYTES + b"{}"
    header = sign(key(), b"{}", 1000)
    outcome = verify([key()], header=header, body=body, now=1000)
    assert isinstance(outcome, SigVerificationFailedError)


def test_an_untrusted_body_of_very_many_values_is_not_parsed() -> None:
    def verified(count: int, gap: bytes) -> object:
        body = b"[" + b",".join([b"[]"] * (count + 1)) + b"]"
        header = sign(key(), body, 1000)
        return verify([key()], header=header, body=gap + body, now=1000)

    assert verified(MAX_CANONICALIZED_MARKS, b" ") == key()
    assert verified(MAX_CANONICALIZED_MARKS + 1, b"") == key()
    assert isinstance(verified(MAX_CANONICALIZED_MARKS + 1, b" "), SigVerificationFailedError)


def test_a_missing_header_and_missing_keys_fail() -> None:
    missing = verify([key()], header=None, body=b"", now=0)
    assert isinstance(missing, HeaderMissingError)
    keyless = verify([], header=f"t=0&s={'0' * 64}", body=b"", now=0)
    assert isinstance(keyless, SigVerificationFailedError)
