"""Introspection: what the app reveals to anyone, and to signed requests. PROTOCOL section 5."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from inngest._internal.protocol.signature import SigningKey
from inngest._internal.types import ServerKind
from inngest._internal.version import SDK_LANGUAGE, VERSION

SCHEMA_VERSION: Final = "2024-05-24"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFacts:
    """The data for introspection and registration."""

    app_id: str
    api_origin: str
    event_api_origin: str
    function_count: int
    mode: ServerKind
    env: str | None = None
    framework: str | None = None
    event_key: str | None = None
    signing_key: SigningKey | None = None
    signing_key_fallback: SigningKey | None = None
    serve_origin: str | None = None
    serve_path: str | None = None
    app_version: str | None = None

    def __repr__(self) -> str:
        return f"AppFacts(app_id={self.app_id!r}, mode={self.mode.value!r})"


def capabilities() -> dict[str, str]:
    """Return the supported optional parts of the protocol."""
    return {"connect": "v1", "in_band_sync": "v1", "trust_probe": "v1"}


def public_inspection(facts: AppFacts) -> dict[str, object]:
    """Return the introspection for anyone."""
    return {
        "schema_version": SCHEMA_VERSION,
        "function_count": facts.function_count,
        "has_event_key": facts.event_key is not None,
        "has_signing_key": facts.signing_key is not None,
        "has_signing_key_fallback": facts.signing_key_fallback is not None,
        "mode": facts.mode.value,
    }


def full_inspection(facts: AppFacts) -> dict[str, object]:
    """Return the introspection for the holder of the signing key. Keys are hashed."""
    return {
        **public_inspection(facts),
        "api_origin": facts.api_origin,
        "app_id": facts.app_id,
        "authentication_succeeded": True,
        "capabilities": capabilities(),
        "env": facts.env,
        "event_api_origin": facts.event_api_origin,
        "event_key_hash": _event_key_hash(facts.event_key),
        "framework": facts.framework,
        "sdk_language": SDK_LANGUAGE,
        "sdk_version": VERSION,
        "serve_origin": facts.serve_origin,
        "serve_path": facts.serve_path,
        "signing_key_fallback_hash": _signing_key_hash(facts.signing_key_fallback),
        "signing_key_hash": _signing_key_hash(facts.signing_key),
    }


def _event_key_hash(key: str | None) -> str | None:
    return None if key is None else hashlib.sha256(key.encode("utf-8")).hexdigest()


def _signing_key_hash(key: SigningKey | None) -> str | None:
    return None if key is None else key.bearer
