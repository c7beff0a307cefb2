"""Reading environment variables."""

from __future__ import annotations


def is_truthy(text: str | None) -> bool:
    """Read a flag: anything but nothing, ``0`` and ``false`` is on."""
    return (text or "").strip().lower() not in ("", "0", "false")
