"""Values in their encrypted form: what opens, what does not, what is passed through."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from inngest import NonRetriableError
from inngest.encryption import DecryptionError, EncryptionKeyInvalidError
from inngest.encryption._keyring import EncryptedHere, Keyring, is_encrypted, key_of

HEX = b"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
VALUES: list[Any] = [None, 0, -1.5, True, "naïve ✓ \ud800", "", [], {"a": [1, {"": None}]}]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("secret", ["passphrase", HEX])
def test_a_value_comes_back(value: Any, secret: bytes | str) -> None:
    keys = Keyring([secret])
    encrypted = keys.encrypt(value, "x")
    assert is_encrypted(encrypted) and keys.decrypt(dict(encrypted), "x") == value
    assert keys.encrypt(value, "x") != encrypted, "a nonce was used twice"


def test_what_another_package_has_encrypted_is_read() -> None:
    """From a recording; the key is the BLAKE2b digest of the passphrase."""
    theirs = {
        "__ENCRYPTED__": True,
        "__STRATEGY__": "inngest/libsodium",
        "data": "8e4BcdKpeRCeMukZQxC9OOCnQlqQzMrH//IZE2GNttHaXajGPQGfkypQSKKZq+T3C39um9g=",
    }
    assert Keyring(["my secret key"]).decrypt(theirs, "x") == {"secret": 1}


def test_each_key_decrypts_and_the_first_encrypts() -> None:
    old, new = Keyring(["old"]), Keyring(["new", "older", "old"])
    assert new.decrypt(old.encrypt(1, "x"), "x") == 1
    with pytest.raises(DecryptionError):
        old.decrypt(new.encrypt(1, "x"), "x")


@pytest.mark.parametrize("index", [0, 23, 24, 39, 40, -1])
def test_a_changed_byte_is_noticed(index: int) -> None:
    keys = Keyring(["key"])
    encrypted = keys.encrypt("text", "x")
    raw = bytearray(base64.b64decode(str(encrypted["data"])))
    raw[index] ^= 1
    changed = {**encrypted, "data": base64.b64encode(raw).decode()}
    with pytest.raises(DecryptionError, match='the output of step "pay" cannot be decrypted') as e:
        keys.decrypt(changed, 'the output of step "pay"')
    assert not e.value.is_retriable


@pytest.mark.parametrize("data", ["", "AAAA", "not base64!", "é", 1, None, [], {"a": 1}])
def test_what_is_no_box_is_the_same_error(data: Any) -> None:
    encrypted = {"__ENCRYPTED__": True, "__STRATEGY__": "inngest/libsodium", "data": data}
    assert is_encrypted(encrypted)
    with pytest.raises(DecryptionError):
        Keyring(["key"]).decrypt(encrypted, "x")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        {},
        {"__ENCRYPTED__": True, "data": "U2FsdGVk"},
        {"__ENCRYPTED__": True, "__STRATEGY__": "inngest/aes", "data": "x"},
        {"__ENCRYPTED__": False, "__STRATEGY__": "inngest/libsodium", "data": "x"},
        {"__ENCRYPTED__": True, "__STRATEGY__": "inngest/libsodium"},
    ],
)
def test_other_values_are_not_encrypted_values(value: Any) -> None:
    assert not is_encrypted(value)


def test_a_value_is_not_encrypted_twice_on_its_way_out() -> None:
    encrypted = Keyring(["key"]).encrypt(1, "x")
    for keys in (["key"], ["new", "key"]):
        assert Keyring(keys).encrypt(encrypted, "x") is encrypted
    assert isinstance(Keyring(["key"]).encrypt(dict(encrypted), "x"), EncryptedHere)


def test_what_another_key_has_encrypted_is_encrypted_on_top() -> None:
    inner, outer = Keyring(["inner"]), Keyring(["outer"])
    again = outer.decrypt(outer.encrypt(inner.encrypt(1, "x"), "x"), "x")
    assert is_encrypted(again) and inner.decrypt(again, "x") == 1


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
def test_what_is_not_json_is_an_error_without_the_value(value: Any) -> None:
    with pytest.raises(NonRetriableError, match=r"^x cannot be encrypted: it is not JSON$"):
        Keyring(["key"]).encrypt(value, "x")


@pytest.mark.parametrize("secret", ["", b"", b"short", b"zz" * 32, HEX[2:], bytes(32), None, 1])
def test_what_is_no_key_is_refused_without_being_shown(secret: Any) -> None:
    with pytest.raises(EncryptionKeyInvalidError) as caught:
        key_of(secret)
    assert "short" not in str(caught.value)
