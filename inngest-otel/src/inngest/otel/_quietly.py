"""Telemetry that fails must not fail a run: the failure is logged, and the call goes on."""

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
    """Log and swallow what OpenTelemetry raises: as a context manager, or as a decorator."""
    return _Quiet()


__all__ = ["quietly"]
