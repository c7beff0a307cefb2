"""Keep-alive answers: bytes at once, the real answer when it is there. Pure. PROTOCOL section 10.

A platform that cuts idle connections sees 201 and a space every few seconds; the last
chunk is an envelope around the response that would have been sent otherwise.
"""

from __future__ import annotations

import enum
from typing import Final

from inngest._internal.http.comm import CommResponse
from inngest._internal.protocol.response import dump


class Streaming(str, enum.Enum):
    """Whether calls are answered at once and kept alive while the function runs."""

    DISABLE = "disable"
    """Answer when the function is done. The default."""

    FORCE = "force"
    """Answer at once, and send a space every three seconds until the function is done."""


KEEP_ALIVE: Final = b" "
"""White space before the envelope, which is JSON."""

KEEP_ALIVE_SECONDS = 3.0
"""How often, unless the options say so. Tests set it to what they can wait for."""

STATUS: Final = 201
"""What tells the server that an envelope is to come."""

UNBUFFERED: Final = {
    "cache-control": "no-cache, no-transform",
    "content-encoding": "identity",
    "x-accel-buffering": "no",
}
"""Asks proxies to pass on each chunk as it comes.

The encoding is for middleware that compresses: Django's would hold spaces back until there
are enough of them, and leaves alone what names an encoding.
"""


def seal(response: CommResponse) -> bytes:
    """Put a response into its envelope.

    The inner headers carry the signature over the bytes of the inner body: those that the
    server has when it has decoded the envelope.
    """
    return dump(
        {
            "status": response.status,
            "headers": dict(response.headers),
            "body": response.body.decode(),
        }
    )
