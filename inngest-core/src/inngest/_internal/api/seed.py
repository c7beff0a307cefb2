"""Seeds that make sending idempotent: one seed gives the same event ids every time."""

from __future__ import annotations

import base64
from typing import Final

ENTROPY_BYTES: Final = 10


def event_id_seed(now_ms: int, entropy: bytes) -> str:
    """Return the value of ``x-inngest-event-id-seed``.

    :param entropy: ten random bytes; the n-th event's ULID ends with them plus n.
    """
    return f"{now_ms},{base64.b64encode(entropy).decode('ascii')}"
