"""Encrypt and decrypt JSON values in the form that the ecosystem's packages store. No I/O.

A value is its JSON text in UTF-8, in a secretbox of libsodium (XSalsa20-Poly1305) with a random
nonce in front, in Base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from inngest import NonRetriableError
from inngest.encryption._errors import DecryptionError, EncryptionKeyInvalidError

MARKER = "__ENCRYPTED__"
STRATEGY = "__STRATEGY__"
LIBSODIUM = "inngest/libsodium"
DATA = "data"
KEY_BYTES = 32


class EncryptedHere(dict[str, object]):
    """A value that the keyring ``by`` has encrypted in this process, and that was not sent yet.

    By it, a second middleware of this kind knows what the first one has encrypted already.
    """

    by: Keyring


class Keyring:
    """The key that encrypts, and all that decrypt.

    :param secrets: passphrases, or ``bytes`` with a key of 32 bytes as hexadecimal text. The
        first encrypts.
    :raises EncryptionKeyInvalidError: one of them is no key.
    """

    def __init__(self, secrets: Sequence[bytes | str]) -> None:
        from nacl.secret import SecretBox  # its library is loaded by those who encrypt

        self._keys = [key_of(secret) for secret in secrets]
        self._boxes = [SecretBox(key) for key in self._keys]

    @property
    def key(self) -> bytes:
        """The one that encrypts."""
        return self._keys[0]

    def encrypt(self, value: object, what: str) -> EncryptedHere:
        """Encrypt ``value``, unless another middleware has just done it with a key of this ring.

        :raises NonRetriableError: it is not JSON.
        """
        if isinstance(value, EncryptedHere) and value.by.key in self._keys:
            return value
        box = self._boxes[0].encrypt(_json(value, what))
        data = base64.b64encode(box).decode("ascii")
        encrypted = EncryptedHere({MARKER: True, STRATEGY: LIBSODIUM, DATA: data})
        encrypted.by = self
        return encrypted

    def decrypt(self, encrypted: Mapping[str, object], what: str) -> object:
        """Decrypt a value with the first key that opens it.

        :raises DecryptionError: none does.
        """
        from nacl.exceptions import CryptoError

        box = _box_of(encrypted[DATA])
        for opener in self._boxes:
            try:
                return json.loads(opener.decrypt(box))
            except (CryptoError, ValueError):  # ValueError: it is too short, or holds no JSON
                continue
        keys = "the key does not open it" if len(self._boxes) == 1 else "no key opens it"
        raise DecryptionError(
            f"{what} cannot be decrypted: {keys}. It was encrypted with another key, which "
            "belongs among the fallback keys, or it was changed on its way"
        )


def is_encrypted(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether a value is encrypted in the way that this package knows.

    What is marked with another strategy, or with none, is passed through.
    """
    return (
        isinstance(value, Mapping)
        and value.get(MARKER) is True
        and value.get(STRATEGY) == LIBSODIUM
        and DATA in value
    )


def secrets_of(
    secret_key: bytes | str, fallbacks: Sequence[bytes | str] | None
) -> list[bytes | str]:
    """The secret that encrypts, followed by those that only decrypt.

    :raises EncryptionKeyInvalidError: ``fallbacks`` is no list, but a key, say: each of its
        letters would be taken for a key.
    """
    listed: object = fallbacks or ()
    if isinstance(listed, (bytes, str)) or not isinstance(listed, Sequence):
        raise EncryptionKeyInvalidError(
            f"fallback_decryption_keys is a list of keys, not a {type(listed).__name__}"
        )
    return [secret_key, *listed]


def key_of(secret: bytes | str) -> bytes:
    """Make the key of a secret.

    :raises EncryptionKeyInvalidError: it is empty, or no hexadecimal text of 32 bytes.
    """
    if isinstance(secret, str):
        if not secret.strip():
            raise EncryptionKeyInvalidError("an encryption key is empty")
        return hashlib.blake2b(secret.encode("utf-8"), digest_size=KEY_BYTES).digest()
    if not isinstance(secret, bytes):
        raise EncryptionKeyInvalidError(
            f"an encryption key is a str or bytes, not a {type(secret).__name__}"
        )
    try:
        key = binascii.unhexlify(secret)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise EncryptionKeyInvalidError(
            f"an encryption key given as bytes is hexadecimal text of {KEY_BYTES} bytes; "
            "give a passphrase as str"
        )
    return key


def _json(value: object, what: str) -> bytes:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair: escape it
        return json.dumps(value, allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise NonRetriableError(f"{what} cannot be encrypted: it is not JSON") from error


def _box_of(data: object) -> bytes:
    """The box that text in Base64 holds; an empty one, which no key opens, if it holds none."""
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except ValueError:
        return b""


__all__ = ["Keyring", "EncryptedHere", "is_encrypted", "key_of", "secrets_of"]
