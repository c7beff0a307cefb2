"""Read the arguments of commands that are JSON, and say what is wrong with them."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

T = TypeVar("T")


class UsageError(Exception):
    """The arguments cannot be used. The message says what to change."""


def read_data(text: str) -> dict[str, Any]:
    """The data of an event: a JSON object, or @FILE that holds one."""
    if text.startswith("@"):
        try:
            # -sig: editors of Windows begin files with a mark
            with open(text[1:], encoding="utf-8-sig") as file:  # noqa: PTH123
                text = file.read()
        except UnicodeDecodeError as error:
            raise UsageError(f"{text[1:]} is not UTF-8: {error}") from error
        except OSError as error:
            raise UsageError(f"--data: cannot read {text[1:]}: {error.strerror}") from error
    return _read("--data", text, dict, "a JSON object")


def read_list(text: str) -> list[Any]:
    """Arguments of a step: a JSON list."""
    return _read("--input", text, list, 'a JSON list of arguments, like [1, "two"]')


def _read(option: str, text: str, kind: type[T], form: str) -> T:
    try:
        found = json.loads(text)
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{option} is not JSON: {error}{_hint(option, text)}") from error
    if not isinstance(found, kind):
        raise UsageError(f"{option} must be {form}")
    return found


def _hint(option: str, text: str) -> str:
    """PowerShell takes double quotes away, and cmd.exe leaves single ones on."""
    if '"' in text or not re.match(r"'|[{\[].*[a-z]", text, re.IGNORECASE | re.DOTALL):
        return ""
    other = "give @FILE" if option == "--data" else 'write \\" for each'
    return f". The shell seems to have taken its double quotes: {other}"
