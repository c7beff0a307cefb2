"""Convert Django's requests and responses to and from the library's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import escape_uri_path
from inngest.django._database import RequestThread, without_transactions
from inngest.transport import (
    MAX_BODY_BYTES,
    AsyncStream,
    CommRequest,
    CommResponse,
    CommStream,
    Handler,
    SyncStream,
    threads_are_greenlets,
)

Reply = CommResponse | CommStream[SyncStream] | CommStream[AsyncStream]


def from_django(request: HttpRequest) -> CommRequest:
    """Read a request. Of a body that is too large, only so much is read as shows that.

    Not by ``request.body``: it refuses what is over ``DATA_UPLOAD_MAX_MEMORY_SIZE``, which is less
    than servers send. Middleware that reads ``request.body`` afterwards gets what was read here.
    """
    body = _stream(request).read(MAX_BODY_BYTES + 1)
    if not hasattr(request, "_body"):
        request._body = body
    return CommRequest(
        method=str(request.method),
        url=_url(request),
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: request.GET.getlist(name)[0] for name in request.GET},
        body=body,
        raw=request,
    )


def _url(request: HttpRequest) -> str:
    """The URL. Its path is not ``request.path``, which lacks the prefix under some ASGI servers."""
    script = request.META.get("SCRIPT_NAME", "").rstrip("/")
    return request.build_absolute_uri(f"//{escape_uri_path(script + request.path_info)}")


def _stream(request: HttpRequest) -> Any:
    """What to read the body from. Under WSGI, Django reads none if there is no content length."""
    meta = request.META
    is_chunked = meta.get("wsgi.input_terminated") and not meta.get("CONTENT_LENGTH")
    return meta["wsgi.input"] if is_chunked else request


def to_django(reply: Reply) -> HttpResponseBase:
    """Write a response, at once or piece by piece. Django closes what it iterates over."""
    headers = dict(reply.headers)
    if isinstance(reply, CommResponse):
        return HttpResponse(reply.body, status=reply.status, headers=headers)
    return StreamingHttpResponse(reply.chunks, status=reply.status, headers=headers)


def view_of(handler: Handler) -> Callable[..., Any]:
    """Make the view that answers for a handler.

    It is async only if it has to be, and never where threads are greenlets: there, Django runs one
    async view at a time.
    """

    def view(request: HttpRequest) -> HttpResponseBase:
        return to_django(handler.stream_sync(from_django(request)))

    async def async_view(request: HttpRequest) -> HttpResponseBase:
        if isinstance(request, ASGIRequest):
            return to_django(await handler.stream_async(from_django(request)))
        if handler.is_streaming:
            return await sync_to_async(view)(request)
        try:
            return to_django(await handler.handle_async(from_django(request), RequestThread()))
        finally:  # the loop ends with this request
            await handler.aclose()

    is_async = handler.is_streaming or any(one.is_handler_async for one in handler.functions)
    chosen: Any = async_view if is_async and not threads_are_greenlets() else view
    chosen.csrf_exempt = True
    chosen.inngest_handler = handler
    exempt: Callable[..., Any] = without_transactions(chosen)
    return exempt
