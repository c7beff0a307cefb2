"""A logger that is silent while memoized steps replay: what it would say was said before."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inngest._internal.engine.execution import Execution

    Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]
    _Base = logging.LoggerAdapter[Any]
else:  # Python 3.10 cannot subscript it
    Logger = logging.Logger | logging.LoggerAdapter
    _Base = logging.LoggerAdapter


class ReplayLogger(_Base):
    """``ctx.logger``: the client's logger, quiet until new code runs."""

    def __init__(self, logger: Logger, execution: Execution) -> None:
        super().__init__(logger, {})
        self._execution = execution

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        """Whether a message of ``level`` would be logged now."""
        return not self._execution.is_replaying and self.logger.isEnabledFor(level)

    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Leave the message and its ``extra`` alone."""
        return msg, kwargs

    def __getattr__(self, name: str) -> Any:
        if name == "logger":  # not set yet
            raise AttributeError(name)
        return getattr(self.logger, name)


__all__ = ["Logger", "ReplayLogger"]
