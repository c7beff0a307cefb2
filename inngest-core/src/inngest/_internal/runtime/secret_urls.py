"""Hide URLs that contain an event key or a token from everything that observes HTTPX.

Its own log, Sentry, which patches the clients, and OpenTelemetry's instrumentation, which patches
their transports, all record the URL of every request.
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
"""The request extension with the real URL."""


def masked(url: str) -> dict[str, Any]:
    """Return request options for ``url`` in which the secret is masked until it is sent."""
    shown = _SECRET.sub(r"\1***", url)
    return {"url": shown, "extensions": {} if shown == url else {_REAL: url}}


def unmask(request: httpx.Request) -> None:
    """Restore the real URL. An event hook of a client."""
    import httpx

    real = request.extensions.pop(_REAL, None)
    if real is not None:
        request.url = httpx.URL(real)


async def unmask_async(request: httpx.Request) -> None:
    """Restore the real URL. An event hook of an async client."""
    unmask(request)


@contextlib.contextmanager
def suppress_tracing(url: str) -> Iterator[None]:
    """Suppress OpenTelemetry's HTTP instrumentation in this block if ``url`` has a secret."""
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


def install_log_filter() -> None:
    """Install a filter on HTTPX's logger, once."""
    logger = logging.getLogger("httpx")
    if not any(isinstance(each, _Filter) for each in logger.filters):
        logger.addFilter(_Filter())


__all__ = ["install_log_filter", "masked", "suppress_tracing", "unmask", "unmask_async"]
