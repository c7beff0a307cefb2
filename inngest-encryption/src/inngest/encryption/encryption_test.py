"""The middleware keeps what every middleware owes, and its own arguments."""

from __future__ import annotations

from typing import Any

import pytest

import inngest
import inngest_encryption
from inngest.encryption import EncryptionKeyInvalidError, EncryptionMiddleware
from inngest.testing import MiddlewareSuite


class TestEncryption(MiddlewareSuite):
    def build(self) -> Any:
        return EncryptionMiddleware.factory("secret")


class TestDecryptOnly(MiddlewareSuite):
    def build(self) -> Any:
        return EncryptionMiddleware.factory("secret", decrypt_only=True)


def test_the_name_that_existing_apps_import_is_the_same_class() -> None:
    assert inngest_encryption.EncryptionMiddleware is EncryptionMiddleware


def test_a_factory_refuses_a_wrong_key_at_once() -> None:
    with pytest.raises(EncryptionKeyInvalidError):
        EncryptionMiddleware.factory(b"short")
    with pytest.raises(EncryptionKeyInvalidError):
        EncryptionMiddleware.factory("good", fallback_decryption_keys=[b"short"])


def test_it_can_be_made_by_hand() -> None:
    client = inngest.Inngest(app_id="app", is_production=False, plugins=False)
    made = EncryptionMiddleware(
        client,
        None,
        "secret",
        decrypt_only=False,
        event_encryption_field="secret",
        fallback_decryption_keys=["old", b"ab" * 32],
    )
    assert made.client is client
