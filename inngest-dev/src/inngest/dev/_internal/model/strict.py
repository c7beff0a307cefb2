"""Decode untrusted JSON. NaN, infinities and deep nesting are refused, as they cannot be re-sent.

Lone surrogates, which cannot be stored, are replaced.
"""

from __future__ import annotations

import json
import math
import re

from inngest.dev._internal.model.values import Json

MAX_DEPTH = 256
_LONE = re.compile("[\ud800-\udfff]")


def decode(raw: bytes | str) -> Json:
    """Decode JSON, raising only ValueError if it is invalid or refused."""
    try:
        text = raw if isinstance(raw, str) else raw.decode("utf-8")
        value = _DECODER.decode(text)
        if "\\ud" in text.lower():
            value = _DECODER.decode(_LONE.sub("\ufffd", json.dumps(value, ensure_ascii=False)))
    except RecursionError:
        raise ValueError("exceeded max depth") from None
    if text.count("[") + text.count("{") < MAX_DEPTH:  # too few brackets to be nested too deeply
        return value
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return value
    raise ValueError("exceeded max depth")


def size_of(value: Json) -> int:
    """Return the value's bytes as compact JSON, which the server's limits count."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def clean(text: str) -> str:
    """Replace lone surrogates, which cannot be stored."""
    return _LONE.sub("\ufffd", text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"cannot represent {text[:40]}")
    return number


def _refuse(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
