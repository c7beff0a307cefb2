"""`python -m inngest dev`, started again whenever it is killed.

    python crash_engine.py ARGUMENT...

Prints `engine PID` for each of its lives and `killed` after it, and starts the next one at a
line of its input. It forks, so that a restart takes milliseconds; the engine is the child's
main thread, as it is of the command.
"""

from __future__ import annotations

import os
import signal
import sys

from inngest.dev import DevServer
from inngest.dev._internal.commands.dev import main


def supervise(arguments: list[str]) -> None:
    with DevServer(port=0):
        """All that is imported late is imported once."""
    while True:
        child = os.fork()
        if child == 0:
            print(f"engine {os.getpid()}", flush=True)
            os._exit(main(arguments))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"the engine ended by itself: {status}")
        print("killed", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    supervise(sys.argv[1:])
