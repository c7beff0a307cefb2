"""Tokens that let in whoever shows them: JSON Web Tokens, HS256. Pure: key and time are given."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence

from inngest.dev._internal.model.durations import HOUR, MINUTE
from inngest.dev._internal.model.ids import ACCOUNT, ENVIRONMENT, new_ulid
from inngest.dev._internal.model.values import Json

SUBSCRIPTION_LIFE = MINUTE
STREAM_LIFE = 16 * MINUTE
RUN_LIFE = HOUR
_REALTIME, _RUNS, _RUN_CLAIM = "rt.inngest.com", "api.inngest.com", "run-claim"
_HEADER = {"alg": "HS256", "typ": "JWT"}


def token_key(signing_key: str | None, secret: bytes) -> bytes:
    """The key that an engine signs its tokens with: the same after a restart.

    :param secret: the store's, for an engine without a signing key. A token is all that keeps
        pages of other sites from listening, so nobody else may be able to make one.
    """
    key = secret if signing_key is None else signing_key.encode()
    return hashlib.sha256(b"inngest-dev tokens " + key).digest()


def subscription_token(
    key: bytes, topics: Sequence[Mapping[str, Json]], now: int, *, life: int = SUBSCRIPTION_LIFE
) -> str:
    """A token for listening to topics, each of which has a channel, a name and a kind."""
    claims = {
        "iss": _REALTIME,
        "sub": ACCOUNT,
        "exp": (now + life) // 1000,
        "iat": now // 1000,
        "jti": new_ulid(now),
        "env": ENVIRONMENT,
        "topics": [
            {
                "kind": topic.get("kind", ""),
                "env_id": ENVIRONMENT,
                "channel": topic.get("channel", ""),
                "name": topic.get("name", ""),
            }
            for topic in topics
        ],
        "publish": False,
    }
    return _signed(key, claims)


def stream_token(key: bytes, run_id: str, now: int) -> str:
    """A token for listening to what a run streams."""
    topic = {"kind": "run", "channel": run_id, "name": "$stream"}
    return subscription_token(key, [topic], now, life=STREAM_LIFE)


def run_token(key: bytes, run_id: str, now: int) -> str:
    """A token for the output of a run."""
    claims = {
        "iss": _RUNS,
        "sub": _RUN_CLAIM,
        "exp": (now + RUN_LIFE) // 1000,
        "iat": now // 1000,
        "Env": ENVIRONMENT,
        "RunID": run_id,
    }
    return _signed(key, claims)


def topics_of(key: bytes, token: str, now: int) -> set[tuple[str, str]] | None:
    """Channel and name of each topic that a token is for; None when it lets nobody in."""
    claims = _claims(key, token, now)
    if claims is None or claims.get("iss") != _REALTIME:
        return None
    return {(str(topic["channel"]), str(topic["name"])) for topic in claims["topics"]}


def is_for_run(key: bytes, token: str, run_id: str, now: int) -> bool:
    claims = _claims(key, token, now)
    return (
        claims is not None
        and (claims.get("iss"), claims.get("sub")) == (_RUNS, _RUN_CLAIM)
        and claims.get("RunID") == run_id
    )


def _signed(key: bytes, claims: Mapping[str, Json]) -> str:
    signed = f"{_encode(_dump(_HEADER))}.{_encode(_dump(claims))}"
    return f"{signed}.{_encode(_mac(key, signed))}"


def _claims(key: bytes, token: str, now: int) -> dict[str, Json] | None:
    """The claims of a token; None unless this key has signed it and it has not expired."""
    signed, dot, mac = token.rpartition(".")
    header, second_dot, claims = signed.partition(".")
    if not dot or not second_dot or not token.isascii():
        return None
    try:
        if not hmac.compare_digest(_decode(mac), _mac(key, signed)):
            return None
        decoded_header, claimed = json.loads(_decode(header)), json.loads(_decode(claims))
    except (binascii.Error, ValueError):
        return None
    if (
        decoded_header != _HEADER
        or not isinstance(claimed, dict)
        or claimed.get("exp", 0) * 1000 <= now
    ):
        return None
    return claimed


def _mac(key: bytes, signed: str) -> bytes:
    return hmac.new(key, signed.encode("ascii"), hashlib.sha256).digest()


def _dump(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
