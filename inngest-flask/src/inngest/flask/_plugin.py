"""Announces this wheel to the core."""

from __future__ import annotations

from typing import Any

from inngest.plugins import Transport, hookimpl, instance_of


class FlaskPlugin:
    """The Flask transport."""

    api_version = 1

    @hookimpl
    def inngest_transports(self) -> list[Transport]:
        return [
            Transport(
                name="flask",
                kind="http",
                framework="flask",
                distribution="inngest-flask",
                accepts=instance_of("flask.Flask", "flask.Blueprint"),
                serve=_serve,
            )
        ]


def _serve(*args: Any, **options: Any) -> object:
    from inngest.flask import serve

    return serve(*args, **options)  # type: ignore[func-returns-value]


plugin = FlaskPlugin()
