"""What the plugin makes of options and variables: nothing leaves in clear because of a slip."""

from __future__ import annotations

from typing import Any

import pytest

import inngest
from inngest.encryption import EncryptionKeyInvalidError, EncryptionMiddleware
from inngest.encryption._settings import DECRYPT_ONLY, FALLBACKS, KEY, make


def made(options: dict[str, Any], environ: dict[str, str]) -> EncryptionMiddleware:
    factory = make(options, environ)
    assert factory is not None
    client = inngest.Inngest(app_id="app", is_production=False, plugins=False)
    return factory(client, None)


def test_without_a_key_there_is_no_middleware() -> None:
    assert make({}, {}) is None


@pytest.mark.parametrize(
    ("options", "environ"),
    [({"secret_key": "key"}, {}), ({}, {KEY: "key"}), ({"secret_key": "key"}, {KEY: "other"})],
)
def test_options_win_over_variables(options: dict[str, Any], environ: dict[str, str]) -> None:
    keys = made(options, environ)._keys
    assert keys.decrypt(made({"secret_key": "key"}, {})._keys.encrypt(1, "x"), "x") == 1


def test_variables_say_all_that_a_deployment_decides() -> None:
    environ = {KEY: "new", FALLBACKS: "old, , older ", DECRYPT_ONLY: "TRUE"}
    middleware = made({"event_encryption_field": ["a", "b"]}, environ)
    assert middleware._fields == ("a", "b")
    assert not middleware._is_encrypting
    for old in ("new", "old", "older"):
        sealed = made({"secret_key": old}, {})._keys.encrypt(1, "x")
        assert middleware._keys.decrypt(sealed, "x") == 1
    assert made({}, {KEY: "new", DECRYPT_ONLY: "0"})._is_encrypting


@pytest.mark.parametrize(
    ("old", "listed"),
    [
        ("old", "{}"),
        ("old", "older , {}"),
        ("old\n", "{}"),
        ("old\n", "older, {}"),
        ("old\n", "{},older"),
        (" old ", "{}"),
        (" old ", "older,{}"),
    ],
)
def test_a_key_that_moves_among_the_fallbacks_goes_on_to_open(old: str, listed: str) -> None:
    """A blank around it, or a file's last line break, was part of it as the key."""
    sealed = made({}, {KEY: old})._keys.encrypt(1, "x")
    keys = made({}, {KEY: "new", FALLBACKS: listed.format(old)})._keys
    assert keys.decrypt(sealed, "x") == 1
    assert keys.decrypt(made({}, {KEY: "old"})._keys.encrypt(2, "x"), "x") == 2


@pytest.mark.parametrize(
    ("options", "environ", "reason"),
    [
        ({}, {KEY: ""}, "is set, and empty"),
        ({}, {KEY: " \t "}, "is set, and empty"),
        ({}, {FALLBACKS: "old"}, "no key"),
        ({"decrypt_only": True}, {}, "no key"),
        ({"secret": "key"}, {}, "there is no option 'secret'"),
        ({"secret_key": b"short"}, {}, "hexadecimal"),
        ({"secret_key": None}, {}, "NoneType"),
        ({"secret_key": "  "}, {}, "empty"),
        ({"secret_key": "key", "event_encryption_field": 5}, {}, "names a field, or several"),
        ({"secret_key": "key", "event_encryption_field": ["a", 5]}, {}, "names a field"),
        ({"secret_key": "key", "event_encryption_field": ""}, {}, "names a field, or several"),
        ({"secret_key": "key", "fallback_decryption_keys": [""]}, {}, "empty"),
        ({"secret_key": "key", "fallback_decryption_keys": [" "]}, {}, "empty"),
        ({"secret_key": "key", "fallback_decryption_keys": "old"}, {}, "is a list"),
        ({"secret_key": "key", "fallback_decryption_keys": b"ab" * 32}, {}, "is a list"),
        ({"secret_key": "key", "fallback_decryption_keys": 1}, {}, "is a list"),
        ({"decrypt_only": "no"}, {KEY: "key"}, "True or False"),
        ({}, {KEY: "key", DECRYPT_ONLY: "off"}, "is 1 or 0"),
    ],
)
def test_a_wrong_setting_stops_everything(
    options: dict[str, Any], environ: dict[str, str], reason: str
) -> None:
    factory = make(options, environ)
    assert factory is not None
    client = inngest.Inngest(app_id="app", is_production=False, plugins=False)
    for _ in range(2):
        with pytest.raises(EncryptionKeyInvalidError, match=reason) as caught:
            factory(client, None)
        assert caught.value.__cause__ is None
