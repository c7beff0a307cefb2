"""A logger that is silent while memoized steps replay: what it would say was said before."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inngest._internal.engine.execution import Execution

    Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]
    _Base = logging.LoggerAdapter[Any]
else:  # Python 3.10 cannot subscript it
    Logger = logging.Logger | logging.LoggerAdapter
    _Base = logging.LoggerAdapter


_SAYING = frozenset(
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
"""What a logger says something by. Those of structlog and loguru have the same names."""


class ReplayLogger(_Base):
    """``ctx.logger``: the client's logger, quiet until new code runs.

    Each method is the logger's own: it may take more than the standard library's does.
    """

    def __init__(self, logger: Logger, execution: Execution) -> None:
        super().__init__(logger, {})
        self._execution = execution

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        """Whether a message of ``level`` would be logged now."""
        if self._execution.is_replaying:
            return False
        asked: Any = getattr(self.logger, "isEnabledFor", None)
        return asked is None or bool(asked(level))

    def __getattr__(self, name: str) -> Any:
        if name == "logger":  # not set yet
            raise AttributeError(name)
        return getattr(self.logger, name)

    if not TYPE_CHECKING:  # a type checker knows the methods of an adapter

        def __getattribute__(self, name: str) -> Any:
            if name not in _SAYING:
                return super().__getattribute__(name)
            return _say_nothing if self._execution.is_replaying else getattr(self.logger, name)


def _say_nothing(*args: object, **kwargs: object) -> None:
    pass


__all__ = ["Logger", "ReplayLogger"]
