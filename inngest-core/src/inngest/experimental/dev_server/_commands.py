"""Which command starts a real Inngest server here. Reads ``PATH`` and starts nothing."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

BINARIES = ("inngest", "inngest-cli")
NPX = "npx"
LATEST = "latest"


def command(environ: Mapping[str, str], port: int) -> list[str] | None:
    """The command, or ``None`` if the machine has neither a server nor npx.

    npx comes first when a version is asked for: what is installed may be another one.
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
