"""Announces this wheel to the core."""

from __future__ import annotations

from typing import Any

from inngest.plugins import Transport, hookimpl


class ConnectPlugin:
    """The transport that asks for no way in: the worker opens the connection itself."""

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
    """Whether ``inngest.serve(app, ...)`` means a worker: there is no app to know it by."""
    return app == "connect"


def _serve(_app: object, client: Any, functions: Any, **options: Any) -> object:
    from inngest.connect import connect

    return connect([(client, list(functions))], **options)


plugin = ConnectPlugin()
