"""Which hosts are this machine, and which pages are of another site. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


def is_host(text: str) -> bool:
    """Whether a header ``host`` names a host, and no other part of the URL that is made with it."""
    return _HOST.fullmatch(text) is not None


def is_foreign_page(origin: str | None, host: str) -> bool:
    """Whether a page of another site has a browser on the developer's machine make a request.

    Servers name no origin. Pages of this machine, and of the app's own host, do as they like.

    :param origin: the header of this name.
    :param host: the header of this name, which may have a port.
    """
    if origin is None:
        return False
    try:
        name, own = urlsplit(origin).hostname or "", urlsplit(f"//{host}").hostname
    except ValueError:
        return True
    return name != own and name not in THIS_MACHINE and not name.endswith(".localhost")


__all__ = ["THIS_MACHINE", "is_foreign_page", "is_host"]
