"""How an app is reached, what it trusts, and how its answers are sent."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from inngest._internal.environment import is_truthy
from inngest._internal.errors import URLInvalidError
from inngest._internal.http.streaming import Streaming

DEFAULT_SERVE_PATH = "/api/inngest"
DEFAULT_THREADS = 40
_PATH = re.compile(r"(?!/*[A-Za-z][A-Za-z0-9+.-]*:)[^\s?#\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How an app is reached, and what it trusts. Arguments win over the environment."""

    framework: str
    enable_unauthed_sync: bool | None = None
    public_path: str | None = None
    serve_origin: str | None = None
    serve_path: str | None = None
    streaming: Streaming | None = None
    keep_alive_seconds: float | None = None
    """How often a streamed answer shows that it is alive."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def settled(self) -> ServeOptions:
        """With what the environment says now, but for the address: a sync asks for it again."""
        return replace(
            self,
            enable_unauthed_sync=self.allows_unauthed_sync,
            streaming=Streaming.FORCE if self.is_streaming else Streaming.DISABLE,
        )

    @property
    def origin(self) -> str | None:
        """The public origin, when the app cannot know it from a request."""
        return self.serve_origin or self.environ.get("INNGEST_SERVE_ORIGIN") or None

    @property
    def mount_path(self) -> str:
        """The path of the endpoint within the framework. It begins with a slash."""
        path = self.serve_path or self.environ.get("INNGEST_SERVE_PATH") or DEFAULT_SERVE_PATH
        return "/" + path.lstrip("/")

    def problem(self) -> URLInvalidError | None:
        """What is wrong with the paths, if anything."""
        given: dict[str, object] = {
            "serve_path (INNGEST_SERVE_PATH)": self.serve_path
            or self.environ.get("INNGEST_SERVE_PATH"),
            "public_path": self.public_path,
        }
        for source, path in given.items():
            if path and (not isinstance(path, str) or not _PATH.fullmatch(path)):
                return URLInvalidError(
                    f"{source}: must be a path such as {DEFAULT_SERVE_PATH}, without a host, "
                    "a query, a fragment or spaces"
                )
        return None

    @property
    def known_path(self) -> str | None:
        """The public path, when the user gave one."""
        return self.public_path or self.serve_path or self.environ.get("INNGEST_SERVE_PATH") or None

    @property
    def allows_unauthed_sync(self) -> bool:
        """Whether anyone may ask a cloud-mode app to sync. Off unless asked for."""
        if self.enable_unauthed_sync is not None:
            return self.enable_unauthed_sync
        return is_truthy(self.environ.get("INNGEST_ENABLE_UNAUTHED_SYNC"))

    @property
    def is_streaming(self) -> bool:
        """Whether calls are answered with a stream. What the environment misspells is off."""
        if self.streaming is not None:
            return self.streaming == Streaming.FORCE
        return self.environ.get("INNGEST_STREAMING", "").strip().lower() in ("force", "allow")

    @property
    def max_threads(self) -> int:
        """How many sync functions run at once beside an event loop; 0: on the loop itself."""
        text = self.environ.get("INNGEST_THREAD_POOL_MAX_WORKERS", "").strip()
        return int(text) if text.isascii() and text.isdigit() else DEFAULT_THREADS
