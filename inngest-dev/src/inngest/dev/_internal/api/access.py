"""Who may use a keyed engine: signing key as bearer, event key in the path."""

from __future__ import annotations

import hashlib
import hmac
import re


def may_call(signing_key: str | None, authorization: str) -> bool:
    """Plain or hashed key, each with or without its prefix, as the self-hosted server takes it."""
    if signing_key is None:
        return True
    found = re.match(r"signkey-\w+-", signing_key)
    prefix = found[0] if found else ""
    bare = signing_key[len(prefix) :]
    try:
        hashed = hashlib.sha256(bytes.fromhex(bare)).hexdigest()
    except ValueError:
        hashed = hashlib.sha256(bare.encode()).hexdigest()
    given = authorization.removeprefix("Bearer ").strip()
    return any(_same(given, key) for key in (bare, prefix + bare, hashed, prefix + hashed))


def may_send(event_key: str | None, given: str) -> bool:
    return event_key is None or _same(given, event_key)


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "replace"), b.encode("utf-8", "replace"))
