"""Sign and verify bodies. Pure: the caller passes the time. PROTOCOL section 4.

The HMAC key is the *text* of the signing key without its prefix; the bearer token is the hash
of the *bytes* that this text encodes in hex.
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
"""The maximum difference between a signature's time and ours, in either direction."""

MAX_CANONICALIZED_BYTES: Final = 4 * 1024 * 1024 + 64 * 1024
"""The maximum size of a body that is parsed before it is trusted; servers send up to 4 MiB."""

MAX_CANONICALIZED_MARKS: Final = 100_000
"""The maximum number of commas and colons in such a body, which limits the parsing time to about
0.2 s. It does not apply to bodies in canonical form, which servers send: they are not parsed."""

_PREFIX = re.compile(r"signkey-\w+-", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_TIME = re.compile(r"[0-9]{1,12}")
_MAC = re.compile(r"[0-9a-f]{64}")
_USUAL = re.compile(f"t=({_TIME.pattern})&s=({_MAC.pattern})")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A parsed signing key. It is not shown by ``repr`` or in any message."""

    mac_key: bytes = field(repr=False)
    bearer: str = field(repr=False)
    """The SHA-256 of the key, in hex, as used in API requests and introspection."""

    @classmethod
    def parse(cls, text: str) -> SigningKey | SigningKeyInvalidError:
        """Parse ``signkey-<env>-<hex>``, or just the hex. Surrounding white space is ignored."""
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
    """Sign the exact bytes of a response; return the value of ``x-inngest-signature``."""
    stamp = str(int(now))
    return f"t={stamp}&s={_mac(key, body, stamp).decode('ascii')}"


def verify(
    keys: Sequence[SigningKey], *, header: str | None, body: bytes, now: float
) -> SigningKey | HeaderMissingError | SigVerificationFailedError:
    """Return the key among ``keys`` that signed ``body``, which also signs the response.

    The header's format and time are checked before the body is used. The body is parsed only if
    the signature does not match its bytes: servers sign the canonical form, and send it, too.
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
        "the signature matches none of the signing keys; check INNGEST_SIGNING_KEY"
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
    """Yield the body as received, then in canonical form if that differs."""
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
    """Return an HMAC to copy: with OpenSSL 3, creating one takes longer than a small body's MAC."""
    return hmac.new(mac_key, digestmod=hashlib.sha256)
