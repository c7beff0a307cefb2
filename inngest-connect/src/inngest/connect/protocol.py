"""The messages of Connect, for those who write a gateway or a test. Pure.

``wire`` holds them as the compiler wrote them; ``encode`` and ``decode`` write and read the
frames that carry them.
"""

from inngest.connect._internal.frames import (
    SUBPROTOCOL,
    Frame,
    Malformed,
    decode,
    encode,
    name_of,
    parse,
)
from inngest.connect._internal.timing import parse_interval
from inngest.connect._internal.wire import connect_pb2 as wire

__all__ = [
    "SUBPROTOCOL",
    "Frame",
    "Malformed",
    "decode",
    "encode",
    "name_of",
    "parse",
    "parse_interval",
    "wire",
]
