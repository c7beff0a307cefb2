"""Ports for servers that are told theirs, where tests run side by side."""

from __future__ import annotations

import random
import socket

BELOW_THE_SYSTEM_S_OWN = range(20_000, 32_000)
"""Systems give out ports above these to whoever asks for any."""


def free_port() -> int:
    """A port that nobody listens on, and that the system will give to nobody else."""
    for port in random.SystemRandom().sample(BELOW_THE_SYSTEM_S_OWN, 100):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise OSError("no port is free")
