"""What the engine needs of those who call apps, and third parties."""

from __future__ import annotations

from typing import Protocol

from inngest.dev._internal.machine.fetching import Inbound, Outbound, Unreachable
from inngest.dev._internal.protocol.answer import Answer
from inngest.dev._internal.protocol.call import Call


class Driver(Protocol):
    async def call(self, call: Call, *, now: int) -> Answer: ...

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        """PUT an app's URL; its status and text. Status 0: it could not be reached."""
        ...

    async def close(self) -> None: ...


class Gateway(Protocol):
    async def fetch(self, request: Outbound) -> Inbound | Unreachable: ...

    async def close(self) -> None: ...
