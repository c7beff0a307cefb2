"""Names of plugins: one canonical form each, and suggestions for a name that is wrong."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_SEPARATORS = re.compile(r"[-_.\s]+")
_CANONICAL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def canonical(name: str) -> str:
    """Return the one form of ``name``: ``My_Plugin`` and ``my-plugin`` are the same."""
    return _SEPARATORS.sub("-", name.strip().lower()).strip("-")


def is_canonical(name: str) -> bool:
    """Whether a name that was made canonical can be typed and listed."""
    return _CANONICAL.fullmatch(name) is not None


def squashed(name: str) -> str:
    """Return ``name`` without what separates its words, as names of modules have them."""
    return canonical(name).replace("-", "")


def suggestion(name: str, known: Iterable[str], nothing: str) -> str:
    """End an error about a wrong name: the closest known ones, all of them, or ``nothing``."""
    names = sorted(set(known))
    close = difflib.get_close_matches(canonical(name), names, n=2, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    return f"there is: {', '.join(names)}" if names else nothing
