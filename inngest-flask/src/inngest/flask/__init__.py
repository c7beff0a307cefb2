"""Serve Inngest functions from a Flask app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest import Function, Inngest
from inngest.transport import Handler, ServeOptions, Streaming

if TYPE_CHECKING:
    import flask

FRAMEWORK = "flask"


def serve(
    app: flask.Flask | flask.Blueprint,
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

    Sync functions run on the request's thread. Async ones run there too, each request on
    an event loop of its own, so ``flask[async]`` is not needed. With streaming, either
    runs on a thread beside it, in an application context of its own.

    :param app: the Flask app, or a blueprint that is registered with one afterwards.
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
    from inngest.flask._convert import app_context, endpoint_name, view_of

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
        surroundings=app_context,
    )
    app.add_url_rule(
        handler.mount_on(app),
        endpoint=endpoint_name(app, client.app_id, handler.mount_path),
        view_func=view_of(handler),
        methods=["GET", "POST", "PUT"],
    )


class InngestExtension:
    """The endpoint as an extension, for apps that are made by a factory.

        background = inngest.flask.InngestExtension(client, [greet])

        def create_app() -> flask.Flask:
            app = flask.Flask(__name__)
            background.init_app(app)
            return app

    :param options: the keyword arguments of :func:`serve`.
    """

    def __init__(self, client: Inngest, functions: list[Function[Any]], **options: Any) -> None:
        self.client = client
        self.functions = functions
        self._options = options

    def init_app(self, app: flask.Flask | flask.Blueprint) -> None:
        """Mount the endpoint; see :func:`serve`."""
        serve(app, self.client, self.functions, **self._options)


__all__ = ["FRAMEWORK", "InngestExtension", "serve"]
