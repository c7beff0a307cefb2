from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from inngest.dev._internal.realtime.broker import (
    BACKLOG,
    BACKLOG_SIZE,
    CHUNK,
    Address,
    Broker,
    Listener,
    Message,
)

HERE = Address(channel="c", topic="t")


def broker() -> Broker:
    return Broker(lambda: 1_800_000_000_000)


def taken(listener: Listener) -> list[Any]:
    """What waits, to the end."""

    async def take() -> list[Any]:
        found: list[Any] = []
        while (message := await listener.next()) is not None:
            found.append(
                json.loads(message.text) if isinstance(message, Message) else message.content
            )
        return found

    listener.close()
    return asyncio.run(asyncio.wait_for(take(), 60))


def test_a_message_reaches_those_who_listen_to_its_topic_at_that_moment() -> None:
    events = broker()
    events.publish(HERE, "early")
    here, there = events.join([("c", "t")]), events.join([("c", "other"), ("d", "t")])
    events.publish(HERE, {"n": 1})
    events.leave(here)
    events.publish(HERE, "late")
    assert [each["data"] for each in taken(here)] == [{"n": 1}]
    assert taken(there) == []


def test_a_stream_is_cut_into_pieces_and_no_character_is() -> None:
    events = broker()
    here = events.join([("c", "t")])
    text = "\u20ac" * (CHUNK + 1)
    stream = events.stream(HERE)
    raw = text.encode()
    stream.write(raw[:1])
    stream.write(raw[1:])
    stream.write(b"\xff")
    stream.close()
    start, *pieces, end = taken(here)
    assert (start["kind"], end["kind"]) == ("datastream-start", "datastream-end")
    assert {start["data"], end["data"]} == {each["stream_id"] for each in pieces}
    assert "".join(each["data"] for each in pieces) == text + "\ufffd"
    assert max(len(each["data"].encode()) for each in pieces) == CHUNK - 1  # three bytes each


def test_who_takes_nothing_is_let_go_and_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    events = broker()
    here = events.join([("c", "t")])
    for number in range(BACKLOG + 10):
        events.publish(HERE, number)
    assert [each["data"] for each in taken(here)] == list(range(BACKLOG))
    (record,) = (each for each in caplog.records if each.name == "inngest.dev")
    assert "channels: ['c']" in record.getMessage()


def test_one_that_stands_still_is_let_go_before_its_messages_fill_the_memory() -> None:
    events = broker()
    here = events.join([("c", "t")])
    large = "x" * (BACKLOG_SIZE // 4)
    for _ in range(10):
        events.publish(HERE, large)
    assert len(taken(here)) == 3


def test_one_that_takes_its_messages_is_given_any_number_of_them() -> None:
    events = broker()
    here = events.join([("c", "t")])
    large = "x" * (BACKLOG_SIZE // 4)

    async def listen() -> None:
        for _ in range(10):
            events.publish(HERE, large)
            assert await here.next() is not None

    asyncio.run(listen())


def test_an_event_stream_is_passed_on_as_it_is() -> None:
    events = broker()
    run, other = events.join([("c", "$stream")]), events.join([("c", "t")])
    events.tee("c", b"data: x\n\n")
    assert taken(run) == [b"data: x\n\n"]
    assert taken(other) == []


def test_the_end_is_told() -> None:
    events = broker()
    here = events.join([("c", "t")])
    events.publish(HERE, 1)
    events.close()
    events.publish(HERE, 2)
    assert [each["kind"] for each in taken(here)] == ["data", "closing"]
