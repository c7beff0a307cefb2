"""Which hosts are this machine, and which pages are of another site. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
_PRIVATE: Final = (".internal", ".localhost", ".test")
"""Endings of names that nobody else can own: containers and tests use them."""
_ADDRESS: Final = re.compile(r"[0-9.]+|.*:.*")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


def is_host(text: str) -> bool:
    """Whether a header ``host`` names a host, and no other part of the URL that is made with it."""
    return _HOST.fullmatch(text) is not None


def is_foreign_page(origin: str | None, host: str) -> bool:
    """Whether a page of another site has a browser on the developer's machine make a request.

    Servers name no origin. Pages of this machine do as they like, and so do those of the app's
    own host; but not of a host with a public name, which a stranger may have led here (DNS
    rebinding): to the browser its page is of the same origin.

    :param origin: the header of this name.
    :param host: the header of this name, which may have a port.
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
    """Whether it is the name of a host that a stranger may own, and lead to this machine.

    :param name: in lower case, without a port.
    """
    return "." in name and not (_ADDRESS.fullmatch(name) or name.endswith(_PRIVATE))


__all__ = ["THIS_MACHINE", "is_foreign_page", "is_host", "is_public_name"]
