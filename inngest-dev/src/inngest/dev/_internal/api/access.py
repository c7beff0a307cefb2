"""Who may use an engine. Pure.

One with keys may be used by those who show the signing key as a bearer token, or the event key
in the path. One without keys may be used by every program that reaches it, but not by pages of
other sites: they could have the browser of a developer ask what their author cannot reach.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from urllib.parse import urlsplit

from inngest.transport import is_public_name


def may_call(signing_key: str | None, authorization: str) -> bool:
    """Whether a header shows the signing key.

    As for the self-hosted server, it may be plain or hashed, with or without its prefix.
    """
    if signing_key is None:
        return True
    prefix, bare = _parts(signing_key)
    given = authorization.removeprefix("Bearer ").strip()
    found = hashed(signing_key)
    return any(_same(given, key) for key in (bare, prefix + bare, found, prefix + found))


def hashed(signing_key: str) -> str:
    """The key in the form in which it is shown to others: it proves the key, but cannot sign."""
    _, bare = _parts(signing_key)
    try:
        return hashlib.sha256(bytes.fromhex(bare)).hexdigest()
    except ValueError:
        return hashlib.sha256(bare.encode()).hexdigest()


def may_send(event_key: str | None, given: str) -> bool:
    return event_key is None or _same(given, event_key)


def is_foreign_page(origin: str | None, host: str) -> bool:
    """Whether a page of another site made the request, as browsers say by the header `Origin`.

    Pages of the engine, and of any server on this machine, are not foreign.
    """
    if origin is None:
        return False
    try:
        name, own = urlsplit(origin).hostname or "", urlsplit(f"//{host}").hostname
    except ValueError:
        return True
    is_here = name == "localhost" or name.endswith(".localhost") or is_loopback(name)
    return name != own and not is_here


def is_foreign_name(host: str, own: str) -> bool:
    """Whether a request was sent to a name that a stranger may have given this machine.

    This is DNS rebinding: to the browser of a page with that name, the engine is of the page's
    own origin, so that the page may read all answers.

    :param host: the header.
    :param own: the host name that the engine listens on.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return True
    return name != own.lower() and is_public_name(name)


def _parts(signing_key: str) -> tuple[str, str]:
    """The prefix, which may be empty, and the rest."""
    found = re.match(r"signkey-\w+-", signing_key)
    prefix = found[0] if found else ""
    return prefix, signing_key[len(prefix) :]


def is_loopback(address: str) -> bool:
    """Whether it is an address that only this machine reaches."""
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "replace"), b.encode("utf-8", "replace"))
