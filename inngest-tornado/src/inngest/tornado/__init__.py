"""Serve Inngest functions from a Tornado application."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from inngest import Function, Inngest
from inngest.transport import Handler, ServeOptions, Streaming

if TYPE_CHECKING:
    import tornado.web

FRAMEWORK = "tornado"


def serve(
    app: tornado.web.Application,
    client: Inngest,
    functions: list[Function[Any]],
    *,
    enable_unauthed_sync: bool | None = None,
    public_path: str | None = None,
    serve_origin: str | None = None,
    serve_path: str | None = None,
    streaming: Streaming | None = None,
) -> None:
    """Mount the endpoint that the Inngest server calls, at ``/api/inngest`` by default.

    Async functions run on the IOLoop. Sync ones run on a pool of 40 threads
    (``INNGEST_THREAD_POOL_MAX_WORKERS``), so that they hold up no other request.

    :param app: the Tornado application.
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
    from inngest.tornado._convert import InngestRequestHandler

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
    )
    path = handler.mount_on(app)
    # Tornado looks at paths as they are sent: what is not ASCII in percents.
    paths = dict.fromkeys([path, quote(path, safe="/%")])
    options = {"handler": handler}
    app.add_handlers(".*", [(re.escape(each), InngestRequestHandler, options) for each in paths])


__all__ = ["FRAMEWORK", "serve"]
