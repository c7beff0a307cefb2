"""ULIDs, the ids of runs, which sort by creation time. Pure."""

from __future__ import annotations

from typing import Final

ENTROPY_BYTES: Final = 10
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(now_ms: int, entropy: bytes) -> str:
    """Return the ULID for a time, in milliseconds since the Unix epoch, and ten random bytes."""
    number = int.from_bytes(now_ms.to_bytes(6, "big") + entropy, "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


__all__ = ["ENTROPY_BYTES", "ulid"]
