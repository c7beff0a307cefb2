"""Start and stop the Inngest server that is available on this machine."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Mapping
from typing import Protocol

from inngest._internal.environment import is_truthy
from inngest._internal.errors import Error
from inngest.experimental.dev_server._commands import command
from inngest.experimental.dev_server._process import Process

HOST = "127.0.0.1"
USUAL_PORT = 8288
_PORTS = range(20_000, 32_000)
"""Below the ephemeral range, from which the system could assign a port to another process."""
START_SECONDS = 120.0
"""How long to wait for the server to respond. npx may have to download it first."""


class _Running(Protocol):
    def stop(self) -> None: ...


class Server:
    """A real Inngest server if one or npx is installed, otherwise the embedded engine.

    :param environ: the environment variables; this package's docstring lists those it reads.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._lock = threading.RLock()
        self._port: int | None = None
        self._running: _Running | None = None

    @property
    def port(self) -> int:
        """The port on the loopback interface.

        :raises inngest.errors.Error: ``DEV_SERVER_PORT`` is not a port number.
        """
        with self._lock:
            if self._port is None:
                self._port = self._chosen_port()
            return self._port

    @property
    def origin(self) -> str:
        """The base URL for clients."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it responds.

        Does nothing if this object has started it, or if ``DEV_SERVER_ENABLED`` is off.

        :raises inngest.errors.Error: no server is installed, the port is taken, or the server
            exited or did not respond within ``START_SECONDS``.
        """
        with self._lock:
            if self._running is not None or not self._is_enabled:
                return
            if not _is_free(self.port):
                raise Error(
                    f"port {self.port} is in use: set DEV_SERVER_PORT to another one, or set "
                    "DEV_SERVER_ENABLED=0 to use the server that is running there"
                )
            found = command(self._environ, self.port)
            if found is None:
                self._running = _embedded(self.port)
                return
            process = Process(found, shows_output=is_truthy(self._environ.get("DEV_SERVER_LOGS")))
            process.start()
            self._running = process
            try:
                process.wait_for(f"{self.origin}/health", START_SECONDS)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Stop the server if :meth:`start` started it. Idempotent."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.stop()

    @property
    def _is_enabled(self) -> bool:
        return is_truthy(self._environ.get("DEV_SERVER_ENABLED") or "1")

    def _chosen_port(self) -> int:
        text = self._environ.get("DEV_SERVER_PORT", "").strip()
        if not text:
            return _free_port() if self._is_enabled else USUAL_PORT
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            raise Error(f"DEV_SERVER_PORT must be a number from 1 to 65535, not {text!r}")
        return int(text)


def _embedded(port: int) -> _Running:
    try:
        from inngest.dev import DevServer
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("inngest.dev"):
            raise
        raise Error(
            "no Inngest server is installed: pip install inngest-dev for the embedded engine, "
            "or install the Inngest CLI or npx for the real server"
        ) from error
    engine = DevServer(HOST, port)
    engine.start()
    return engine


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    for port in random.sample(_PORTS, 100):
        if _is_free(port):
            return port
    raise Error("no free port found for the server: set DEV_SERVER_PORT")


__all__ = ["HOST", "START_SECONDS", "USUAL_PORT", "Server"]
