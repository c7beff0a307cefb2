"""Announces this wheel to the core."""

from __future__ import annotations

from typing import Any

from inngest.plugins import Transport, hookimpl, instance_of


class FastAPIPlugin:
    """The FastAPI transport."""

    api_version = 1

    @hookimpl
    def inngest_transports(self) -> list[Transport]:
        return [
            Transport(
                name="fast-api",
                kind="http",
                framework="fast_api",
                distribution="inngest-fastapi",
                accepts=instance_of("fastapi.FastAPI", "fastapi.APIRouter"),
                serve=_serve,
            )
        ]


def _serve(*args: Any, **options: Any) -> object:
    from inngest.fast_api import serve

    return serve(*args, **options)  # type: ignore[func-returns-value]


plugin = FastAPIPlugin()
