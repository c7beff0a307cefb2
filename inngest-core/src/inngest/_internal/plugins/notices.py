"""Log each message only once per process, however many clients cause it."""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger("inngest.plugins")


class Notices:
    """A log without repetitions."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def say(self, level: int, text: str, cause: BaseException | None = None) -> None:
        """Log ``text``, unless it has been logged; the traceback of ``cause`` at debug level."""
        with self._lock:
            if text in self._said:
                return
            self._said.add(text)
        logger.log(level, "%s", text)
        if cause is not None:
            logger.debug("%s", text, exc_info=cause)


NOTICES = Notices()
