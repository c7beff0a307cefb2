"""Encrypt and decrypt JSON values in the form that the ecosystem's packages store. No I/O.

A value is its JSON text in UTF-8, in a secretbox (XSalsa20-Poly1305) with a random nonce in
front. PROTOCOL section 19.
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


class Sealed(dict[str, object]):
    """A value that was encrypted in this process, just now, by the keyring ``by``."""

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

    def encrypt(self, value: object, what: str) -> Sealed:
        """Encrypt ``value``, unless that was done just now, so that this keyring opens it.

        :raises NonRetriableError: it is not JSON.
        """
        if isinstance(value, Sealed) and value.by.key in self._keys:
            return value
        box = self._boxes[0].encrypt(_json(value, what))
        data = base64.b64encode(box).decode("ascii")
        sealed = Sealed({MARKER: True, STRATEGY: LIBSODIUM, DATA: data})
        sealed.by = self
        return sealed

    def decrypt(self, sealed: Mapping[str, object], what: str) -> object:
        """Decrypt a value with the first key that opens it.

        :raises DecryptionError: none does.
        """
        from nacl.exceptions import CryptoError

        box = _unarmoured(sealed[DATA])
        for opener in self._boxes:
            try:
                return json.loads(opener.decrypt(box))
            except (CryptoError, ValueError):  # a box is too short; what it holds is not JSON
                continue
        keys = "the key does not open it" if len(self._boxes) == 1 else "no key opens it"
        raise DecryptionError(
            f"{what} cannot be decrypted: {keys}. It was encrypted with another key, which "
            "belongs among the fallback keys, or it was changed on its way"
        )


def is_sealed(value: object) -> TypeGuard[Mapping[str, object]]:
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
    """The secret that encrypts, and behind it those that decrypt besides.

    :raises EncryptionKeyInvalidError: what is to be a list is a key itself, whose letters would
        be taken for keys.
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


def _unarmoured(data: object) -> bytes:
    """The bytes of a box; ones that nothing opens if they are not there."""
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except ValueError:
        return b""


__all__ = ["Keyring", "Sealed", "is_sealed", "key_of", "secrets_of"]
