"""Checks of arguments whose types are declared, and not always kept."""

from __future__ import annotations

from inspect import getattr_static, isfunction


def is_text(value: object) -> bool:
    """Whether ``value`` is a string, and not an empty one."""
    return isinstance(value, str) and bool(value.strip())


def kind_of(value: object) -> str:
    """What an error says of a value of a wrong type: its type, never itself."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"an object of {type(value).__name__}"


def is_unbound(value: object, method: str) -> bool:
    """Whether ``value`` is a class whose method is one of the objects that it makes."""
    return isinstance(value, type) and isfunction(getattr_static(value, method, None))


__all__ = ["is_text", "is_unbound", "kind_of"]
