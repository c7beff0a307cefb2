"""Register the Connect transport with the core."""

from __future__ import annotations

from typing import Any

from inngest.plugins import Transport, hookimpl


class ConnectPlugin:
    """The plugin for the transport in which the app connects to the server."""

    api_version = 1

    @hookimpl
    def inngest_transports(self) -> list[Transport]:
        return [
            Transport(
                name="connect",
                kind="websocket",
                framework="connect",
                distribution="inngest-connect",
                accepts=is_connect,
                serve=_serve,
            )
        ]


def is_connect(app: object) -> bool:
    """Return whether ``inngest.serve(app, ...)`` means Connect: ``app`` is the string "connect"."""
    return app == "connect"


def _serve(_app: object, client: Any, functions: Any, **options: Any) -> object:
    from inngest.connect import connect

    return connect([(client, list(functions))], **options)


plugin = ConnectPlugin()
