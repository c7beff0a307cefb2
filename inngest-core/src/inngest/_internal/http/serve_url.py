"""The URL that the server is told to call. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from inngest._internal.protocol.request import decode_json


def serve_url(
    request_url: str,
    *,
    origin: str | None,
    public_path: str | None = None,
    serve_path: str | None = None,
) -> str:
    """Build the app's URL from the one that was called and what the user knows better.

    :param origin: ``INNGEST_SERVE_ORIGIN``, with its scheme.
    :param public_path: the path as the server sees it, when a proxy rewrites it.
    :param serve_path: the path within the app. One that the request's path ends with says
        nothing new: the app may be mounted under a prefix, which only the request knows.
    """
    parts = urlsplit(request_url)
    scheme, host = parts.scheme, parts.netloc
    if origin:
        given = urlsplit(origin)
        scheme, host = given.scheme, given.netloc
    path = parts.path
    if public_path:
        path = "/" + public_path.lstrip("/")
    elif serve_path and not parts.path.endswith("/" + serve_path.lstrip("/")):
        path = "/" + serve_path.lstrip("/")
    return urlunsplit((scheme, host, path, "", ""))


def announced_url(body: bytes) -> str | None:
    """Return the URL that a server says it calls the app by: proxies may hide it from the app."""
    sync = decode_json(body)
    url = sync.get("url") if isinstance(sync, Mapping) else None
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None
