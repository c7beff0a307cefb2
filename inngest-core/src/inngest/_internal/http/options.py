"""How an app is served: its address, its trust in requests, and streaming."""

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
    """The options of ``serve``. Arguments take precedence over environment variables."""

    framework: str
    enable_unauthed_sync: bool | None = None
    public_path: str | None = None
    serve_origin: str | None = None
    serve_path: str | None = None
    streaming: Streaming | None = None
    keep_alive_seconds: float | None = None
    """The interval of the keep-alive chunks of a streamed response."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def settled(self) -> ServeOptions:
        """Resolve the environment variables now, except for the address, which each sync reads."""
        return replace(
            self,
            enable_unauthed_sync=self.allows_unauthed_sync,
            streaming=Streaming.FORCE if self.is_streaming else Streaming.DISABLE,
        )

    @property
    def origin(self) -> str | None:
        """The app's public origin, if it is configured."""
        return self.serve_origin or self.environ.get("INNGEST_SERVE_ORIGIN") or None

    @property
    def mount_path(self) -> str:
        """The endpoint's path within the framework, with a leading slash."""
        path = self.serve_path or self.environ.get("INNGEST_SERVE_PATH") or DEFAULT_SERVE_PATH
        return "/" + path.lstrip("/")

    def problem(self) -> URLInvalidError | None:
        """Return the error if a path is invalid."""
        paths: dict[str, object] = {
            "serve_path (INNGEST_SERVE_PATH)": self.serve_path
            or self.environ.get("INNGEST_SERVE_PATH"),
            "public_path": self.public_path,
        }
        for source, path in paths.items():
            if path and (not isinstance(path, str) or not _PATH.fullmatch(path)):
                return URLInvalidError(
                    f"{source}: must be a path such as {DEFAULT_SERVE_PATH}, without a host, "
                    "a query, a fragment or spaces"
                )
        return None

    @property
    def known_path(self) -> str | None:
        """The public path, if it is configured."""
        return self.public_path or self.serve_path or self.environ.get("INNGEST_SERVE_PATH") or None

    @property
    def allows_unauthed_sync(self) -> bool:
        """Whether cloud mode accepts unsigned sync requests. Off by default."""
        if self.enable_unauthed_sync is not None:
            return self.enable_unauthed_sync
        return is_truthy(self.environ.get("INNGEST_ENABLE_UNAUTHED_SYNC"))

    @property
    def is_streaming(self) -> bool:
        """Whether to stream responses to calls. Unknown values of the variable mean off."""
        if self.streaming is not None:
            return self.streaming == Streaming.FORCE
        return self.environ.get("INNGEST_STREAMING", "").strip().lower() in ("force", "allow")

    @property
    def max_threads(self) -> int:
        """The maximum number of threads for sync functions; 0 runs them on the event loop."""
        text = self.environ.get("INNGEST_THREAD_POOL_MAX_WORKERS", "").strip()
        return int(text) if text.isascii() and text.isdigit() else DEFAULT_THREADS
