"""Announces this wheel to the core."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from inngest.plugins import Transport, hookimpl, instance_of


class DjangoPlugin:
    """The Django transport."""

    api_version = 1

    @hookimpl
    def inngest_transports(self) -> list[Transport]:
        return [
            Transport(
                name="django",
                kind="http",
                framework="django",
                distribution="inngest-django",
                accepts=_is_urlpatterns,
                serve=_serve,
            )
        ]


def _is_urlpatterns(app: object) -> bool:
    """A list of routes, or one that a project's module is about to fill."""
    if not isinstance(app, list):
        return False
    return any(map(_is_pattern, app)) or (not app and "django.urls" in sys.modules)


_is_pattern: Callable[[object], bool] = instance_of("django.URLPattern", "django.URLResolver")


def _serve(app: list[Any], *args: Any, **options: Any) -> None:
    """Django's routes are what it gives to be extended: ``inngest.serve(urlpatterns, ...)``."""
    from inngest.django import serve

    app.append(serve(*args, **options))


plugin = DjangoPlugin()
