"""Prepare text for a terminal: what others have written, errors in a line, spans of time."""

from __future__ import annotations

import json

LONGEST = 200
"""Characters of an error."""
_DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_STEERING = [code for code in (*_CONTROLS, *_DIRECTIONS) if chr(code) not in "\t\n"]
_ESCAPED = {code: ascii(chr(code))[1:-1] for code in _STEERING}
_ESCAPED_IN_JSON = {code: f"\\u{code:04x}" for code in _STEERING}


def printable(text: str) -> str:
    """Escape characters that would control the terminal, or reverse the order of text."""
    return text.translate(_ESCAPED)


def printable_json(text: str) -> str:
    """The same for the text of JSON, whose meaning stays."""
    return text.translate(_ESCAPED_IN_JSON)


def brief(error: object) -> str:
    """An error in one line, whatever shape the app gave it."""
    inner = error.get("error") if isinstance(error, dict) else None
    source = inner if isinstance(inner, dict) else error
    if isinstance(source, dict) and (source.get("name") or source.get("message")):
        text = f"{source.get('name') or 'Error'}: {source.get('message') or ''}"
    elif isinstance(source, dict):
        text = inner if isinstance(inner, str) else json.dumps(source)
    else:
        text = "" if source is None else str(source)
    line = text.strip().partition("\n")[0].rstrip()
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def span(milliseconds: int) -> str:
    """How long it is, about."""
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
