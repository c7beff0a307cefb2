"""Read server-sent events from the pieces in which they come. Pure."""

from __future__ import annotations

from inngest._internal.errors import BodyTooLargeError

MAX_EVENT_BYTES = 4 * 1024 * 1024
"""Eight times what a server sends at most (PROTOCOL section 22)."""


class EventStream:
    """The data of each event, in order. Comments and other fields are left out."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._held = 0
        self._ends_in_return = False

    def feed(self, piece: bytes) -> list[str] | BodyTooLargeError:
        """Take the next bytes; return the events that they complete."""
        if not piece:
            return []
        is_half = self._ends_in_return and piece.startswith(b"\n")
        self._ends_in_return = piece.endswith(b"\r")
        if is_half:  # of a line end that came in two pieces
            piece = piece[1:]
        found: list[str] = []
        *ended, rest = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for end in ended:
            self._line += end
            found += self._take(bytes(self._line))
            self._line.clear()
        self._line += rest
        if len(self._line) + self._held > MAX_EVENT_BYTES:
            return BodyTooLargeError(f"an event is larger than {MAX_EVENT_BYTES} bytes")
        return found

    def _take(self, line: bytes) -> list[str]:
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
                self._held += len(value)
            return []
        data, self._data, self._held = self._data, [], 0
        return [b"\n".join(data).decode("utf-8", "replace")] if data else []


__all__ = ["EventStream"]
