"""Checks of arguments whose types are declared, and not always kept."""

from __future__ import annotations


def is_text(value: object) -> bool:
    """Whether ``value`` is a string, and not an empty one."""
    return isinstance(value, str) and bool(value.strip())


__all__ = ["is_text"]
