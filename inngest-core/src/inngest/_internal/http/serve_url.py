"""The URL that the server is told to call. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from inngest._internal.protocol.request import decode_json

_IN_PATHS: Final = "/%:@!$&'()*+,;=~"
"""What stands for itself in a path (RFC 3986, section 3.3); a percent has been written by others."""


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
    path = _written(parts.path)
    if public_path:
        path = "/" + _written(public_path.lstrip("/"))
    elif serve_path and not path.endswith("/" + _written(serve_path.lstrip("/"))):
        path = "/" + _written(serve_path.lstrip("/"))
    return urlunsplit((scheme, host, path, "", ""))


def _written(path: str) -> str:
    """As it is sent: frameworks differ in whether they tell it so."""
    return quote(path, safe=_IN_PATHS)


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
