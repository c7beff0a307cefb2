"""What the engine needs of drivers, which call apps, and of gateways, which ask third parties."""

from __future__ import annotations

from typing import Protocol

from inngest.dev._internal.machine.fetching import Inbound, Outbound, Unreachable
from inngest.dev._internal.protocol.answer import Answer
from inngest.dev._internal.protocol.call import Call


class Driver(Protocol):
    async def call(self, call: Call, *, now: int) -> Answer:
        """Call an app. Whatever goes wrong is an `Answer`, too.

        :param now: the engine's time, in milliseconds since the epoch.
        """
        ...

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        """Ask an app to register, by a PUT to its URL.

        :param kind: of the engine, `dev` or `cloud`, sent to the app.
        :returns: status and text of its answer. Status 0: it was not reached, the text says why.
        """
        ...

    async def close(self) -> None: ...


class Gateway(Protocol):
    """Asks third parties for steps. It is not the gateway of Connect, which workers connect to."""

    async def fetch(self, request: Outbound) -> Inbound | Unreachable:
        """Make the request of a fetch or AI step."""
        ...

    async def close(self) -> None: ...
