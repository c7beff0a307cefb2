"""Announces this wheel to the core."""

from __future__ import annotations

from collections.abc import Mapping

from inngest.plugins import MiddlewareEntry, NotConfigured, hookimpl

ORDER = -100
"""Outside other middleware: it sees last what leaves, and first what comes in."""


class EncryptionPlugin:
    """End-to-end encryption."""

    api_version = 1

    @hookimpl
    def inngest_middleware(
        self, options: Mapping[str, object], environ: Mapping[str, str]
    ) -> list[MiddlewareEntry] | NotConfigured:
        from inngest.encryption._settings import KEY, make

        factory = make(options, environ)
        if factory is None:
            return NotConfigured(reason=f"set {KEY}, or plugin_options")
        return [MiddlewareEntry(name="encryption", order=ORDER, factory=factory)]


plugin = EncryptionPlugin()
