"""Middleware that somebody else than the app has added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest
    from inngest._internal.middleware.contract import UninitializedMiddleware


@dataclass(frozen=True, slots=True)
class OfPlugin:
    """A factory that a plugin has brought; errors name the plugin."""

    factory: UninitializedMiddleware
    plugin: str

    def __call__(self, client: Inngest, raw_request: object) -> Any:
        """Make the middleware."""
        return self.factory(client, raw_request)


__all__ = ["OfPlugin"]
