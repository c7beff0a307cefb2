"""Reading environment variables."""

from __future__ import annotations


def is_truthy(text: str | None) -> bool:
    """Read a flag: everything except an empty value, ``0`` and ``false`` is true."""
    return (text or "").strip().lower() not in ("", "0", "false")
