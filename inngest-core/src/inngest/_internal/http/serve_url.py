"""The URL that is registered for an app. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from inngest._internal.protocol.request import decode_json

_IN_PATHS: Final = "/%:@!$&'()*+,;=~"
"""Not percent-encoded in paths (RFC 3986, section 3.3); a percent sign is encoded already."""


def serve_url(
    request_url: str,
    *,
    origin: str | None,
    public_path: str | None = None,
    serve_path: str | None = None,
) -> str:
    """Build the app's URL from the URL of a request and the configuration.

    :param origin: the configured origin, including its scheme.
    :param public_path: the path as the server sees it, if a proxy rewrites it.
    :param serve_path: the path within the app. It is ignored if the request's path ends with
        it, since the app may be mounted under a prefix that only the request contains.
    """
    parts = urlsplit(request_url)
    scheme, host = parts.scheme, parts.netloc
    if origin:
        given = urlsplit(origin)
        scheme, host = given.scheme, given.netloc
    path = _percent_encoded(parts.path)
    if public_path:
        path = "/" + _percent_encoded(public_path.lstrip("/"))
    elif serve_path and not path.endswith("/" + _percent_encoded(serve_path.lstrip("/"))):
        path = "/" + _percent_encoded(serve_path.lstrip("/"))
    return urlunsplit((scheme, host, path, "", ""))


def _percent_encoded(path: str) -> str:
    """Encode a path that the framework may or may not have decoded."""
    return quote(path, safe=_IN_PATHS)


def announced_url(body: bytes) -> str | None:
    """Return the URL by which the server says it calls the app, which a proxy may hide."""
    sync = decode_json(body)
    url = sync.get("url") if isinstance(sync, Mapping) else None
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None
