"""Announces what this distribution offers. Imports neither Falcon nor msgspec."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from inngest.plugins import (
    MiddlewareEntry,
    NotConfigured,
    SerializerEntry,
    Transport,
    hookimpl,
    instance_of,
)


class AcmePlugin:
    """Falcon, an audit log, msgspec."""

    api_version = 1

    @hookimpl
    def inngest_transports(self) -> list[Transport]:
        return [
            Transport(
                name="falcon",
                kind="http",
                framework="falcon",
                distribution="acme-inngest",
                accepts=instance_of("falcon.App"),
                serve=_serve,
            )
        ]

    @hookimpl
    def inngest_middleware(
        self, options: Mapping[str, object]
    ) -> list[MiddlewareEntry] | NotConfigured:
        from acme_inngest.audit import audit_to

        file = options.get("audit_file") or os.environ.get("ACME_AUDIT_FILE")
        if not file:
            return NotConfigured(
                reason='set ACME_AUDIT_FILE, or plugin_options={"acme": {"audit_file": ...}}'
            )
        return [MiddlewareEntry(name="acme-audit", order=100, factory=audit_to(str(file)))]

    @hookimpl
    def inngest_serializers(self) -> list[SerializerEntry]:
        return [SerializerEntry(name="msgspec", serializer=_Msgspec())]


class _Msgspec:
    """The serializer; it imports msgspec when it is first used."""

    def serialize(self, obj: object, typ: object) -> object:
        from acme_inngest.serializer import serialize

        return serialize(obj)

    def deserialize(self, obj: object, typ: object) -> object:
        from acme_inngest.serializer import deserialize

        return deserialize(obj, typ)


def _serve(*args: Any, **options: Any) -> None:
    from acme_inngest.falcon import serve

    serve(*args, **options)


plugin = AcmePlugin()
