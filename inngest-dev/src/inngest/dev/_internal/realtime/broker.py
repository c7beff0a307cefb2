"""Hand what is published to those who listen. It belongs to the engine's loop; no I/O.

A message goes to those who listen to its topic at that moment, and is not kept for others. A
listener that does not take its messages is disconnected: they must not fill the memory.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import logging
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from inngest.dev._internal.model.durations import iso
from inngest.dev._internal.model.ids import ENVIRONMENT, new_job_id
from inngest.dev._internal.model.values import Json

_log = logging.getLogger("inngest.dev")

BACKLOG = 1000
"""Messages that wait for one listener."""
BACKLOG_SIZE = 16 * 1024 * 1024
"""How many characters, or bytes of event streams, they may have together."""
CHUNK = 1024
"""Bytes of a piece of a stream, at most."""
RUN_STREAM = "$stream"
"""The topic of what a run streams by itself."""

Topic = tuple[str, str]
"""The names of a channel, and of a topic in it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as JSON text."""

    text: str

    @property
    def size(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class Raw:
    """A piece of an event stream, to be passed on as it is."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)


class Listener:
    """One connection: the topics that it listens to, and the messages to be sent over it."""

    def __init__(self, topics: Collection[Topic]) -> None:
        self.topics: set[Topic] = set(topics)
        self._waiting: deque[Message | Raw] = deque()
        self._size = 0
        self._wake = asyncio.Event()
        self._is_closed = False

    def give(self, message: Message | Raw) -> None:
        is_full = len(self._waiting) >= BACKLOG or self._size + message.size > BACKLOG_SIZE
        if is_full and not self._is_closed:
            _log.warning(
                "realtime: a listener does not take its messages, and is let go: it misses what "
                "is published until it connects again; channels: %s",
                sorted({channel for channel, _ in self.topics}),
            )
            self.close()
        if not self._is_closed:
            self._waiting.append(message)
            self._size += message.size
            self._wake.set()

    def close(self) -> None:
        """End it. The messages that wait can still be taken."""
        self._is_closed = True
        self._wake.set()

    async def next(self) -> Message | Raw | None:
        """The next message; None when there will be no more."""
        while not self._waiting:
            if self._is_closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        message = self._waiting.popleft()
        self._size -= message.size
        return message


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a message goes, and what it says of itself."""

    channel: str
    topic: str
    run_id: str = ""
    metadata: Json = None


class Broker:
    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._listeners: set[Listener] = set()

    def join(self, topics: Collection[Topic]) -> Listener:
        listener = Listener(topics)
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def close(self) -> None:
        """Tell all who listen that this server ends."""
        message = Message(_dump({"kind": "closing"}))
        for listener in self._listeners:
            listener.give(message)
            listener.close()

    def publish(self, address: Address, data: Json) -> None:
        self._tell(address, self._envelope("data", address, data, self._now()))

    def stream(self, address: Address) -> Stream:
        """Begin a stream."""
        return Stream(self, address)

    def tee(self, channel: str, content: bytes) -> None:
        """Pass on a piece of an event stream to those who listen to a run's stream."""
        for listener in self._listeners:
            if (channel, RUN_STREAM) in listener.topics:
                listener.give(Raw(content))

    def _envelope(self, kind: str, address: Address, data: Json, at: int) -> dict[str, Json]:
        message: dict[str, Json] = {
            "kind": kind,
            "data": data,
            "created_at": iso(at),
            "channel": address.channel,
            "env_id": ENVIRONMENT,
            "topic": address.topic,
        }
        if address.run_id:
            message["run_id"] = address.run_id
        if address.metadata is not None:
            message["metadata"] = address.metadata
        return message

    def _tell(self, address: Address, message: dict[str, Json]) -> None:
        encoded = Message(_dump(message))
        for listener in self._listeners:
            if (address.channel, address.topic) in listener.topics:
                listener.give(encoded)


class Stream:
    """Text that is published piece by piece, as its bytes come in."""

    def __init__(self, broker: Broker, address: Address) -> None:
        self._broker, self._address = broker, address
        self._id = new_job_id()
        self._started = broker._now()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._bound("datastream-start")

    def write(self, content: bytes) -> None:
        self._send(self._decoder.decode(content))

    def close(self) -> None:
        self._send(self._decoder.decode(b"", final=True))
        self._bound("datastream-end")

    def _send(self, text: str) -> None:
        start = 0
        while start < len(text):
            # a character that does not fit whole goes into the next piece
            piece = text[start : start + CHUNK].encode()[:CHUNK].decode("utf-8", "ignore")
            start += len(piece)
            message = {"kind": "chunk", "stream_id": self._id, "data": piece}
            self._broker._tell(self._address, message)

    def _bound(self, kind: str) -> None:
        message = self._broker._envelope(kind, self._address, self._id, self._started)
        self._broker._tell(self._address, message)


def _dump(message: dict[str, Json]) -> str:
    return json.dumps(message, separators=(",", ":"))
