"""Announces this wheel to the core."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inngest.plugins import MiddlewareEntry, hookimpl

ORDER = -200
"""Outside all other middleware, encryption too: it times them all, and sees no value."""


class OpenTelemetryPlugin:
    """Traces, metrics and the context of logs."""

    api_version = 1

    @hookimpl
    def inngest_middleware(self, options: Mapping[str, Any]) -> list[MiddlewareEntry]:
        from inngest.otel._middleware import OpenTelemetryMiddleware

        factory = OpenTelemetryMiddleware.factory(**options)
        return [MiddlewareEntry(name="otel", order=ORDER, factory=factory)]


plugin = OpenTelemetryPlugin()
