"""Where a gateway is, as the API or the owner of a worker says. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_socket_url(url: object) -> bool:
    """Whether a WebSocket can be opened there."""
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half of an address
        return False
