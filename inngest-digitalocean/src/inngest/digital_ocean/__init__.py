"""Serve Inngest functions from a DigitalOcean Function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from inngest import Function, Inngest
from inngest.digital_ocean._convert import Result, from_event, to_result
from inngest.transport import Handler, ServeOptions

FRAMEWORK = "digitalocean"

Main: TypeAlias = Callable[[dict[str, object], Any], Result]


def serve(
    client: Inngest,
    functions: list[Function[Any]],
    *,
    enable_unauthed_sync: bool | None = None,
    public_path: str | None = None,
    serve_origin: str | None = None,
    serve_path: str | None = None,
) -> Main:
    """Make the ``main`` that the Inngest server calls. Its function needs ``web: raw``.

    Sync and async functions run where DigitalOcean runs ``main``. It cannot stream.

    :param client: the client that the functions belong to.
    :param functions: all functions of the app.
    :param enable_unauthed_sync: let anyone ask a cloud-mode app to register its
        functions (``INNGEST_ENABLE_UNAUTHED_SYNC``).
    :param public_path: the endpoint's path as the server sees it, behind a proxy.
    :param serve_origin: the app's public origin (``INNGEST_SERVE_ORIGIN``).
    :param serve_path: the endpoint's path within the app (``INNGEST_SERVE_PATH``).
    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises FunctionConfigInvalidError: two functions of one id.
    :raises URLInvalidError: the origin, or a path, cannot be used.
    :raises PluginError: a plugin that was asked for by name fails.
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

    def main(event: dict[str, object], context: Any) -> Result:
        request = from_event(event, context)
        if isinstance(request, str):
            return to_result(handler.refuse(request))
        return to_result(handler.handle_sync(request))

    return main


__all__ = ["FRAMEWORK", "serve"]
