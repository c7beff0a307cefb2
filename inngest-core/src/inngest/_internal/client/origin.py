"""Parse the origins that users configure: strictly, but the scheme is optional."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from inngest._internal.errors import URLInvalidError
from inngest._internal.hosts import THIS_MACHINE

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_PLAIN = re.compile(r"[\x21-\x7e]+")


def parse_origin(
    text: object, *, source: str, default_scheme: str = "https"
) -> str | URLInvalidError:
    """Return ``text`` with a scheme and without a trailing slash.

    A missing scheme becomes ``http`` for the local host, else ``default_scheme``. A path is kept.

    :param source: the option or variable to name in the error, which does not show its value.
    """
    if not isinstance(text, str):
        return _invalid(source, f"it is not a string, but a {type(text).__name__}")
    text = text.strip()
    if not _PLAIN.fullmatch(text):
        return _invalid(source, "it is empty, or has spaces or non-ASCII characters")
    has_scheme = "://" in text
    try:
        parts = urlsplit(text if has_scheme else f"https://{text}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        return _invalid(source, "it cannot be parsed")
    if not host or not _HOST.fullmatch(host):
        return _invalid(source, "it has no valid host")
    if parts.scheme not in ("http", "https"):
        return _invalid(source, "its scheme is neither http nor https")
    if "@" in parts.netloc or parts.query or parts.fragment:
        return _invalid(source, "it has credentials, a query or a fragment")
    scheme = parts.scheme
    if not has_scheme:
        scheme = "http" if host in THIS_MACHINE else default_scheme
    return f"{scheme}://{parts.netloc}{parts.path}".rstrip("/")


def looks_like_origin(text: str) -> bool:
    """Return whether ``text`` is an origin rather than a flag such as ``1`` or ``true``."""
    return text.strip().lower() == "localhost" or any(mark in text for mark in ":.")


def _invalid(source: str, reason: str) -> URLInvalidError:
    return URLInvalidError(
        f"{source} is not a valid URL: {reason}; it should look like https://host or localhost:8288"
    )
