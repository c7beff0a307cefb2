"""URLs that hold an event key or a token: whoever watches httpx does not see them.

Its own log, Sentry, which hooks into the clients, and instrumentation by OpenTelemetry, which
hooks into their transports: each of them keeps the URL of every request.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import httpx

_SECRET: Final = re.compile(r"(/e/|[?&]token=)[^/?&#\s]+")
_REAL: Final = "inngest.url"
"""The extension of a request that holds the URL that it goes to."""


def veiled(url: str) -> dict[str, Any]:
    """The options of a request to ``url``, which shows it only when it goes out."""
    shown = _SECRET.sub(r"\1***", url)
    return {"url": shown, "extensions": {} if shown == url else {_REAL: url}}


def unveil(request: httpx.Request) -> None:
    """Have a request go where it is to go. A hook of a client."""
    import httpx

    real = request.extensions.pop(_REAL, None)
    if real is not None:
        request.url = httpx.URL(real)


async def unveil_async(request: httpx.Request) -> None:
    """The same for a client of an event loop."""
    unveil(request)


@contextlib.contextmanager
def unrecorded(url: str) -> Iterator[None]:
    """Have OpenTelemetry record no request in this block, if ``url`` holds a secret."""
    contexts: Any = sys.modules.get("opentelemetry.context")
    switch = getattr(contexts, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", None)
    if switch is None or not _SECRET.search(url):
        yield
        return
    token = contexts.attach(contexts.set_value(switch, True))
    try:
        yield
    finally:
        contexts.detach(token)


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_hide(argument) for argument in record.args)
        return True


def _hide(argument: object) -> object:
    text = str(argument) if type(argument).__name__ == "URL" else argument
    return _SECRET.sub(r"\1***", text) if isinstance(text, str) else argument


def hide_in_log() -> None:
    """Install a filter on httpx's logger, once."""
    logger = logging.getLogger("httpx")
    if not any(isinstance(known, _Filter) for known in logger.filters):
        logger.addFilter(_Filter())


__all__ = ["hide_in_log", "unrecorded", "unveil", "unveil_async", "veiled"]
