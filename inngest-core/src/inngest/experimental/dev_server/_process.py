"""Run a server in a process group of its own: npx starts the server as a child process."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from inngest._internal.errors import Error

STOP_SECONDS = 10.0
_PAUSE_SECONDS = 0.05
_TAIL = 2000
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class Process:
    """Runs a command.

    :param shows_output: let the command inherit this process's output streams; otherwise its
        output is captured, and shown in errors.
    """

    def __init__(self, command: Sequence[str], *, shows_output: bool = False) -> None:
        self._command = list(command)
        self._shows_output = shows_output
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def start(self) -> None:
        """Start the command; it is stopped when this process exits.

        :raises inngest.errors.Error: it cannot be started.
        """
        if not self._shows_output:
            self._output = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(  # noqa: S603
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT if self._output else None,
                start_new_session=True,
            )
        except OSError as error:
            self._close_output()
            raise Error(f"{self._command[0]} cannot be started: {error}") from error
        atexit.register(self.stop)

    def wait_for(self, url: str, seconds: float) -> None:
        """Wait until ``url`` responds with a status below 500.

        :raises inngest.errors.Error: the command has exited, or ``seconds`` have passed.
        """
        import httpx

        end = time.monotonic() + seconds
        assert self._process is not None
        with httpx.Client(timeout=1.0, trust_env=False) as client:
            while self._process.poll() is None:
                with suppress(httpx.HTTPError):
                    if client.get(url).status_code < 500:
                        return
                if time.monotonic() > end:
                    raise Error(self._with_output(f"did not respond within {seconds:g} s"))
                time.sleep(_PAUSE_SECONDS)
        raise Error(
            self._with_output(f"exited with {self._process.returncode} before it responded")
        )

    def stop(self) -> None:
        """Terminate the process group, and kill it after ten seconds. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.stop)
        try:
            _signal(process, signal.SIGTERM)
            end = time.monotonic() + STOP_SECONDS
            while _is_running(process) and time.monotonic() < end:
                time.sleep(_PAUSE_SECONDS)
            if _is_running(process):
                _signal(process, _KILL)
            process.wait(STOP_SECONDS)
        finally:
            self._close_output()

    def _with_output(self, what: str) -> str:
        text = f"{' '.join(self._command)} {what}"
        if self._output is None:
            return text
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - _TAIL))
        return f"{text}:\n{self._output.read().decode('utf-8', 'replace')}"

    def _close_output(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            output.close()


def _is_running(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the command or one of its descendants is running."""
    if process.poll() is None:
        return True
    return sys.platform != "win32" and _signal(process, 0)


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Signal the process group; return whether any process received it."""
    if sys.platform == "win32":  # no process groups or signals: taskkill ends the process tree
        kill = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        with suppress(OSError):
            subprocess.run(kill, capture_output=True, check=False)  # noqa: S603
        process.kill()
        return True
    else:
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS: EPERM if only zombies are left
            return False
        return True


__all__ = ["Process"]
