"""Check environment variables: mode, keys, origins. No key is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from inngest._internal.cli.finding import Finding
from inngest._internal.client.config import ClientConfig, resolve
from inngest._internal.client.origin import parse_origin
from inngest._internal.errors import Error
from inngest._internal.http.options import ServeOptions
from inngest._internal.plugins import switches
from inngest._internal.protocol.signature import SigningKey
from inngest._internal.types import ServerKind

_DEV_VALUES = re.compile(
    r"|0|1|true|false|localhost|https?://\S+|(?=[^/]*[.:])[A-Za-z0-9.-]+(:\d+)?(/\S*)?",
    re.IGNORECASE,
)


def check_environment(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Describe the client that these variables configure."""
    config = resolve(environ=environ)
    if isinstance(config, Error):
        yield Finding(level="problem", subject="configuration", text=config.message)
        return
    yield _mode(config, environ)
    yield from _signing_keys(config)
    yield _event_key(config)
    if config.env:
        yield Finding(level="ok", subject="branch environment", text=config.env)
    yield from _serving(environ)
    if config.mode is ServerKind.CLOUD:
        yield from _unsigned_syncs(environ)
    yield from _switches(environ)


def _mode(config: ClientConfig, environ: Mapping[str, str]) -> Finding:
    raw = environ.get("INNGEST_DEV")
    text = f"{config.mode.label}; API at {config.api_origin}, events to {config.event_api_origin}"
    if raw is not None and not _DEV_VALUES.fullmatch(raw.strip()):
        return Finding(
            level="warning",
            subject="mode",
            text=f"{text}; INNGEST_DEV has a value that is neither a flag nor a URL, "
            "which turns dev mode on",
            advice="set INNGEST_DEV to 1, to 0, or to the origin of a Dev Server",
        )
    if raw is None and config.mode is ServerKind.CLOUD:
        advice = "for a Dev Server set INNGEST_DEV=1" if config.signing_key is None else ""
        return Finding(level="ok", subject="mode", text=text, advice=advice)
    return Finding(level="ok", subject="mode", text=text)


def _signing_keys(config: ClientConfig) -> Iterator[Finding]:
    subject = "signing key"
    if config.mode is ServerKind.DEV_SERVER:
        text = config.signing_key_text
        if text and isinstance(SigningKey.parse(text), Error):
            yield Finding(
                level="warning",
                subject=subject,
                text="INNGEST_SIGNING_KEY is malformed; a Dev Server needs none, but the cloud does",
            )
        else:
            yield Finding(level="ok", subject=subject, text="not needed for a Dev Server")
        return
    if config.signing_key is None:
        yield Finding(
            level="problem",
            subject=subject,
            text="cloud mode requires one, but INNGEST_SIGNING_KEY is not set",
            advice="copy it from the Inngest dashboard, or set INNGEST_DEV=1 for a Dev Server",
        )
    else:
        yield Finding(
            level="ok", subject=subject, text="INNGEST_SIGNING_KEY is set, and well-formed"
        )
    if config.signing_key_fallback is not None:
        same = config.signing_key == config.signing_key_fallback
        yield Finding(
            level="warning" if same else "ok",
            subject="fallback key",
            text="it is the signing key itself" if same else "set, and well-formed",
            advice="set INNGEST_SIGNING_KEY_FALLBACK to the old or the next key" if same else "",
        )


def _event_key(config: ClientConfig) -> Finding:
    subject = "event key"
    if config.event_key:
        return Finding(level="ok", subject=subject, text="INNGEST_EVENT_KEY is set")
    if config.mode is ServerKind.DEV_SERVER:
        return Finding(level="ok", subject=subject, text="not needed for a Dev Server")
    return Finding(
        level="warning",
        subject=subject,
        text="INNGEST_EVENT_KEY is not set: the app can be called, but cannot send events",
        advice="create one in the Inngest dashboard",
    )


def _serving(environ: Mapping[str, str]) -> Iterator[Finding]:
    options = ServeOptions(framework="doctor", environ=environ)
    problem = options.problem()
    if problem is not None:
        yield Finding(level="problem", subject="path", text=problem.message)
    if options.origin is not None:
        origin = parse_origin(options.origin, source="INNGEST_SERVE_ORIGIN")
        if isinstance(origin, Error):
            yield Finding(level="problem", subject="public origin", text=origin.message)
        else:
            yield Finding(level="ok", subject="public origin", text=origin)


def _unsigned_syncs(environ: Mapping[str, str]) -> Iterator[Finding]:
    options = ServeOptions(framework="doctor", environ=environ)
    if not options.allows_unauthed_sync:
        return
    variable, subject = "INNGEST_ENABLE_UNAUTHED_SYNC", "unsigned syncs"
    text = "anyone may trigger a registration of the app"
    if environ[variable].strip().lower() not in ("1", "true"):
        yield Finding(
            level="warning",
            subject=subject,
            text=f"{text}: {variable} has a value that is neither 1 nor 0",
            advice=f"set {variable} to 1, or to 0",
        )
    elif options.origin is None:
        yield Finding(
            level="warning",
            subject=subject,
            text=f"{text}, under any host: the server would call it there, with signed requests",
            advice="set INNGEST_SERVE_ORIGIN",
        )
    else:
        yield Finding(level="ok", subject=subject, text=text)


def _switches(environ: Mapping[str, str]) -> Iterator[Finding]:
    parsed = switches.parse(None, environ)
    if isinstance(parsed, Error):
        yield Finding(level="problem", subject="plugin switches", text=parsed.message)
