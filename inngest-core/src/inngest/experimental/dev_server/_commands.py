"""Find the command that starts a real Inngest server. Reads ``PATH`` and starts nothing."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

BINARIES = ("inngest", "inngest-cli")
NPX = "npx"
LATEST = "latest"


def command(environ: Mapping[str, str], port: int) -> list[str] | None:
    """Return the command, or ``None`` if neither a server nor npx is installed.

    npx is preferred when a version is set, because the installed server may be another one.
    """
    path = environ.get("PATH")
    version = environ.get("DEV_SERVER_VERSION", "").strip()
    npx = shutil.which(NPX, path=path)
    installed = next(filter(None, (shutil.which(name, path=path) for name in BINARIES)), None)
    if npx is not None and (version or installed is None):
        start = [npx, "--yes", f"inngest-cli@{version or LATEST}"]
    elif installed is not None:
        start = [installed]
    else:
        return None
    return [*start, "dev", "--no-discovery", "--no-poll", "--port", str(port)]


__all__ = ["BINARIES", "NPX", "command"]
