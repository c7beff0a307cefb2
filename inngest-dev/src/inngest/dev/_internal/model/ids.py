"""Generate identifiers: ULIDs, seeded event ids, job ids, stable UUIDs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import uuid
from functools import lru_cache

from ulid import ULID, base32

ACCOUNT = "00000000-0000-4000-a000-000000000000"
ENVIRONMENT = "00000000-0000-4000-b000-000000000000"
"""The only account and environment."""
NIL = "00000000-0000-0000-0000-000000000000"
_NAMESPACE = uuid.UUID("6f1d6b0e-54f0-5d9e-9d0d-5c1b3f3a7f11")
_DIGITS = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36] for byte in range(256))
_MAX_MS = (1 << 48) - 1
_STAMP = 10
"""Characters of a ULID that encode the time; the other 16 are random."""
_CROCKFORD = bytes(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[byte % 32] for byte in range(256))


def new_ulid(now: int) -> str:
    return _stamp(now) + _tail(secrets.token_bytes(16))


def seeded_ulids(seed: str, count: int) -> list[str] | None:
    """Return the event ids that a seed header determines; None if it is malformed."""
    stamp, comma, entropy = seed.partition(",")
    if not comma or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 15:
        return None
    try:
        raw = base64.b64decode(entropy, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 10 or int(stamp) > _MAX_MS:
        return None
    start = int.from_bytes(raw, "big")
    return [
        _ulid(int(stamp), ((start + i + 1) % (1 << 80)).to_bytes(10, "big")) for i in range(count)
    ]


def is_ulid(text: str) -> bool:
    try:
        ULID.from_str(text)
    except ValueError:
        return False
    return len(text) == 26


def new_job_id() -> str:
    return secrets.token_bytes(13).translate(_DIGITS).decode()


def request_id(job_id: str, generation: int, now: int) -> str:
    """Return a request id, deterministic per job and generation except for its time part."""
    return _stamp(now) + _tail(hashlib.sha256(f"{job_id}:{generation}".encode()).digest())


def dispatch_of(request_id: str) -> str:
    """Return the part of a request id that depends only on job and generation."""
    return request_id[_STAMP:]


def stable_uuid(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))


@lru_cache(maxsize=64)
def _stamp(now: int) -> str:
    return base32.encode_timestamp(now.to_bytes(6, "big"))


def _tail(entropy: bytes) -> str:
    """Encode the random part of a ULID, ten times as fast as the library."""
    return entropy[:16].translate(_CROCKFORD).decode()


def _ulid(now: int, entropy: bytes) -> str:
    return str(ULID(now.to_bytes(6, "big") + entropy))
