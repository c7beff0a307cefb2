"""Seeds for idempotent sending: the server derives the event ids from the seed."""

from __future__ import annotations

import base64
from typing import Final

ENTROPY_BYTES: Final = 10


def event_id_seed(now_ms: int, entropy: bytes) -> str:
    """Return the value of the header ``x-inngest-event-id-seed``.

    :param entropy: ten random bytes. The ULID of the n-th event ends with them, plus n.
    """
    return f"{now_ms},{base64.b64encode(entropy).decode('ascii')}"
