"""The process that serves the app: it is started, started again, and ends with this process."""

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

from inngest.dev._internal.commands.hosting import PROBLEM, SCHEMAS, STOP_SECONDS

_HOST = "127.0.0.1"
READY_SECONDS = 60.0
_PAUSE = 0.05
_PORTS = range(20_000, 32_000)
"""Systems give outgoing connections ports above these: one might take the app's while it restarts."""
_OWN_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""What has a process on Windows not get the terminal's Ctrl-C, as its own session does elsewhere."""


class HostedApp:
    """An app as a process of its own, on a port that stays the same."""

    def __init__(self, target: str, environment: Mapping[str, str]) -> None:
        self.target, self.port = target, _free_port()
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None
        self._temporary = tempfile.TemporaryDirectory(prefix="inngest-dev-")
        self._folder = Path(self._temporary.name)

    @staticmethod
    def is_one(url: str) -> bool:
        """Whether this may be the URL of an app that this command, or an earlier one, serves."""
        parts = urlsplit(url)
        return parts.hostname == _HOST and parts.port in _PORTS

    @property
    def origin(self) -> str:
        return f"http://{_HOST}:{self.port}"

    def start(self, stopped: Callable[[], bool], directory: Path | None = None) -> str | None:
        """Start the app, and wait until it listens. Returns what is wrong if it does not.

        :param stopped: whether to wait no longer.
        :param directory: where its module is; the current one unless given.
        """
        self.stop()
        (self._folder / PROBLEM).unlink(missing_ok=True)
        command = [sys.executable, "-m", "inngest.dev._internal.commands.hosting",
                   self.target, str(self.port), str(self._folder)]  # fmt: skip
        process = subprocess.Popen(  # noqa: S603 - the developer's own app
            command, env=self._environment, stdin=subprocess.PIPE, cwd=directory,
            # the terminal's Ctrl-C is for the engine, which ends it
            start_new_session=True, creationflags=_OWN_GROUP,
        )  # fmt: skip
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
        """Whether it has ended by itself since it was started."""
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
        assert process.stdin is not None
        process.stdin.close()  # which has it end
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)

    def close(self) -> None:
        self.stop()
        self._temporary.cleanup()

    def _why(self, status: int) -> str:
        return self._read(PROBLEM) or f"{self.target} ended with status {status}"

    def _read(self, name: str) -> str:
        path = self._folder / name
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
