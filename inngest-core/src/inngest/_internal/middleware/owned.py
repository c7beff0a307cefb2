"""Middleware that plugins add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest
    from inngest._internal.middleware.contract import UninitializedMiddleware


@dataclass(frozen=True, slots=True)
class OfPlugin:
    """A middleware factory from a plugin; errors name the plugin."""

    factory: UninitializedMiddleware
    plugin: str

    def __call__(self, client: Inngest, raw_request: object) -> Any:
        """Make the middleware."""
        return self.factory(client, raw_request)


__all__ = ["OfPlugin"]
