"""Serve Inngest functions from a Django project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest import Function, Inngest
from inngest.transport import Handler, ServeOptions, Streaming

if TYPE_CHECKING:
    from django.urls import URLPattern

FRAMEWORK = "django"


def serve(
    client: Inngest,
    functions: list[Function[Any]],
    *,
    enable_unauthed_sync: bool | None = None,
    public_path: str | None = None,
    serve_origin: str | None = None,
    serve_path: str | None = None,
    streaming: Streaming | None = None,
) -> URLPattern:
    """Make the URL pattern that the Inngest server calls, ``api/inngest`` by default.

    Under WSGI, functions run on the request's thread. Under ASGI, async ones run on the
    event loop, and sync ones on threads; those of a project that also has async ones, on a
    pool of 40 (``INNGEST_THREAD_POOL_MAX_WORKERS``). Database connections are closed as
    Django closes them after a request.

    :param client: the client that the functions belong to.
    :param functions: all functions of the app.
    :param enable_unauthed_sync: let anyone ask a cloud-mode app to register its
        functions (``INNGEST_ENABLE_UNAUTHED_SYNC``).
    :param public_path: the endpoint's path as the server sees it, behind a proxy.
    :param serve_origin: the app's public origin (``INNGEST_SERVE_ORIGIN``).
    :param serve_path: the endpoint's path within the app (``INNGEST_SERVE_PATH``).
    :param streaming: answer calls at once and keep them alive (``INNGEST_STREAMING``).
    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises FunctionConfigInvalidError: two functions of one id.
    :raises URLInvalidError: the origin, or a path, cannot be used.
    :raises PluginError: a plugin that was asked for by name fails.
    """
    from django.urls import path
    from inngest.django._convert import view_of
    from inngest.django._database import connections_closed, wait

    handler = Handler(
        client,
        functions,
        ServeOptions(
            framework=FRAMEWORK,
            enable_unauthed_sync=enable_unauthed_sync,
            public_path=public_path,
            serve_origin=serve_origin,
            serve_path=serve_path,
            streaming=streaming,
        ),
        surroundings=connections_closed,
        wait=wait,
    )
    return path(handler.mount_path.lstrip("/"), view_of(handler), name="inngest")


__all__ = ["FRAMEWORK", "serve"]
