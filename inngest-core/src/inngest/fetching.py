"""Transports for httpx: requests become steps of the function that makes them.

::

    with httpx.Client(transport=inngest.fetching.StepTransport()) as http:
        user = http.get("https://api.example.com/me").json()

Within an Inngest function the server makes the request, as ``step.fetch`` does, and no
process waits; a body that the server cannot carry, which is any but JSON, is sent by the app,
in a step. Outside of a function, and within a step, requests are made as without Inngest.

Limits: timeouts of the client do not count at the server. An answer's body is text to it, and
of several headers of one name only the first arrives.
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
"""Gives the step of a request its id, which must stay the same while runs live."""

_OF_THE_CONNECTION = {
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "host",
    "transfer-encoding",
}


class FetchFailedError(StepError, httpx.TransportError):
    """No answer came, in all attempts. Code that expects errors of httpx catches it, too."""


def step_id_of(request: httpx.Request) -> str:
    """The method and the URL without its user and its query, which may hold secrets."""
    return f"{request.method} {request.url.copy_with(userinfo=b'', query=None, fragment=None)}"


class StepTransport(httpx.BaseTransport):
    """Has requests of an ``httpx.Client`` be steps of a sync function.

    :param otherwise: makes requests outside of functions, and those that the server cannot.
    :param step_id: names the step of a request; by default after method and URL.
    """

    def __init__(
        self, *, otherwise: httpx.BaseTransport | None = None, step_id: NameStep = step_id_of
    ) -> None:
        self._otherwise = otherwise or httpx.HTTPTransport()
        self._step_id = step_id

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make one request.

        :raises FetchFailedError: the step of the request has failed for good.
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
                return _restored(found.run(step_id, self._ask, request))
            return _response(found.fetch(step_id, **_options(request, text)))
        except StepError as error:
            raise _failed(error) from error

    def close(self) -> None:
        """Close the transport that makes requests outside of functions."""
        self._otherwise.close()

    def _ask(self, request: httpx.Request) -> dict[str, object]:
        response = self._otherwise.handle_request(request)
        try:
            response.read()
        finally:
            response.close()
        return _stored(response)


class AsyncStepTransport(httpx.AsyncBaseTransport):
    """Has requests of an ``httpx.AsyncClient`` be steps of an async function.

    :param otherwise: makes requests outside of functions, and those that the server cannot.
    :param step_id: names the step of a request; by default after method and URL.
    """

    def __init__(
        self, *, otherwise: httpx.AsyncBaseTransport | None = None, step_id: NameStep = step_id_of
    ) -> None:
        self._otherwise = otherwise or httpx.AsyncHTTPTransport()
        self._step_id = step_id

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one request.

        :raises FetchFailedError: the step of the request has failed for good.
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
                return _restored(await found.run(step_id, self._ask, request))
            return _response(await found.fetch(step_id, **_options(request, text)))
        except StepError as error:
            raise _failed(error) from error

    async def aclose(self) -> None:
        """Close the transport that makes requests outside of functions."""
        await self._otherwise.aclose()

    async def _ask(self, request: httpx.Request) -> dict[str, object]:
        response = await self._otherwise.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return _stored(response)


def _text(request: httpx.Request) -> str | None:
    """The body as the server can send it; ``None`` if it cannot."""
    try:
        text = request.content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if not text or is_json(text) else None


def _options(request: httpx.Request, text: str) -> dict[str, Any]:
    return {
        "url": str(request.url),
        "method": request.method,
        "headers": _kept(request.headers),
        "content": text or None,
    }


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in headers.items() if name.lower() not in _OF_THE_CONNECTION
    }


def _response(fetched: FetchedResponse) -> httpx.Response:
    headers = httpx.Headers(_kept(fetched.headers), encoding="utf-8")
    response = httpx.Response(fetched.status_code, headers=headers, content=fetched.body.encode())
    response.encoding = "utf-8"  # whatever it was on its way to the server
    return response


def _stored(response: httpx.Response) -> dict[str, object]:
    headers = response.headers.multi_items()
    return {
        "status": response.status_code,
        "headers": [[n, v] for n, v in headers if n.lower() not in _OF_THE_CONNECTION],
        "body": base64.b64encode(response.content).decode("ascii"),
    }


def _restored(stored: Mapping[str, Any]) -> httpx.Response:
    found = [(name, value) for name, value in stored["headers"]]
    headers = httpx.Headers(found, encoding="utf-8")  # they were read as text of any encoding
    return httpx.Response(
        stored["status"], headers=headers, content=base64.b64decode(stored["body"])
    )


def _failed(error: StepError) -> FetchFailedError:
    return FetchFailedError(error.message, error.name, error.stack)


__all__ = ["AsyncStepTransport", "FetchFailedError", "NameStep", "StepTransport", "step_id_of"]
