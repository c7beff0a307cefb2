"""Prove and check who sent a body. Pure: the caller brings the clock. PROTOCOL section 4.

The key of the MAC is the *text* of the signing key without its prefix; the bearer token
is the hash of the *bytes* that this text spells in hex.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NoReturn

from inngest._internal.errors import (
    HeaderMissingError,
    SigningKeyInvalidError,
    SigVerificationFailedError,
)
from inngest._internal.protocol.canonical import canonicalize

WINDOW_SECONDS: Final = 300
"""A signature holds this long, before and after its time."""

MAX_CANONICALIZED_BYTES: Final = 4 * 1024 * 1024 + 64 * 1024
"""Servers send at most 4 MiB; larger bodies are not parsed before they are trusted."""

MAX_CANONICALIZED_MARKS: Final = 100_000
"""Commas and colons of a body that is parsed before it is trusted: a fifth of a second.

Servers send the canonical form, in which a body may hold as many as it likes.
"""

_PREFIX = re.compile(r"signkey-\w+-", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_TIME = re.compile(r"[0-9]{1,12}")
_MAC = re.compile(r"[0-9a-f]{64}")
_USUAL = re.compile(f"t=({_TIME.pattern})&s=({_MAC.pattern})")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing key, ready for use. Neither ``repr`` nor any message shows it."""

    mac_key: bytes = field(repr=False)
    bearer: str = field(repr=False)
    """SHA-256 of the key, in hex: what REST calls and introspection carry."""

    @classmethod
    def parse(cls, text: str) -> SigningKey | SigningKeyInvalidError:
        """Read ``signkey-<env>-<hex>``, or the bare hex. Outer white space is ignored."""
        text = text.strip()
        prefix = _PREFIX.match(text)
        bare = text[prefix.end() :] if prefix else text
        if not _HEX.fullmatch(bare):
            return SigningKeyInvalidError(
                "the signing key does not have the form signkey-<env>-<hex>; "
                "copy it again from the Inngest dashboard"
            )
        return cls(
            mac_key=bare.encode("ascii"),
            bearer=hashlib.sha256(bytes.fromhex(bare)).hexdigest(),
        )


def sign(key: SigningKey, body: bytes, now: float) -> str:
    """Sign the exact bytes of an answer; returns the value of ``x-inngest-signature``."""
    stamp = str(int(now))
    return f"t={stamp}&s={_mac(key, body, stamp).decode('ascii')}"


def verify(
    keys: Sequence[SigningKey], *, header: str | None, body: bytes, now: float
) -> SigningKey | HeaderMissingError | SigVerificationFailedError:
    """Return the key among ``keys`` that signed ``body``; an answer is signed with it.

    Form and time of the header are checked before the body is touched, and the body is
    parsed only if its bytes are not in canonical form already, as servers send them.
    """
    if not header:
        return HeaderMissingError(
            "cloud mode needs a signed request, but the x-inngest-signature header is "
            "missing; for a Dev Server set INNGEST_DEV=1"
        )
    parts = _parts(header)
    if parts is None:
        return SigVerificationFailedError(
            "the x-inngest-signature header does not have the form t=<seconds>&s=<hex>"
        )
    stamp, offered = parts
    if abs(now - int(stamp)) > WINDOW_SECONDS:
        return SigVerificationFailedError(
            f"the signature is more than {WINDOW_SECONDS} seconds old or early; "
            "check the clock of this host"
        )
    for form in _forms(body):
        for key in keys:
            if hmac.compare_digest(_mac(key, form, stamp), offered):
                return key
    return SigVerificationFailedError(
        "the signature fits none of the signing keys; check INNGEST_SIGNING_KEY"
    )


def _parts(header: str) -> tuple[str, bytes] | None:
    usual = _USUAL.fullmatch(header)
    if usual is not None:
        return usual[1], usual[2].encode("ascii")
    fields: dict[str, str] = {}
    for part in header.split("&", 8):
        name, _, value = part.partition("=")
        fields[name] = value
    stamp, offered = fields.get("t", ""), fields.get("s", "")
    if not _TIME.fullmatch(stamp) or not _MAC.fullmatch(offered):
        return None
    return stamp, offered.encode("ascii")


def _forms(body: bytes) -> Iterator[bytes]:
    """The body as it came, then in canonical form where that is another one."""
    yield body
    if not body or len(body) > MAX_CANONICALIZED_BYTES:
        return
    if body.count(b",") + body.count(b":") > MAX_CANONICALIZED_MARKS:
        return
    try:
        canonical = canonicalize(json.loads(body, parse_constant=_refuse))
    except (ValueError, RecursionError):
        return
    if canonical != body:
        yield canonical


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"not JSON: {constant}")


def _mac(key: SigningKey, body: bytes, stamp: str) -> bytes:
    mac = _prepared(key.mac_key).copy()
    mac.update(body)
    mac.update(stamp.encode("ascii"))
    return mac.hexdigest().encode("ascii")


@lru_cache(maxsize=16)
def _prepared(mac_key: bytes) -> hmac.HMAC:
    """To be copied: with OpenSSL 3 a new one takes longer than the MAC of a small body."""
    return hmac.new(mac_key, digestmod=hashlib.sha256)
