"""Streamed responses: keep-alive bytes, then the actual response. Pure. PROTOCOL section 10.

For platforms that close idle connections: the response has status 201 and a space every few
seconds; its last chunk is an envelope with the response that would have been sent otherwise.
"""

from __future__ import annotations

import enum
from typing import Final

from inngest._internal.http.comm import CommResponse
from inngest._internal.protocol.response import dump


class Streaming(str, enum.Enum):
    """Whether responses to calls are streamed, to keep connections alive."""

    DISABLE = "disable"
    """Respond when the function has ended. The default."""

    FORCE = "force"
    """Respond at once, and send a space every three seconds until the function has ended."""


KEEP_ALIVE: Final = b" "
"""White space, which may precede the JSON of the envelope."""

KEEP_ALIVE_SECONDS = 3.0
"""The default interval. Tests reduce it."""

STATUS: Final = 201
"""Tells the server that the body is an envelope."""

UNBUFFERED: Final = {
    "cache-control": "no-cache, no-transform",
    "content-encoding": "identity",
    "x-accel-buffering": "no",
}
"""Asks proxies not to buffer chunks.

The ``content-encoding`` is for compressing middleware, such as Django's, which skips responses
that have one, and would otherwise buffer the spaces.
"""


def seal(response: CommResponse) -> bytes:
    """Encode the envelope of a response.

    The signature in the inner headers is over the bytes of the inner body, as the server has
    them when it has decoded the envelope.
    """
    return dump(
        {
            "status": response.status,
            "headers": dict(response.headers),
            "body": response.body.decode(),
        }
    )
