"""Read an answer within bounds: the HTTP library's timeout is for each part, and any size will do."""

from __future__ import annotations

import time
from typing import Final

import httpx

MOST: Final = 128 * 1024 * 1024
"""Bytes of an answer: several times the state of a run, which is the largest that there is."""

SLOWEST: Final = 50_000
"""Bytes a second at which a large answer comes in at least."""


class Reading:
    """What has come of an answer that has just begun.

    :param timeout: seconds until all of it has to be there, beside what a large one takes.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._began = time.monotonic()
        self.content = bytearray()

    def take(self, chunk: bytes) -> None:
        """Another part has come.

        :raises httpx.TransportError: it takes too long, or there is too much of it.
        """
        self.content += chunk
        if len(self.content) > MOST:
            raise httpx.ReadError(f"an answer of more than {MOST} bytes")
        if time.monotonic() - self._began > self._timeout + len(self.content) / SLOWEST:
            raise httpx.ReadTimeout(f"the answer did not end in {self._timeout:g} seconds")


__all__ = ["MOST", "Reading"]
