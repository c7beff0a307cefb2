"""Plugin names: their canonical form, and suggestions for unknown names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_SEPARATORS = re.compile(r"[-_.\s]+")
_CANONICAL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def canonical(name: str) -> str:
    """Return the canonical form of ``name``, which ``My_Plugin`` and ``my-plugin`` share."""
    return _SEPARATORS.sub("-", name.strip().lower()).strip("-")


def is_canonical(name: str) -> bool:
    """Return whether a canonicalized name is valid."""
    return _CANONICAL.fullmatch(name) is not None


def squashed(name: str) -> str:
    """Return ``name`` without separators, to compare it with module names."""
    return canonical(name).replace("-", "")


def suggestion(name: str, known: Iterable[str], nothing: str) -> str:
    """Return the end of an error about an unknown name: similar ones, all, or ``nothing``."""
    names = sorted(set(known))
    close = difflib.get_close_matches(canonical(name), names, n=2, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"there is: {', '.join(names)}" if names else nothing
