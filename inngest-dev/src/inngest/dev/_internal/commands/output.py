"""What commands print, and their exit status: JSON for programs, a line for what went wrong."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console

from inngest.dev._internal.commands.arguments import UsageError
from inngest.dev._internal.commands.printable import printable, printable_json
from inngest.dev._internal.commands.remote import RemoteError


def print_json(value: Any) -> None:
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(value, indent=2, ensure_ascii=not is_unicode)
    sys.stdout.write(f"{printable_json(text)}\n")


def wide_console() -> Console:
    """As wide as the terminal; wide enough for ids where there is none."""
    console = Console(soft_wrap=True)
    return console if console.is_terminal else Console(soft_wrap=True, width=200)


def is_unread(error: BaseException) -> bool:
    """Whether nobody reads the pipe any more that was written to, as after `head`."""
    if not isinstance(error, OSError) or error.filename is not None:
        return False
    return error.errno in (errno.EPIPE, errno.EINVAL)  # the latter on Windows


def exit_status(work: Callable[[], int]) -> int:
    """Do the work of a command, which gives its status; 1, and a line on stderr, if it fails."""
    try:
        return work()
    except (RemoteError, UsageError, OSError) as error:
        if is_unread(error):  # whoever started the command handles that
            raise
        sys.stderr.write(f"{printable(str(error))}\n")
        return 1
