"""Announces this wheel to the core."""

from __future__ import annotations

from typing import Any

from inngest.plugins import Transport, hookimpl, instance_of


class TornadoPlugin:
    """The Tornado transport."""

    api_version = 1

    @hookimpl
    def inngest_transports(self) -> list[Transport]:
        return [
            Transport(
                name="tornado",
                kind="http",
                framework="tornado",
                distribution="inngest-tornado",
                accepts=instance_of("tornado.web.Application"),
                serve=_serve,
            )
        ]


def _serve(*args: Any, **options: Any) -> object:
    from inngest.tornado import serve

    return serve(*args, **options)  # type: ignore[func-returns-value]


plugin = TornadoPlugin()
