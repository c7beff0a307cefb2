"""One line an event, with its fields both in the text and for machines to read."""

from __future__ import annotations

import logging

from inngest.connect._internal.effects import Log

logger = logging.getLogger("inngest.connect")


def write(entry: Log) -> None:
    """Log an event. ``record.inngest`` holds the fields."""
    if not logger.isEnabledFor(entry.level):
        return
    fields = {key: value for key, value in entry.fields.items() if value is not None}
    text = " ".join(f"{key}={value}" for key, value in fields.items())
    logger.log(
        entry.level,
        "connect: %s",
        f"{entry.event} {text}".rstrip(),
        extra={"inngest": {"event": entry.event, **fields}},
    )
