"""Read a response body within limits of time and size, which HTTPX does not have.

Its timeouts apply to single reads.
"""

from __future__ import annotations

import time
from typing import Final

import httpx

MAX_BYTES: Final = 128 * 1024 * 1024
"""The maximum size of a body: several times the state of a run, the largest one expected."""

MIN_BYTES_PER_SECOND: Final = 50_000
"""The minimum average rate, which gives large bodies more time than the timeout."""


class BoundedBody:
    """The body of a response whose headers have just been received.

    :param timeout: seconds for the whole body, in addition to the time due to its size.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._started = time.monotonic()
        self.content = bytearray()

    def add(self, chunk: bytes) -> None:
        """Append a chunk.

        :raises httpx.TransportError: the body is too large, or takes too long.
        """
        self.content += chunk
        if len(self.content) > MAX_BYTES:
            raise httpx.ReadError(f"an answer of more than {MAX_BYTES} bytes")
        allowed = self._timeout + len(self.content) / MIN_BYTES_PER_SECOND
        if time.monotonic() - self._started > allowed:
            raise httpx.ReadTimeout(f"the answer did not end in {self._timeout:g} seconds")


__all__ = ["MAX_BYTES", "BoundedBody"]
