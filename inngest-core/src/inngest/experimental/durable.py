"""Durable HTTP endpoints: request handlers made of steps, for any ASGI or WSGI framework.

::

    @durable.asgi(client)
    async def checkout(ctx: inngest.Context, request: durable.Request) -> dict[str, str]:
        order = request.json()
        payment = await ctx.step.run("charge", charge, order)
        return {"payment": payment}

    app = fastapi.FastAPI(routes=[Route("/checkout", checkout, methods=["POST"])])

The client receives the response as from any handler. Each step is recorded on the server when
it ends. If the process dies, a step has to be retried, or the handler sleeps or waits, the
server repeats the request later, and the handler continues after its last recorded step. A
client that is still connected is redirected to the URL where the output will be available.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias

from inngest import asgi as _asgi
from inngest import wsgi as _wsgi
from inngest._internal.client.client import Inngest
from inngest._internal.client.durable import DurableHandler
from inngest._internal.http.durable import RETRIES, DurableOptions, Origin
from inngest._internal.http.durable_messages import Request, RequestBodyError, Response
from inngest._internal.step.context import Context, ContextSync
from inngest.transport import CommRequest, CommResponse

Admit: TypeAlias = Callable[[CommRequest], object]
"""Inspects a client's request before its run begins; see :func:`asgi`."""

Handler: TypeAlias = (
    Callable[[Context[Any], Request], Awaitable[object]]
    | Callable[[ContextSync[Any], Request], object]
)
"""Takes the context of the run and the request; returns the response body or a ``Response``."""


class ASGIEndpoint:
    """The ASGI app that :func:`asgi` makes from a handler."""

    def __init__(self, handler: DurableHandler) -> None:
        self._handler = handler

    async def __call__(self, scope: _asgi.Scope, receive: _asgi.Receive, send: _asgi.Send) -> None:
        """Serve one connection. A client that disconnects does not end its run."""
        if scope["type"] == "lifespan":
            await _asgi.live(self._handler.aclose, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        else:
            body = await _asgi.read_body(receive)
            response = _asgi.GONE if body is None else await self._answer(scope, body)
            await _asgi.send_response(response, scope, send)

    async def _answer(self, scope: _asgi.Scope, body: bytes) -> CommResponse:
        client = scope.get("client") or ("",)
        query = scope.get("query_string", b"").decode("latin-1")
        origin = Origin(query_string=query, ip=str(client[0]))
        return await self._handler.handle_async(_asgi.from_scope(scope, body, scope), origin)


class WSGIEndpoint:
    """The WSGI app that :func:`wsgi` makes from a handler."""

    def __init__(self, handler: DurableHandler) -> None:
        self._handler = handler

    def __call__(
        self, environ: _wsgi.Environ, start_response: _wsgi.StartResponse
    ) -> Iterable[bytes]:
        """Answer one request."""
        request = _wsgi.from_environ(environ, body=_wsgi.read_body(environ), raw=environ)
        origin = Origin(
            query_string=environ.get("QUERY_STRING", ""), ip=environ.get("REMOTE_ADDR", "")
        )
        response = self._handler.handle_sync(request, origin)
        return _wsgi.send_response(response, environ, start_response)


def asgi(
    client: Inngest,
    *,
    admit: Admit | None = None,
    fn_id: str | None = None,
    origin: str | None = None,
    redirect: bool = True,
    retries: int = RETRIES,
) -> Callable[[Handler], ASGIEndpoint]:
    """Turn a handler into an ASGI app, to be mounted in Starlette, FastAPI or any other framework.

    An async handler runs on the event loop, a sync one on a thread.

    :param admit: called first with each request of a client, including all its headers. If it
        returns anything but ``None``, that is the response, as if the handler had returned it.
        It is not called for the server's repeated requests: they are signed.
    :param fn_id: the endpoint's name on the server; by default its method and path.
    :param origin: the app's public origin (``INNGEST_SERVE_ORIGIN``), to which the server
        repeats requests. Required in cloud mode; in dev mode by default the request's.
    :param redirect: redirect a client to the output when its run continues in the background;
        if false, respond with status 202, the run id and a token.
    :param retries: the number of retries for each step.
    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises URLInvalidError: the origin is invalid, or missing in cloud mode.
    """
    options = DurableOptions(
        admit=admit, fn_id=fn_id, origin=origin, redirect=redirect, retries=retries
    )

    def decorate(handler: Handler) -> ASGIEndpoint:
        return ASGIEndpoint(DurableHandler(client, handler, options, framework=_asgi.FRAMEWORK))

    return decorate


def wsgi(
    client: Inngest,
    *,
    admit: Admit | None = None,
    fn_id: str | None = None,
    origin: str | None = None,
    redirect: bool = True,
    retries: int = RETRIES,
) -> Callable[[Handler], WSGIEndpoint]:
    """Turn a handler into a WSGI app, to be returned from a Flask view or mounted anywhere.

    The handler runs on the request's thread; an async one on an event loop created for the
    request. The arguments are those of :func:`asgi`.
    """
    options = DurableOptions(
        admit=admit, fn_id=fn_id, origin=origin, redirect=redirect, retries=retries
    )

    def decorate(handler: Handler) -> WSGIEndpoint:
        return WSGIEndpoint(DurableHandler(client, handler, options, framework=_wsgi.FRAMEWORK))

    return decorate


__all__ = [
    "ASGIEndpoint",
    "Admit",
    "Handler",
    "Request",
    "RequestBodyError",
    "Response",
    "WSGIEndpoint",
    "asgi",
    "wsgi",
]
