"""The process that serves the app: started, started again, and ended with ours."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from inngest.dev._internal.commands.hosting import IMPORT_FAILED, PROBLEM, SCHEMAS

_HOST = "127.0.0.1"
READY_SECONDS = 60.0
STOP_SECONDS = 5.0
_PAUSE = 0.05
_PORTS = range(20_000, 32_000)
"""Systems give out those above for any connection: one could take the app's while it starts again."""


class HostedApp:
    """An app as a process of its own, on a port that stays the same."""

    def __init__(self, target: str, environment: Mapping[str, str]) -> None:
        self.target, self.port = target, _free_port()
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="inngest-dev-")

    @staticmethod
    def is_one(url: str) -> bool:
        """Whether this may be the URL of an app that an engine serves, or has served."""
        parts = urlsplit(url)
        return parts.hostname == _HOST and parts.port in _PORTS

    @property
    def origin(self) -> str:
        return f"http://{_HOST}:{self.port}"

    def start(self, stopped: Callable[[], bool], directory: Path | None = None) -> str | None:
        """Start it and wait until it listens: what is wrong, if it does not.

        ``directory`` is where its module is; the current one unless given.
        """
        self.stop()
        command = [sys.executable, "-m", "inngest.dev._internal.commands.hosting",
                   self.target, str(self.port), self._folder.name]  # fmt: skip
        process = subprocess.Popen(  # noqa: S603 - the developer's own app
            command, env=self._environment, stdin=subprocess.PIPE, cwd=directory
        )
        self._process = process
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and not stopped():
            if process.poll() is not None:
                return self._why(process.returncode)
            if _listens(self.port):
                return None
            time.sleep(_PAUSE)
        self.stop()
        return (
            f"{self.target} does not listen after {READY_SECONDS:g} s. "
            "Does its module run a server, or wait for something, when it is imported?"
        )

    def ended(self) -> bool:
        """Whether it ended by itself since it was started."""
        return self._process is not None and self._process.poll() is not None

    def schemas(self) -> Any:
        """The JSON schemas of its event types."""
        try:
            return json.loads(self._read(SCHEMAS))
        except ValueError:
            return {}

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
        assert process.stdin is not None
        process.stdin.close()

    def close(self) -> None:
        self.stop()
        self._folder.cleanup()

    def _why(self, status: int) -> str:
        if status == IMPORT_FAILED:
            return self._read(PROBLEM)
        return f"{self.target} ended with status {status}"

    def _read(self, name: str) -> str:
        path = Path(self._folder.name) / name
        return path.read_text(encoding="utf-8") if path.exists() else ""


def _free_port() -> int:
    for port in random.sample(_PORTS, 100):
        try:
            with socket.create_server((_HOST, port)):
                return port
        except OSError:
            continue
    raise OSError("no port is free for the app")


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((_HOST, port), timeout=1):
            return True
    except OSError:
        return False
