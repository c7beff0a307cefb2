"""Text of others, such as names of events and messages of errors, for a terminal."""

from __future__ import annotations

_DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_ESCAPED = {
    code: ascii(chr(code))[1:-1] for code in (*_CONTROLS, *_DIRECTIONS) if chr(code) not in "\t\n"
}


def printable(text: str) -> str:
    """Escape what would steer the terminal, or turn round what is printed beside it."""
    return text.translate(_ESCAPED)
