"""Decide where the servers are and with which keys: arguments first, then environment.

API sections 1.1 and 6, PROTOCOL section 1. What is empty counts as absent.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from inngest._internal.client.origin import looks_like_origin, parse_origin
from inngest._internal.duration import seconds
from inngest._internal.environment import is_truthy
from inngest._internal.errors import (
    EventKeyUnspecifiedError,
    FunctionConfigInvalidError,
    SigningKeyInvalidError,
    URLInvalidError,
)
from inngest._internal.protocol.signature import SigningKey
from inngest._internal.types import Duration, ServerKind

DEV_ORIGIN: Final = "http://127.0.0.1:8288/"
CLOUD_API_ORIGIN: Final = "https://api.inngest.com/"
CLOUD_EVENT_API_ORIGIN: Final = "https://inn.gs/"
DEFAULT_TIMEOUT: Final = 30.0
ANY_EVENT_KEY: Final = "NO_EVENT_KEY_SET"
"""A Dev Server asks for none in particular."""

_BRANCH_VARIABLES = (
    "INNGEST_ENV",
    "RAILWAY_GIT_BRANCH",
    "RENDER_GIT_BRANCH",
    "VERCEL_GIT_COMMIT_REF",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """Everything that is settled when a client is made. ``repr`` shows no key.

    An origin ends with a slash if it was given so, and the defaults do, as existing apps know them.
    """

    api_origin: str
    event_api_origin: str
    mode: ServerKind
    env: str | None
    event_key: str | None = field(repr=False)
    signing_key: SigningKey | None
    signing_key_text: str | None = field(repr=False)
    signing_key_fallback: SigningKey | None
    signing_key_fallback_text: str | None = field(repr=False)
    timeout: float
    """Seconds."""

    @property
    def signing_keys(self) -> tuple[SigningKey, ...]:
        """The keys to try, in order."""
        both = (self.signing_key, self.signing_key_fallback)
        return tuple(key for key in both if key is not None)

    @property
    def event_url(self) -> str | EventKeyUnspecifiedError:
        """Where to send events. It ends with the event key."""
        if self.event_key is None and self.mode is ServerKind.CLOUD:
            return EventKeyUnspecifiedError(
                "sending events needs an event key: set INNGEST_EVENT_KEY or "
                "Inngest(event_key=...), or INNGEST_DEV=1 for a Dev Server"
            )
        return f"{self.event_api_origin.rstrip('/')}/e/{self.event_key or ANY_EVENT_KEY}"


def resolve(
    *,
    environ: Mapping[str, str],
    api_base_url: str | None = None,
    event_api_base_url: str | None = None,
    env: str | None = None,
    event_key: str | None = None,
    is_production: bool | None = None,
    request_timeout: float | Duration | None = None,
    signing_key: str | None = None,
) -> ClientConfig | URLInvalidError | SigningKeyInvalidError:
    """Settle the configuration of a client.

    Cloud mode is the default. An invalid signing key is an error there; in dev mode,
    which uses none, it is ignored. A missing one is for the caller to report.

    :raises FunctionConfigInvalidError: ``request_timeout`` is not a positive time.
    """
    mode = _mode(is_production, environ)
    timeout = _seconds(request_timeout)
    is_cloud = mode is ServerKind.CLOUD
    api = _origin(
        ("api_base_url", api_base_url),
        "INNGEST_API_BASE_URL",
        environ,
        CLOUD_API_ORIGIN if is_cloud else DEV_ORIGIN,
        mode,
    )
    if isinstance(api, URLInvalidError):
        return api
    event_api = _origin(
        ("event_api_base_url", event_api_base_url),
        "INNGEST_EVENT_API_BASE_URL",
        environ,
        CLOUD_EVENT_API_ORIGIN if is_cloud else DEV_ORIGIN,
        mode,
    )
    if isinstance(event_api, URLInvalidError):
        return event_api
    key_text = signing_key or _read(environ, "INNGEST_SIGNING_KEY")
    fallback_text = _read(environ, "INNGEST_SIGNING_KEY_FALLBACK")
    key, fallback = _key(key_text, mode), _key(fallback_text, mode)
    if isinstance(key, SigningKeyInvalidError):
        return key
    if isinstance(fallback, SigningKeyInvalidError):
        return SigningKeyInvalidError(f"INNGEST_SIGNING_KEY_FALLBACK: {fallback.message}")
    return ClientConfig(
        api_origin=api,
        event_api_origin=event_api,
        mode=mode,
        env=env or next(filter(None, (_read(environ, v) for v in _BRANCH_VARIABLES)), None),
        event_key=event_key or _read(environ, "INNGEST_EVENT_KEY"),
        signing_key=key,
        signing_key_text=key_text,
        signing_key_fallback=fallback,
        signing_key_fallback_text=fallback_text,
        timeout=timeout,
    )


def _read(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name, "").strip() or None


def _mode(is_production: bool | None, environ: Mapping[str, str]) -> ServerKind:
    if is_production is None:
        is_production = not is_truthy(environ.get("INNGEST_DEV"))
    return ServerKind.CLOUD if is_production else ServerKind.DEV_SERVER


def _origin(
    argument: tuple[str, str | None],
    variable: str,
    environ: Mapping[str, str],
    default: str,
    mode: ServerKind,
) -> str | URLInvalidError:
    dev = _read(environ, "INNGEST_DEV")
    candidates = (
        argument,
        (variable, _read(environ, variable)),
        ("INNGEST_BASE_URL", _read(environ, "INNGEST_BASE_URL")),
        ("INNGEST_DEV", dev if dev and looks_like_origin(dev) else None),
    )
    # Dev Servers speak no TLS, those in another container either.
    scheme = "https" if mode is ServerKind.CLOUD else "http"
    for source, text in candidates:
        if text is not None and text != "":
            parsed = parse_origin(text, source=source, default_scheme=scheme)
            has_slash = isinstance(parsed, str) and text.rstrip().endswith("/")
            return f"{parsed}/" if has_slash else parsed
    return default


def _key(text: str | None, mode: ServerKind) -> SigningKey | SigningKeyInvalidError | None:
    if text is None:
        return None
    key = SigningKey.parse(text)
    if isinstance(key, SigningKeyInvalidError) and mode is ServerKind.DEV_SERVER:
        return None
    return key


def _seconds(timeout: object) -> float:
    if timeout is None:
        return DEFAULT_TIMEOUT
    try:
        if isinstance(timeout, float):  # what existing apps may have: milliseconds, too
            timeout = datetime.timedelta(milliseconds=timeout)
        length = seconds(cast(Duration, timeout))
    except (OverflowError, ValueError) as error:  # of a float: infinity, not a number
        raise FunctionConfigInvalidError(f"request_timeout: {error}") from None
    if length <= 0:
        raise FunctionConfigInvalidError("request_timeout: must be a positive time")
    return length
