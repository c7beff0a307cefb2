"""Record what functions log, and forward it to the client's logger."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inngest.dev._internal.testing.context import current

if TYPE_CHECKING:
    _Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]
    _Adapter = logging.LoggerAdapter[Any]
else:  # Python 3.10 cannot subscript it
    _Adapter = logging.LoggerAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedLog:
    """One line that a function logged."""

    run_id: str | None
    level: str
    message: str
    at: int
    """Virtual time, in milliseconds since 1970."""
    call: str = field(default="", repr=False)
    after: int = field(default=0, repr=False)
    """How many steps had run in this call."""


class RecordingLogger(_Adapter):
    """Records lines of every level, and forwards them to a logger, which may filter them."""

    def __init__(self, logger: _Logger, records: list[RecordedLog], now: Callable[[], int]) -> None:
        super().__init__(logger, {})
        self._records, self._now = records, now

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        return True

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        calling = current()
        self._records.append(
            RecordedLog(
                run_id=calling.run_id if calling else None,
                level=logging.getLevelName(level),
                message=_message(msg, args),
                at=self._now(),
                call=calling.call if calling else "",
                after=len(calling.executed) if calling else 0,
            )
        )
        if not isinstance(self.logger, (logging.Logger, logging.LoggerAdapter)):  # structlog's
            getattr(self.logger, logging.getLevelName(level).lower())(msg, *args, **kwargs)
        elif self.logger.isEnabledFor(level):
            kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
            self.logger.log(level, msg, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "logger":  # not set yet
            raise AttributeError(name)
        return getattr(self.logger, name)


def _message(msg: object, args: tuple[object, ...]) -> str:
    """Format a message like `logging`. A formatting error must not fail the function."""
    try:
        return logging.LogRecord("", 0, "", 0, msg, args, None).getMessage()
    except Exception:
        return f"{msg} {args}" if isinstance(msg, str) else object.__repr__(msg)
