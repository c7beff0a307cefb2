"""Where a gateway is, as the API or the owner of a worker says. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from inngest.connect._internal.errors import ConnectError

THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
"""What runs here, such as a dev server, is not behind the environment's proxy."""


def rewritten(endpoint: str, rewrite: Callable[[str], str]) -> str | ConnectError | None:
    """The URL to open, as the owner of the worker will have it.

    :returns: ``None`` if what the API says is no URL of a WebSocket; an error if what the owner
        makes of it is none.
    """
    try:
        url = rewrite(endpoint)
    except Exception as error:
        return ConnectError(f"rewrite_gateway_endpoint raised {error!r}")
    if is_socket_url(url):
        return url
    if url == endpoint:
        return None
    return ConnectError(
        f"rewrite_gateway_endpoint gave {url!r}; a URL such as {endpoint!r} is needed"
    )


def is_socket_url(url: object) -> bool:
    """Whether a WebSocket can be opened there."""
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half of an address
        return False


def readable_host(url: str) -> str | None:
    """The host and port that a socket goes to without TLS, if not to this machine."""
    parts = urlsplit(url)
    is_readable = parts.scheme == "ws" and parts.hostname not in THIS_MACHINE
    return parts.netloc.rpartition("@")[2] if is_readable else None
