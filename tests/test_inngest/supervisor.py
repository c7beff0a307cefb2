"""Apps that kill their process, and what starts them again: the half of the app, and the test's.

An app is a module that is run with a folder, which holds plan.json. Everything that happens
is a line of the folder's log, in the order in which it happened; each kill happens once: it
leaves a file behind. The supervisor holds the listening socket and forks, so that a restart
takes milliseconds and no port is ever lost.
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
    """The folder of an app, from within the app."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self.plan: dict[str, Any] = json.loads((self._folder / "plan.json").read_text())

    def note(self, *words: object) -> None:
        """Append a line that survives whatever comes next."""
        line = " ".join(map(str, words)) + "\n"
        log = os.open(self._folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(log, line.encode())
            os.fsync(log)
        finally:
            os.close(log)

    def die_once(self, place: str, *words: object) -> None:
        """Die here, if nobody has died at this place before."""
        try:
            os.close(os.open(self._folder / f"{place}-killed", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        self.note("kill", *words)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    def supervise(self, serve: Callable[[socket.socket], None]) -> None:
        """Serve in a child, and in the next one when it was killed."""
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
    """An app of this package and its supervisor, in a process group that ends with the block."""
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
