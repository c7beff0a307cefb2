"""Validate URLs. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_url(text: str, schemes: tuple[str, ...] = ("http", "https")) -> bool:
    """Return whether it is a URL with one of these schemes, a host, and no invalid port."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False
