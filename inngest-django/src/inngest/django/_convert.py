"""Django's request and response, to and from the library's own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async

from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import escape_uri_path
from inngest.transport import (
    MAX_BODY_BYTES,
    AsyncStream,
    CommRequest,
    CommResponse,
    CommStream,
    Handler,
    SyncStream,
    run_coroutine,
    threads_are_greenlets,
)

T = TypeVar("T")
Reply = CommResponse | CommStream[SyncStream] | CommStream[AsyncStream]


def from_django(request: HttpRequest) -> CommRequest:
    """Read a request, never more of its body than could be accepted.

    ``request.body`` would refuse what ``DATA_UPLOAD_MAX_MEMORY_SIZE`` refuses, which is
    less than servers send. Middleware that looks at it afterwards finds it there.
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
    """The URL with the script's name, which ``request.path`` lacks under some ASGI servers."""
    script = request.META.get("SCRIPT_NAME", "").rstrip("/")
    return request.build_absolute_uri(f"//{escape_uri_path(script + request.path_info)}")


def _stream(request: HttpRequest) -> Any:
    """Where the body is. Under WSGI, Django sees none in a request that tells no length."""
    told = request.META
    is_chunked = told.get("wsgi.input_terminated") and not told.get("CONTENT_LENGTH")
    return told["wsgi.input"] if is_chunked else request


def to_django(reply: Reply) -> HttpResponseBase:
    """Write a response, at once or piece by piece. Django closes what it iterates over."""
    headers = dict(reply.headers)
    if isinstance(reply, CommResponse):
        return HttpResponse(reply.body, status=reply.status, headers=headers)
    return StreamingHttpResponse(reply.chunks, status=reply.status, headers=headers)


def view_of(handler: Handler) -> Callable[..., Any]:
    """Make the view that answers for a handler; an async one only where it needs to be.

    Nor where threads are greenlets: Django runs one async view at a time there.
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
    for alias in _databases():
        chosen = transaction.non_atomic_requests(using=alias)(chosen)
    return chosen  # type: ignore[no-any-return]


def _databases() -> list[str]:
    """Those that ``ATOMIC_REQUESTS`` may be set for; a small script may serve before it has any."""
    try:
        return list(connections)
    except ImproperlyConfigured:
        return [DEFAULT_DB_ALIAS]


class RequestThread:
    """Where WSGI apps belong: Django runs an async view beside it, on a loop."""

    limit = 1

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work with the caller's context variables."""
        return await sync_to_async(work)()


@contextmanager
def connections_closed() -> Iterator[None]:
    """Do for a thread of ours what Django does around a request."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


def wait(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Finish a coroutine; its database work comes back to this thread.

    Greenlets have no way back to it. There, what Django refuses must at least not be waited for
    by others: it is on a thread of each call's own.
    """
    if threads_are_greenlets():
        return run_coroutine(_on_own_thread(coroutine))

    async def run() -> Any:
        return await coroutine

    return async_to_sync(run)()


async def _on_own_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    async with ThreadSensitiveContext():
        return await coroutine
