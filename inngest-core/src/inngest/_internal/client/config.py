"""Resolve a client's configuration: its servers and keys, from arguments and the environment.

API sections 1.1 and 6, PROTOCOL section 1. Empty values count as absent.
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
"""The event key for a Dev Server, which accepts any."""

_BRANCH_VARIABLES = (
    "INNGEST_ENV",
    "RAILWAY_GIT_BRANCH",
    "RENDER_GIT_BRANCH",
    "VERCEL_GIT_COMMIT_REF",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """The resolved configuration of a client. Its ``repr`` shows no keys.

    Origins keep a trailing slash, and the default ones have it, as existing apps rely on that.
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
    """In seconds."""

    @property
    def signing_keys(self) -> tuple[SigningKey, ...]:
        """The signing keys, in the order in which they are tried."""
        both = (self.signing_key, self.signing_key_fallback)
        return tuple(key for key in both if key is not None)

    @property
    def event_url(self) -> str | EventKeyUnspecifiedError:
        """The URL for sending events, whose last segment is the event key."""
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
    """Resolve the configuration of a client.

    The default is cloud mode. There, an invalid signing key is an error; in dev mode, which uses
    none, it is ignored. A missing key is left to the caller to report.

    :raises FunctionConfigInvalidError: ``request_timeout`` is not a positive duration.
    """
    mode = _mode(is_production, environ)
    timeout = _timeout(request_timeout)
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
    # Dev Servers do not support TLS, even in another container.
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


def _timeout(timeout: object) -> float:
    if timeout is None:
        return DEFAULT_TIMEOUT
    try:
        if isinstance(timeout, float):  # existing apps may pass milliseconds as a float
            timeout = datetime.timedelta(milliseconds=timeout)
        length = seconds(cast(Duration, timeout))
    except (OverflowError, ValueError) as error:  # of the timedelta, for infinity or NaN
        raise FunctionConfigInvalidError(f"request_timeout: {error}") from None
    if length <= 0:
        raise FunctionConfigInvalidError("request_timeout: must be positive")
    return length
