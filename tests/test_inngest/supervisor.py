"""Run apps that kill their own process, and restart them: the app's half, and the test's.

An app is a module that is run with a directory as its argument, which contains plan.json. All that
happens is a line of the log in that directory, in order. Each kill happens once, as it leaves a
file. The supervisor owns the listening socket and forks, so that a restart takes milliseconds and
never loses the port.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Scene:
    """The directory of an app, as the app uses it."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self.plan: dict[str, Any] = json.loads((self._folder / "plan.json").read_text())

    def note(self, *words: object) -> None:
        """Append a line to the log, so that it survives a kill of the process."""
        line = " ".join(map(str, words)) + "\n"
        log = os.open(self._folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(log, line.encode())
            os.fsync(log)
        finally:
            os.close(log)

    def die_once(self, place: str, *words: object) -> None:
        """Kill this process, unless a process was killed at this place before."""
        try:
            os.close(os.open(self._folder / f"{place}-killed", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        self.note("kill", *words)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    def supervise(self, serve: Callable[[socket.socket], None]) -> None:
        """Serve in a child process, and replace the child whenever it is killed."""
        listener = socket.create_server(("127.0.0.1", self.plan["port"]), backlog=128)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            child = os.fork()
            if child == 0:
                serve(listener)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
                sys.exit(f"the app ended by itself: {status}")
            self.note("restart")


@contextmanager
def supervised(app: str, folder: Path, plan: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    """Run an app of this package under a supervisor, for the duration of the block."""
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "log").touch()
    with (folder / "output").open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.{app}", str(folder)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield supervisor
        except BaseException:
            ended = "" if supervisor.poll() is None else f", and ended with {supervisor.returncode}"
            print(f"the app said{ended}:", (folder / "output").read_text(errors="replace")[-4000:])
            raise
        finally:
            os.killpg(supervisor.pid, signal.SIGKILL)
            supervisor.wait(60)
