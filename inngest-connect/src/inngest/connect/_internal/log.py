"""Log events on one line each, with their fields as text and as structured data."""

from __future__ import annotations

import logging
from typing import Final

from inngest.connect._internal.effects import Log

logger = logging.getLogger("inngest.connect")
_MAX_VALUE_LENGTH: Final = 300


def write(entry: Log) -> None:
    """Log an event. ``record.inngest`` holds its fields."""
    if not logger.isEnabledFor(entry.level):
        return
    fields = {key: value for key, value in entry.fields.items() if value is not None}
    text = " ".join(f"{key}={_format(value)}" for key, value in fields.items())
    logger.log(
        entry.level,
        "connect: %s",
        f"{entry.event} {text}".rstrip(),
        extra={"inngest": {"event": entry.event, **fields}},
    )


def _format(value: object) -> str:
    """Format a field's value: truncated, and with line breaks and control characters escaped."""
    if not isinstance(value, str):
        return str(value)
    shown = value if len(value) <= _MAX_VALUE_LENGTH else f"{value[:_MAX_VALUE_LENGTH]}…"
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in shown)
