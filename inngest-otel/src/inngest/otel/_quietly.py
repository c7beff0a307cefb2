"""Telemetry that fails costs nobody a run: it is told in the log, and code goes on without it."""

from __future__ import annotations

import logging
from contextlib import ContextDecorator

_logger = logging.getLogger("inngest.otel")


class _Quiet(ContextDecorator):
    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        is_failure = isinstance(error, Exception)
        if is_failure:
            _logger.warning("OpenTelemetry has failed; the call goes on without it", exc_info=error)
        return is_failure


def quietly() -> _Quiet:
    """Log what a provider, a processor, a sampler or a propagator raises, in a block or a call."""
    return _Quiet()


__all__ = ["quietly"]
