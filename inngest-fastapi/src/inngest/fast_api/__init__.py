"""Serve Inngest functions from a FastAPI app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest import Function, Inngest
from inngest.transport import Handler, ServeOptions, Streaming

if TYPE_CHECKING:
    import fastapi

FRAMEWORK = "fast_api"


def serve(
    app: fastapi.FastAPI | fastapi.APIRouter,
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

    Async functions run on the event loop. Sync ones run on a pool of 40 threads
    (``INNGEST_THREAD_POOL_MAX_WORKERS``) that ends with the app's lifespan.

    :param app: the FastAPI app, or a router that is included in one afterwards.
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
    from inngest.fast_api._convert import ending_with, endpoint_of

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
    app.add_api_route(
        handler.mount_on(app),
        endpoint_of(handler),
        methods=["GET", "POST", "PUT"],
        include_in_schema=False,
        response_model=None,
    )
    ending_with(app, handler.aclose)


__all__ = ["FRAMEWORK", "serve"]
