"""A server as a process of its own, with all that it starts: npx starts another one."""

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

    :param shows_output: have it write where this process writes; else it is kept for errors.
    """

    def __init__(self, command: Sequence[str], *, shows_output: bool = False) -> None:
        self._command = list(command)
        self._shows_output = shows_output
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def start(self) -> None:
        """Start it, and see to it that it ends with this process.

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
            self._forget()
            raise Error(f"{self._command[0]} cannot be started: {error}") from error
        atexit.register(self.stop)

    def wait_for(self, url: str, seconds: float) -> None:
        """Wait until it answers there.

        :raises inngest.errors.Error: it has ended, or does not answer in time.
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
                    raise Error(self._with_output(f"does not answer within {seconds:g} s"))
                time.sleep(_PAUSE_SECONDS)
        raise Error(self._with_output(f"ended with {self._process.returncode} before it answered"))

    def stop(self) -> None:
        """End it, by force if it takes longer than ten seconds. Again is harmless."""
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
            self._forget()

    def _with_output(self, what: str) -> str:
        text = f"{' '.join(self._command)} {what}"
        if self._output is None:
            return text
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - _TAIL))
        return f"{text}:\n{self._output.read().decode('utf-8', 'replace')}"

    def _forget(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            output.close()


def _is_running(process: subprocess.Popen[bytes]) -> bool:
    """Whether it, or something that it has started, has not ended."""
    if process.poll() is None:
        return True
    return sys.platform != "win32" and _signal(process, 0)


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Tell it and all that it has started, as a terminal would: whether anybody was there."""
    if sys.platform == "win32":  # which can only kill, and others than itself by a command
        kill = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        with suppress(OSError):
            subprocess.run(kill, capture_output=True, check=False)  # noqa: S603
        process.kill()
        return True
    else:
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS: a group of zombies
            return False
        return True


__all__ = ["Process"]
