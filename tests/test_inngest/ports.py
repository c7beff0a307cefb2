"""Free ports for servers that must be given one, for tests that run in parallel."""

from __future__ import annotations

import os
import random
import socket

BELOW_THE_SYSTEM_S_OWN = range(20_000, 32_000)
"""Systems give out ports above these to whoever asks for any."""

_given: set[int] = set()


def free_port() -> int:
    """Return a port on which nobody listens, and which the system assigns to nobody else.

    No other test gets it before somebody listens on it: neither in another process of pytest, nor
    by a second call.
    """
    name = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    many = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ours = BELOW_THE_SYSTEM_S_OWN[int(name) % many :: many]
    left = [port for port in ours if port not in _given]
    for port in random.SystemRandom().sample(left, min(100, len(left))):
        try:
            with socket.create_server(("127.0.0.1", port)):
                _given.add(port)
                return port
        except OSError:
            continue
    raise OSError("no port is free")
