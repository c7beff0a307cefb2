"""What commands print: JSON for programs, one line for what went wrong."""

from __future__ import annotations

import errno
import json
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from rich.console import Console

from inngest.dev._internal.commands.printable import printable, printable_json
from inngest.dev._internal.commands.remote import RemoteError

T = TypeVar("T")


class UsageError(Exception):
    """The arguments cannot be used. The message says what to change."""


def print_json(value: Any) -> None:
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(value, indent=2, ensure_ascii=not is_unicode)
    sys.stdout.write(f"{printable_json(text)}\n")


def wide_console() -> Console:
    """As wide as the terminal; wide enough for ids where there is none."""
    console = Console(soft_wrap=True)
    return console if console.is_terminal else Console(soft_wrap=True, width=200)


def is_unread(error: BaseException) -> bool:
    """Whether the reader of a pipe that was written to has seen enough."""
    if not isinstance(error, OSError) or error.filename is not None:
        return False
    return error.errno in (errno.EPIPE, errno.EINVAL)  # the latter on Windows


def failing(work: Callable[[], int]) -> int:
    """Its exit status; 1 and a line on stderr when it fails as can be expected."""
    try:
        return work()
    except (RemoteError, UsageError, OSError) as error:
        if is_unread(error):  # no error to tell of
            raise
        sys.stderr.write(f"{printable(str(error))}\n")
        return 1


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
