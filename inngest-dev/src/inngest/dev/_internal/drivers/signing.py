"""Sign what is sent to apps, as the server does."""

from __future__ import annotations

import hashlib
import hmac
import re
import time


def secret_of(key: str) -> str:
    """The secret part of a signing key: all but its prefix, `signkey-…-`."""
    return re.sub(r"^signkey-\w+-", "", key)


def signature(key: str, body: bytes, now: int) -> str:
    stamp = str(now // 1000)
    mac = hmac.new(secret_of(key).encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    return f"t={stamp}&s={mac}"


def signed(key: str | None, headers: dict[str, str], body: bytes) -> dict[str, str]:
    """The headers with a signature, if there is a key.

    It has the real time, whatever the engine's clock says: apps check how old it is.
    """
    if key is None:
        return headers
    now = time.time_ns() // 1_000_000
    return {**headers, "x-inngest-signature": signature(key, body, now)}
