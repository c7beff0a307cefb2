"""Ports for servers that are told theirs, where tests run side by side."""

from __future__ import annotations

import os
import random
import socket

BELOW_THE_SYSTEM_S_OWN = range(20_000, 32_000)
"""Systems give out ports above these to whoever asks for any."""


def free_port() -> int:
    """A port that nobody listens on, and that the system will give to nobody else.

    Nor is it another one of pytest's processes that is given it, before somebody listens.
    """
    name = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    many = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ours = BELOW_THE_SYSTEM_S_OWN[int(name) % many :: many]
    for port in random.SystemRandom().sample(ours, min(100, len(ours))):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise OSError("no port is free")
