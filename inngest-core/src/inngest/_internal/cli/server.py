"""Check that the server responds, and that the clocks agree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime

from inngest._internal.cli.finding import Finding
from inngest._internal.client.config import resolve
from inngest._internal.errors import Error
from inngest._internal.flow import FetchError, Request, Response
from inngest._internal.protocol.signature import WINDOW_SECONDS
from inngest._internal.runtime.http_clients import HTTPClients
from inngest._internal.types import ServerKind

NOTABLE_SECONDS = 30
"""The tolerated clock difference: ``Date`` has a resolution of a second, and latency adds up."""


def check_server(
    environ: Mapping[str, str], timeout: float, clock: Callable[[], float] = time.time
) -> Iterator[Finding]:
    """Accept any response; compare its ``Date`` with the local clock."""
    config = resolve(environ=environ)
    if isinstance(config, Error):
        return  # reported by check_environment()
    http = HTTPClients()
    try:
        is_dev = config.mode is ServerKind.DEV_SERVER
        for origin in dict.fromkeys(
            [config.api_origin.rstrip("/"), config.event_api_origin.rstrip("/")]
        ):
            url = f"{origin}/dev" if is_dev else f"{origin}/"
            sent = clock()
            answer = http.fetch(Request(method="GET", url=url, timeout=timeout))
            if isinstance(answer, FetchError):
                yield _unreachable(origin, answer, is_dev=is_dev)
            else:
                yield Finding(
                    level="ok", subject="server", text=f"{origin} answers ({answer.status})"
                )
                yield from _skew(origin, answer, (sent + clock()) / 2)
    finally:
        http.close()


def _unreachable(origin: str, answer: FetchError, *, is_dev: bool) -> Finding:
    name = type(answer.cause).__name__
    return Finding(
        level="problem",
        subject="server",
        text=f"{origin} does not answer: {name}: {answer.cause}",
        advice=(
            "start one (python -m inngest dev), or set INNGEST_DEV to the origin of yours"
            if is_dev
            else "check the network, proxies, and INNGEST_API_BASE_URL or INNGEST_BASE_URL"
        ),
    )


def _skew(origin: str, answer: Response, now: float) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (TypeError, ValueError):
        return
    skew = now - theirs
    if abs(skew) <= NOTABLE_SECONDS:
        yield Finding(level="ok", subject="clock", text=f"agrees with {origin}")
        return
    side = "ahead of" if skew > 0 else "behind"
    yield Finding(
        level="problem" if abs(skew) > WINDOW_SECONDS else "warning",
        subject="clock",
        text=f"this host's is {abs(skew):.0f} s {side} that of {origin}; "
        f"signatures hold for {WINDOW_SECONDS} s",
        advice="synchronize it (NTP)",
    )
