"""Serve Inngest functions from a Flask app."""

from __future__ import annotations

from typing import Any

import flask
from inngest import Function, Inngest
from inngest.flask._convert import from_flask, to_flask
from inngest.transport import Handler, ServeOptions

FRAMEWORK = "flask"


def serve(
    app: flask.Flask,
    client: Inngest,
    functions: list[Function[Any]],
    *,
    enable_unauthed_sync: bool | None = None,
    public_path: str | None = None,
    serve_origin: str | None = None,
    serve_path: str | None = None,
) -> None:
    """Mount the endpoint that the Inngest server calls, at ``/api/inngest`` by default.

    Sync functions run on the request's thread. Async ones run there too, each request on
    an event loop of its own, so ``flask[async]`` is not needed.

    :param app: the Flask app.
    :param client: the client that the functions belong to.
    :param functions: all functions of the app.
    :param enable_unauthed_sync: let anyone ask a cloud-mode app to register its
        functions (``INNGEST_ENABLE_UNAUTHED_SYNC``).
    :param public_path: the endpoint's path as the server sees it, behind a proxy.
    :param serve_origin: the app's public origin (``INNGEST_SERVE_ORIGIN``).
    :param serve_path: the endpoint's path within the app (``INNGEST_SERVE_PATH``).
    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises FunctionConfigInvalidError: no functions, or two of one id.
    """
    handler = Handler(
        client,
        functions,
        ServeOptions(
            framework=FRAMEWORK,
            enable_unauthed_sync=enable_unauthed_sync,
            public_path=public_path,
            serve_origin=serve_origin,
            serve_path=serve_path,
        ),
    )

    def inngest_endpoint() -> flask.Response:
        return to_flask(handler.handle_sync(from_flask(flask.request)))

    app.add_url_rule(
        handler.mount_path,
        endpoint=f"inngest_{client.app_id}",
        view_func=inngest_endpoint,
        methods=["GET", "POST", "PUT"],
    )


__all__ = ["FRAMEWORK", "serve"]
