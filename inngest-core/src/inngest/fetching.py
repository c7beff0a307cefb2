"""Transports for httpx that turn requests into steps of the function that makes them.

::

    with httpx.Client(transport=inngest.fetching.StepTransport()) as http:
        user = http.get("https://api.example.com/me").json()

Within an Inngest function the Inngest server makes the request, as with ``step.fetch``, so no
process waits for it. A request whose body is neither empty nor JSON cannot be made by the
server; the app makes it, in a step. Outside a function, and inside a step's handler, requests
are made as without Inngest.

Limits: the server ignores the timeouts of the client, decodes response bodies as text, and
keeps only the first of several headers with the same name.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from inngest._internal.errors import AsyncUnsupportedError, StepError
from inngest._internal.step.ambient import current_step
from inngest._internal.step.fetch import FetchedResponse, is_json
from inngest._internal.step.flow import inside_step
from inngest._internal.step.step import Step
from inngest._internal.step.step_sync import StepSync

NameStep = Callable[[httpx.Request], str]
"""Returns the step id for a request. The id must not change while runs are in progress."""

_HOP_HEADERS = {
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "host",
    "transfer-encoding",
}


class FetchFailedError(StepError, httpx.TransportError):
    """All attempts ended without a response. Also caught as an ``httpx.TransportError``."""


def step_id_of(request: httpx.Request) -> str:
    """Return the method and the URL, without credentials, query and fragment."""
    return f"{request.method} {request.url.copy_with(userinfo=b'', query=None, fragment=None)}"


class StepTransport(httpx.BaseTransport):
    """Makes the requests of an ``httpx.Client`` steps of a sync function.

    :param otherwise: makes the requests outside functions, and those that the server cannot make.
    :param step_id: returns the step id for a request; by default its method and URL.
    """

    def __init__(
        self, *, otherwise: httpx.BaseTransport | None = None, step_id: NameStep = step_id_of
    ) -> None:
        self._otherwise = otherwise or httpx.HTTPTransport()
        self._step_id = step_id

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make one request.

        :raises FetchFailedError: the request's step failed in all its attempts.
        """
        found = None if inside_step.get() else current_step()
        if found is None:
            return self._otherwise.handle_request(request)
        if isinstance(found, Step):
            raise AsyncUnsupportedError(
                "httpx.Client is used in an async Inngest function: use httpx.AsyncClient "
                "with inngest.fetching.AsyncStepTransport"
            )
        request.read()
        step_id, text = self._step_id(request), _text(request)
        try:
            if text is None:
                return _decoded(found.run(step_id, self._send, request))
            return _response(found.fetch(step_id, **_options(request, text)))
        except StepError as error:
            raise _failed(error) from error

    def close(self) -> None:
        """Close the transport given as ``otherwise``."""
        self._otherwise.close()

    def _send(self, request: httpx.Request) -> dict[str, object]:
        response = self._otherwise.handle_request(request)
        try:
            response.read()
        finally:
            response.close()
        return _encoded(response)


class AsyncStepTransport(httpx.AsyncBaseTransport):
    """Makes the requests of an ``httpx.AsyncClient`` steps of an async function.

    :param otherwise: makes the requests outside functions, and those that the server cannot make.
    :param step_id: returns the step id for a request; by default its method and URL.
    """

    def __init__(
        self, *, otherwise: httpx.AsyncBaseTransport | None = None, step_id: NameStep = step_id_of
    ) -> None:
        self._otherwise = otherwise or httpx.AsyncHTTPTransport()
        self._step_id = step_id

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one request.

        :raises FetchFailedError: the request's step failed in all its attempts.
        """
        found = None if inside_step.get() else current_step()
        if found is None:
            return await self._otherwise.handle_async_request(request)
        if isinstance(found, StepSync):
            raise AsyncUnsupportedError(
                "httpx.AsyncClient is used in a sync Inngest function: use httpx.Client "
                "with inngest.fetching.StepTransport"
            )
        await request.aread()
        step_id, text = self._step_id(request), _text(request)
        try:
            if text is None:
                return _decoded(await found.run(step_id, self._send, request))
            return _response(await found.fetch(step_id, **_options(request, text)))
        except StepError as error:
            raise _failed(error) from error

    async def aclose(self) -> None:
        """Close the transport given as ``otherwise``."""
        await self._otherwise.aclose()

    async def _send(self, request: httpx.Request) -> dict[str, object]:
        response = await self._otherwise.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return _encoded(response)


def _text(request: httpx.Request) -> str | None:
    """Return the body if the server can send it (empty or JSON), else ``None``."""
    try:
        text = request.content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if not text or is_json(text) else None


def _options(request: httpx.Request, text: str) -> dict[str, Any]:
    return {
        "url": str(request.url),
        "method": request.method,
        "headers": _end_to_end(request.headers),
        "content": text or None,
    }


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_HEADERS}


def _response(fetched: FetchedResponse) -> httpx.Response:
    headers = httpx.Headers(_end_to_end(fetched.headers), encoding="utf-8")
    response = httpx.Response(fetched.status_code, headers=headers, content=fetched.body.encode())
    response.encoding = "utf-8"  # the server decoded the body, whatever its charset was
    return response


def _encoded(response: httpx.Response) -> dict[str, object]:
    headers = response.headers.multi_items()
    return {
        "status": response.status_code,
        "headers": [[n, v] for n, v in headers if n.lower() not in _HOP_HEADERS],
        "body": base64.b64encode(response.content).decode("ascii"),
    }


def _decoded(stored: Mapping[str, Any]) -> httpx.Response:
    items = [(name, value) for name, value in stored["headers"]]
    headers = httpx.Headers(items, encoding="utf-8")  # ASCII, httpx's default, may not suffice
    return httpx.Response(
        stored["status"], headers=headers, content=base64.b64decode(stored["body"])
    )


def _failed(error: StepError) -> FetchFailedError:
    return FetchFailedError(error.message, error.name, error.stack)


__all__ = ["AsyncStepTransport", "FetchFailedError", "NameStep", "StepTransport", "step_id_of"]
