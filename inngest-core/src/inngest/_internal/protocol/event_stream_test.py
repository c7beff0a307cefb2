from __future__ import annotations

import pytest

from inngest._internal.errors import BodyTooLargeError
from inngest._internal.protocol.event_stream import MAX_EVENT_BYTES, EventStream

STREAM = (
    b": comment\n\ndata: one\nevent: x\n\ndata:two\ndata: lines\r\n\r\ndata: three\r\rdata: four"
)
EVENTS = ["one", "two\nlines", "three"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, len(STREAM)])
def test_events_are_found_however_the_bytes_come(size: int) -> None:
    events, found = EventStream(), list[str]()
    for start in range(0, len(STREAM), size):
        texts = events.feed(STREAM[start : start + size])
        assert isinstance(texts, list)
        found += texts
    assert found == EVENTS  # the last event is incomplete


def test_a_return_at_the_end_of_a_piece_ends_a_line_once() -> None:
    events = EventStream()
    assert events.feed(b"data: a\r") == []
    assert events.feed(b"\ndata: b\r") == []
    assert events.feed(b"") == []
    assert events.feed(b"\n\r\n") == ["a\nb"]


def test_lines_may_end_in_several_ways() -> None:
    events = EventStream()
    assert [events.feed(piece) for piece in (b"data: a\r", b"\n", b"\n")] == [[], [], ["a"]]


@pytest.mark.parametrize("piece", [b"data: x", b"data: x\n"])
def test_an_event_without_end_is_refused(piece: bytes) -> None:
    events = EventStream()
    assert events.feed(piece) == []
    for _ in range(MAX_EVENT_BYTES // 65_536 + 1):
        found = events.feed(piece[:6] + b"x" * 65_536 + piece[7:])
        if isinstance(found, BodyTooLargeError):
            return
    pytest.fail("it was taken")
