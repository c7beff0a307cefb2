"""Which text is a URL that can be called. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_url(text: str, schemes: tuple[str, ...] = ("http", "https")) -> bool:
    """Whether it is a URL of one of these schemes, with a host and, if any, a port there can be."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False
