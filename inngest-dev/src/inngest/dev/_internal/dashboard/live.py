"""Tell pages which runs have changed, as server-sent events: ids only, pages ask for the rest."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator

from inngest.dev._internal.model.values import Run

QUIET_SECONDS = 0.2
"""Changes are collected for so long: a busy engine does not flood its pages."""
BEAT_SECONDS = 15.0
MAX_IDS = 500
"""If more runs have changed, pages are sent null instead of ids: any run may have changed."""


class Live:
    def __init__(self) -> None:
        self._pages: set[_Page] = set()
        self.mark = time.time_ns() // 1_000_000
        """A number that grows with every change. It starts beyond the last one of earlier engines."""

    def changed(self, run: Run) -> None:
        self.mark += 1
        for page in self._pages:
            page.note(run.id)

    def stir(self, run_id: str | None) -> None:
        """Note that something has changed, other than the state of a run; of this run, if given."""
        self.mark += 1
        for page in self._pages:
            page.note(run_id)

    def dismiss(self) -> None:
        """End all streams: the engine stops."""
        for page in self._pages:
            page.dismiss()

    async def stream(self, since: int) -> AsyncGenerator[bytes, None]:
        """The events for a page, until it is gone, or the engine stops.

        :param since: the mark at which the page was made: it shows what had changed by then.
        """
        page = _Page()
        self._pages.add(page)
        try:
            yield b": hello\n\n" if since == self.mark else b"data: null\n\n"
            while (chunk := await page.next()) is not None:
                yield chunk + b"\n\n"
        finally:
            self._pages.discard(page)


class _Page:
    def __init__(self) -> None:
        self._ids: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._is_dismissed = False

    def dismiss(self) -> None:
        self._is_dismissed = True
        self._wake.set()

    def note(self, run_id: str | None) -> None:
        if run_id is not None and len(self._ids) <= MAX_IDS:
            self._ids[run_id] = None
        self._wake.set()

    async def next(self) -> bytes | None:
        try:
            await asyncio.wait_for(self._wake.wait(), BEAT_SECONDS)
        except asyncio.TimeoutError:
            return b": beat"
        if self._is_dismissed:
            return None
        await asyncio.sleep(QUIET_SECONDS)
        self._wake.clear()
        ids, self._ids = list(self._ids), {}
        return f"data: {json.dumps(ids if len(ids) <= MAX_IDS else None)}".encode()
