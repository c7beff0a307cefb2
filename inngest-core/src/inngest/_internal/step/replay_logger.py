"""A logger that is silent while memoized steps replay, to log each message only once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inngest._internal.engine.execution import Execution

    Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]
    _Base = logging.LoggerAdapter[Any]
else:  # not subscriptable on Python 3.10
    Logger = logging.Logger | logging.LoggerAdapter
    _Base = logging.LoggerAdapter


_LOG_METHODS = frozenset(
    {
        "critical",
        "debug",
        "error",
        "exception",
        "fatal",
        "info",
        "log",
        "warn",
        "warning",
    }
)
"""The methods that log. Loggers of structlog and loguru have the same names."""


class ReplayLogger(_Base):
    """``ctx.logger``: the client's logger, silent until new code runs.

    All methods are those of the client's logger, whose signatures may differ from the standard
    library's.
    """

    def __init__(self, logger: Logger, execution: Execution) -> None:
        super().__init__(logger, {})
        self._execution = execution

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        """Return whether a message of ``level`` would be logged now."""
        if self._execution.is_replaying:
            return False
        is_enabled: Any = getattr(self.logger, "isEnabledFor", None)
        return is_enabled is None or bool(is_enabled(level))

    def __getattr__(self, name: str) -> Any:
        if name == "logger":  # before __init__() has set it
            raise AttributeError(name)
        return getattr(self.logger, name)

    if not TYPE_CHECKING:  # type checkers use the methods of LoggerAdapter

        def __getattribute__(self, name: str) -> Any:
            if name not in _LOG_METHODS:
                return super().__getattribute__(name)
            return _discard if self._execution.is_replaying else getattr(self.logger, name)


def _discard(*args: object, **kwargs: object) -> None:
    pass


__all__ = ["Logger", "ReplayLogger"]
