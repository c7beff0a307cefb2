"""A client that makes no requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from inngest._internal.client.client import Inngest as RealInngest
from inngest._internal.errors import Error, EventsInvalidError, SendSignalError
from inngest._internal.event import Event
from inngest._internal.flow import FetchError, Flow, Request, Response
from inngest._internal.runtime.drivers import SyncDriver
from inngest._internal.runtime.http_clients import HTTPClients
from inngest._internal.sent import SendEventsResult

_ID: Final = "0" * 26


class _Nowhere(HTTPClients):
    """Responds like a server that accepts everything and does nothing."""

    def fetch(self, request: Request) -> Response | FetchError:
        path = urlsplit(request.url).path
        answer: object = None
        if path.endswith("/v1/signals"):
            answer = {"data": {"run_id": _ID}}
        elif path.endswith("/v1/realtime/token"):
            answer = {"jwt": "mocked"}
        elif not path.endswith(("/metadata", "/v1/realtime/publish")):
            return self.open(request, 0)
        return Response(status=200, headers={}, body=json.dumps(answer).encode())

    async def fetch_async(self, request: Request) -> Response | FetchError:
        return self.fetch(request)

    def open(self, request: Request, quiet: float) -> FetchError:
        return FetchError(RuntimeError("a mocked client makes no request"))

    async def open_async(self, request: Request, quiet: float) -> FetchError:
        return self.open(request, quiet)


class Inngest(RealInngest):
    """A client for :func:`trigger` that makes no requests.

    ``send`` and ``send_sync`` run the middleware, validate the events, and return fixed ids: one
    for each event, the same in every call. Signals are delivered to a run with the id ``000…``.
    Metadata and messages of ``inngest.experimental.realtime`` are validated and dropped. All
    other requests fail. Arguments are those of :class:`inngest.Inngest`.
    """

    _network = _Nowhere

    def _post(self, events: Sequence[Event[Any]]) -> Flow[SendEventsResult | Exception]:
        yield from ()
        try:
            for event in events:
                event.to_wire(0)
        except Error as error:
            return EventsInvalidError(error.message)
        return SendEventsResult(ids=[f"{position:026}" for position in range(len(events))])

    def _signal(self, signal: str, data: object) -> Flow[str | SendSignalError | None]:
        yield from ()  # not through the client's HTTP: trigger() redirects that to its engine
        return SyncDriver(_Nowhere()).run(super()._signal(signal, data))


__all__ = ["Inngest"]
