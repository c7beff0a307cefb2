"""Parse server-sent events incrementally. Pure."""

from __future__ import annotations

from inngest._internal.errors import BodyTooLargeError

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""Eight times the maximum size of a message (PROTOCOL section 22)."""


class EventStream:
    """A parser for the data of events. Comments and other fields are ignored."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._ends_in_return = False

    def feed(self, chunk: bytes) -> list[str] | BodyTooLargeError:
        """Parse the next bytes; return the data of the events that they complete."""
        if not chunk:
            return []
        is_split_crlf = self._ends_in_return and chunk.startswith(b"\n")
        self._ends_in_return = chunk.endswith(b"\r")
        if is_split_crlf:
            chunk = chunk[1:]
        found: list[str] = []
        *ended, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for end in ended:
            self._line += end
            found += self._take(bytes(self._line))
            self._line.clear()
        self._line += rest
        if len(self._line) + self._data_bytes > MAX_EVENT_BYTES:
            return BodyTooLargeError(f"an event is larger than {MAX_EVENT_BYTES} bytes")
        return found

    def _take(self, line: bytes) -> list[str]:
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
                self._data_bytes += len(value)
            return []
        data, self._data, self._data_bytes = self._data, [], 0
        return [b"\n".join(data).decode("utf-8", "replace")] if data else []


__all__ = ["EventStream"]
