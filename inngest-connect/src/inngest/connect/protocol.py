"""The Connect protocol, for authors of gateways and tests. Pure.

``wire`` has the generated messages; ``encode`` and ``decode`` convert the frames that carry them.
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
