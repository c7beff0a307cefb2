"""Intercept the HTTP requests that a client makes: for test kits that run apps in process.

Limits: a client has at most one interception at a time. It covers sending events, registration
and the run API, but not requests that user code makes with other HTTP clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from inngest._internal.client.client import Inngest
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.runtime.http_clients import HTTPClients

Answer = Callable[[Request], Response]
"""Returns the response to a request, without waiting. Called on the thread that makes it."""


@contextmanager
def redirected(client: Inngest, answer: Answer) -> Iterator[None]:
    """Route all requests of ``client`` to ``answer``, and put the client into dev mode.

    Both end with the block, but handlers created within it keep using ``answer``.

    :raises RuntimeError: the client is already redirected.
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
        return FetchError(RuntimeError("streaming requests are not available in process"))

    async def open_async(self, request: Request, quiet: float) -> FetchError:
        return self.open(request, quiet)


__all__ = ["Answer", "Request", "Response", "redirected"]
