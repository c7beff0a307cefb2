"""HTTP endpoints that survive a crash: handlers made of steps, for any ASGI or WSGI framework.

::

    @durable.asgi(client)
    async def checkout(ctx: inngest.Context, request: durable.Request) -> dict[str, str]:
        order = request.json()
        payment = await ctx.step.run("charge", charge, order)
        return {"payment": payment}

    app = fastapi.FastAPI(routes=[Route("/checkout", checkout, methods=["POST"])])

The client gets the response as from any handler. Each step is recorded when it is done. When
the process dies, or a step is to be tried again, or the handler sleeps or waits, the server
repeats the request, and the handler goes on behind its last step; a client that is still
there is sent to where the output will be.
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
"""Looks at a client's request before its run begins."""

Handler: TypeAlias = (
    Callable[[Context[Any], Request], Awaitable[object]]
    | Callable[[ContextSync[Any], Request], object]
)
"""Takes the context of its run, and the request."""


class ASGIEndpoint:
    """The ASGI app that :func:`asgi` makes of a handler."""

    def __init__(self, handler: DurableHandler) -> None:
        self._handler = handler

    async def __call__(self, scope: _asgi.Scope, receive: _asgi.Receive, send: _asgi.Send) -> None:
        """Serve one connection. A client that leaves does not end its run."""
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
    """The WSGI app that :func:`wsgi` makes of a handler."""

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
    """Turn a handler into an ASGI app: to mount with Starlette, FastAPI, or any other.

    An async handler runs on the event loop, a sync one on a thread.

    :param admit: looks at a client's request, with all its headers, before anything else;
        what it returns is answered, like what a handler returns, unless it is ``None``. The
        server's repetitions are not shown to it: they are signed.
    :param fn_id: the name of the endpoint for the server; by default method and path.
    :param origin: the app's public origin (``INNGEST_SERVE_ORIGIN``), where the server repeats
        requests. In dev mode by default the request's; in cloud mode it must be given.
    :param redirect: redirect clients to the output of a run that goes on without them;
        otherwise they get its id and a token, with status 202.
    :param retries: attempts after the first, for each step.
    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises URLInvalidError: the origin cannot be used, or is missing in cloud mode.
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
    """Turn a handler into a WSGI app: to return from a view of Flask, or to mount anywhere.

    A sync handler runs on the request's thread; an async one there too, on a loop of its own.
    The arguments are those of :func:`asgi`.
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
