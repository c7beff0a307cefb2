"""Answer what a client sends without a network: for kits that test apps in process.

Limits: one redirection of a client at a time; it covers events, registration and the
run's API, not what user code sends by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inngest._internal.client.client import Inngest
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.runtime.http_clients import HTTPClients

Answer = Callable[[Request], Response]
"""Answers a request at once, on whatever thread it is made."""


@contextmanager
def redirected(client: Inngest, answer: Answer) -> Iterator[None]:
    """Have ``answer`` take all requests of a client, which is in dev mode meanwhile.

    Handlers made within the block send there for as long as they live.

    :raises RuntimeError: the client is redirected already.
    """
    http, is_production = client._http, client.is_production
    if isinstance(http, _Redirected):
        raise RuntimeError(
            f'the client "{client.app_id}" is under test already: close that engine first'
        )
    client._http, client.is_production = _Redirected(answer), False
    try:
        yield
    finally:
        client._http, client.is_production = http, is_production


class _Redirected(HTTPClients):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def fetch(self, request: Request) -> Response | FetchError:
        return self._answer(request)

    async def fetch_async(self, request: Request) -> Response | FetchError:
        return self._answer(request)

    def open(self, request: Request, quiet: float) -> FetchError:
        return FetchError(RuntimeError("in process nothing can be listened to"))

    async def open_async(self, request: Request, quiet: float) -> FetchError:
        return self.open(request, quiet)


__all__ = ["Answer", "Request", "Response", "redirected"]
