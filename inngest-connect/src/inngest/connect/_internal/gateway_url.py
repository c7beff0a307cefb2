"""Validate and rewrite the URLs of gateways. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from inngest.connect._internal.errors import ConnectError

THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
"""Hosts that are reached without the environment's proxy, such as a dev server's."""


def rewritten(endpoint: str, rewrite: Callable[[str], str]) -> str | ConnectError | None:
    """Apply the user's ``rewrite`` to a gateway's URL.

    :returns: the URL to open; ``None`` if the API's URL is invalid and was not changed; an error
        if ``rewrite`` raised or returned an invalid URL.
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
        f"rewrite_gateway_endpoint returned {url!r}, not a URL such as {endpoint!r}"
    )


def is_socket_url(url: object) -> bool:
    """Return whether ``url`` is a valid ``ws`` or ``wss`` URL."""
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port or IPv6 address
        return False


def unencrypted_host(url: str) -> str | None:
    """Return the host and port of a remote gateway without TLS; ``None`` for any other URL."""
    parts = urlsplit(url)
    is_unencrypted = parts.scheme == "ws" and parts.hostname not in THIS_MACHINE
    return parts.netloc.rpartition("@")[2] if is_unencrypted else None
