"""Recognize this machine's host names, and requests by web pages of other sites. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
_PRIVATE: Final = (".internal", ".localhost", ".test")
"""Reserved name endings, which nobody can register: used by containers and tests."""
_ADDRESS: Final = re.compile(r"[0-9.]+|.*:.*")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


def is_host(text: str) -> bool:
    """Return whether a ``Host`` header contains just a host and a port, if any."""
    return _HOST.fullmatch(text) is not None


def is_foreign_page(origin: str | None, host: str) -> bool:
    """Return whether a web page of another site made a browser send this request.

    The Inngest server sends no ``Origin``. Pages of this machine are allowed, and so are those of
    the app's own host, unless its name is public: with DNS rebinding an attacker's name resolves
    to this machine, and its pages have the same origin as the app.

    :param origin: the ``Origin`` header.
    :param host: the ``Host`` header, with or without a port.
    """
    if origin is None:
        return False
    try:
        name, own = urlsplit(origin).hostname or "", urlsplit(f"//{host}").hostname
    except ValueError:
        return True
    if name in THIS_MACHINE or name.endswith(".localhost"):
        return False
    return name != own or is_public_name(name)


def is_public_name(name: str) -> bool:
    """Return whether ``name`` may be a public DNS name, which an attacker could own.

    :param name: a host name in lower case, without a port.
    """
    return "." in name and not (_ADDRESS.fullmatch(name) or name.endswith(_PRIVATE))


__all__ = ["THIS_MACHINE", "is_foreign_page", "is_host", "is_public_name"]
