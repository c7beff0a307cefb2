"""Runtime checks of arguments, for callers that do not use a type checker."""

from __future__ import annotations

from inspect import getattr_static, isfunction


def is_text(value: object) -> bool:
    """Return whether ``value`` is a string with more than white space."""
    return isinstance(value, str) and bool(value.strip())


def kind_of(value: object) -> str:
    """Describe ``value`` in an error message by its type, without showing it."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"an object of {type(value).__name__}"


def is_unbound(value: object, method: str) -> bool:
    """Return whether ``value`` is a class that defines ``method`` as an instance method."""
    return isinstance(value, type) and isfunction(getattr_static(value, method, None))


__all__ = ["is_text", "is_unbound", "kind_of"]
