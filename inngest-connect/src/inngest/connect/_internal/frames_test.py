from __future__ import annotations

from inngest.connect._internal.frames import Frame, decode, encode
from inngest.connect._internal.wire import connect_pb2 as wire


def test_no_frame_is_empty() -> None:
    """Some servers drop empty frames."""
    hello = encode(wire.GATEWAY_HELLO)
    assert len(hello) > 0
    assert decode(hello) == decode(b"") == Frame(wire.GATEWAY_HELLO)
