"""Announces this wheel to the core."""

from __future__ import annotations

from typing import Any

from inngest.plugins import Transport, hookimpl


class DigitalOceanPlugin:
    """The DigitalOcean transport."""

    api_version = 1

    @hookimpl
    def inngest_transports(self) -> list[Transport]:
        return [
            Transport(
                name="digital-ocean",
                kind="serverless",
                framework="digitalocean",
                distribution="inngest-digitalocean",
                accepts=_accepts_none,
                serve=_serve,
            )
        ]


def _accepts_none(_app: object) -> bool:
    """A serverless function has no app: ``main = inngest.digital_ocean.serve(...)``."""
    return False


def _serve(_app: object, *args: Any, **options: Any) -> object:
    from inngest.digital_ocean import serve

    return serve(*args, **options)


plugin = DigitalOceanPlugin()
