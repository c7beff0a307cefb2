"""Canonical JSON (RFC 8785), as the server sends and signs it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from math import isinf

from inngest.dev._internal.model.values import Json

_WHOLE_FLOAT = re.compile(r"\.0(?![0-9])")
"""This and the next two find numbers to rewrite. A match within a string is harmless: it only
costs time."""
_EXPONENT = re.compile(r"[0-9]e[+-]")
_LONG = re.compile(r"[:,\[-][0-9]{16}")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.e+-]*')
_EXACT = 2**53
"""The server rounds larger integers to doubles."""
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_encode_as_ordered = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def canonical(value: Json) -> bytes:
    """Encode with sorted keys, no spaces, and numbers as ECMAScript formats them: doubles."""
    text = _encode(value)
    if not text.isascii() and _ASTRAL.search(text):
        text = _encode_as_ordered(_ordered(value))
    if _has_odd_numbers(text):
        text = _TOKEN.sub(_token, text)
    return text.encode("utf-8", "replace")


def _has_odd_numbers(text: str) -> bool:
    """Return whether ECMAScript may format some numbers differently from Python."""
    if _WHOLE_FLOAT.search(text) or _LONG.search("," + text):
        return True
    return ("e+" in text or "e-" in text) and _EXPONENT.search(text) is not None


def _token(found: re.Match[str]) -> str:
    text = found[0]
    return text if text[0] == '"' else _number(text)


def _number(text: str) -> str:
    if text.lstrip("-").isdigit() and abs(int(text)) <= _EXACT:
        return text
    value = float(text)
    size = abs(value)
    if value.is_integer() and size < 1e21:
        # repr gives the shortest digits, int the trailing zeros
        return str(int(Decimal(repr(value))))
    if 1e-6 <= size < 1e-4:
        return f"{Decimal(repr(value)):f}"
    return text if isinf(value) else repr(value).replace("e-0", "e-")


def _ordered(value: Json) -> Json:
    """Return the value with keys sorted by their UTF-16 code units.

    Beyond U+FFFF this differs from the order of Python strings.
    """
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _ordered(value[key]) for key in keys}
    return [_ordered(each) for each in value] if isinstance(value, list) else value
