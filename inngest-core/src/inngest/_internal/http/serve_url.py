"""The URL that the server is told to call. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def serve_url(request_url: str, *, origin: str | None, path: str | None) -> str:
    """Build the app's URL from the one that was called and what the user knows better.

    :param origin: ``INNGEST_SERVE_ORIGIN``; without a scheme it means ``https``.
    :param path: the public path, when a proxy rewrites it.
    """
    parts = urlsplit(request_url)
    scheme, host = parts.scheme, parts.netloc
    if origin:
        if "://" not in origin:
            origin = f"https://{origin}"
        given = urlsplit(origin)
        scheme, host = given.scheme, given.netloc
    target = "/" + path.lstrip("/") if path else parts.path
    return urlunsplit((scheme, host, target, "", ""))
