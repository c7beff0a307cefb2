"""OpenTelemetry for Inngest functions: traces, metrics, and the run in each line of the log.

Installed, it works for every client and writes to the app's providers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest.otel._logs import RunLogFilter

if TYPE_CHECKING:
    from inngest.otel._middleware import OpenTelemetryMiddleware


if not TYPE_CHECKING:  # a type checker would take any name for one of ours

    def __getattr__(name: str) -> object:
        """OpenTelemetry is loaded by those who trace, not by those who look for plugins."""
        if name == "OpenTelemetryMiddleware":
            from inngest.otel._middleware import OpenTelemetryMiddleware

            return OpenTelemetryMiddleware
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["OpenTelemetryMiddleware", "RunLogFilter"]
