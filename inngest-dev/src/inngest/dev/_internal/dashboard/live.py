"""Tell pages which runs changed, as server-sent events. Ids only: pages ask for the rest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

from inngest.dev._internal.model.values import Run

QUIET_SECONDS = 0.2
"""Changes are collected for so long: a busy engine does not flood its pages."""
BEAT_SECONDS = 15.0
MAX_IDS = 500


class Live:
    def __init__(self) -> None:
        self._pages: set[_Page] = set()

    def changed(self, run: Run) -> None:
        for page in self._pages:
            page.note(run.id)

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Until the page is gone."""
        page = _Page()
        self._pages.add(page)
        try:
            yield b": hello\n\n"
            while True:
                ids = await page.next()
                yield f"data: {json.dumps(ids)}\n\n".encode() if ids else b": beat\n\n"
        finally:
            self._pages.discard(page)


class _Page:
    def __init__(self) -> None:
        self._ids: dict[str, None] = {}
        self._wake = asyncio.Event()

    def note(self, run_id: str) -> None:
        if len(self._ids) < MAX_IDS:
            self._ids[run_id] = None
        self._wake.set()

    async def next(self) -> list[str]:
        try:
            await asyncio.wait_for(self._wake.wait(), BEAT_SECONDS)
        except asyncio.TimeoutError:
            return []
        await asyncio.sleep(QUIET_SECONDS)
        self._wake.clear()
        ids, self._ids = list(self._ids), {}
        return ids
