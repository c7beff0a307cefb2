"""The program that serves an app for development: `dev` starts it, and starts it again.

Its arguments are `module:attribute` of an ASGI, WSGI or Tornado app, the port, and a folder for
what it tells the engine. When the app cannot be served, it ends with status 3, and the reason is
in a file of the folder.

Its standard input is a pipe from the engine. When that is closed, by the engine or by its death,
it takes no more calls, answers those that are under way, and ends. A signal would not do: on
Windows, one can only kill a process. Not a server for production.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from inngest.dev._internal.commands.loading import (
    AppError,
    event_schemas,
    is_asgi,
    is_tornado,
    load,
)

CANNOT_BE_SERVED = 3
PROBLEM, SCHEMAS = "problem.txt", "schemas.json"
"""Files in the folder: why the app cannot be served, and the schemas of its event types."""
STOP_SECONDS = 5.0
"""How long calls that are under way may take to end."""


def main(argv: Sequence[str]) -> int:
    target, port, folder = argv[0], int(argv[1]), Path(argv[2])
    sys.path.insert(0, str(Path.cwd()))
    ending = Ending(_own_stdin())
    try:
        app = load(target)
        (folder / SCHEMAS).write_text(json.dumps(event_schemas()), encoding="utf-8")
        serve(app, port, ending)
    except AppError as error:
        (folder / PROBLEM).write_text(str(error), encoding="utf-8")
        return CANNOT_BE_SERVED
    except KeyboardInterrupt:  # a terminal's Ctrl-C is for the engine, which ends this, too
        return 0
    return 0


def _own_stdin() -> int:
    """Take the pipe from standard input, in whose place code of the app finds an empty file."""
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return pipe


class Ending:
    """Ends this process when nobody holds the other end of the pipe any more."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._begin: Callable[[], object] = _end_at_once
        threading.Thread(target=self._watch, daemon=True).start()

    def begins_by(self, begin: Callable[[], object]) -> None:
        """Give what has the server take no more calls. It will be called on another thread."""
        self._begin = begin

    def _watch(self) -> None:
        while os.read(self._pipe, 1024):
            pass
        self._begin()
        time.sleep(STOP_SECONDS)
        _end_at_once()


def _end_at_once() -> None:
    os._exit(0)


def serve(app: Any, port: int, ending: Ending) -> None:
    if is_tornado(app):
        _serve_tornado(app, port, ending)
    elif is_asgi(app):
        _serve_asgi(app, port, ending)
    else:
        with make_server("127.0.0.1", port, app, _ThreadedServer, _Quiet) as server:
            ending.begins_by(server.shutdown)
            server.serve_forever()


def _serve_asgi(app: Any, port: int, ending: Ending) -> None:
    import uvicorn

    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    ending.begins_by(lambda: setattr(server, "should_exit", True))
    with contextlib.suppress(SystemExit):  # uvicorn's way to say that it cannot start
        server.run()
    if not server.started:
        raise AppError("its startup has failed: the reason is above")


def _serve_tornado(app: Any, port: int, ending: Ending) -> None:
    import asyncio

    async def listen() -> None:
        stopped, idle, calls = asyncio.Event(), asyncio.Event(), set[Any]()
        prepare, log_request = app.find_handler, app.log_request

        def begins(request: Any, **options: Any) -> Any:
            calls.add(request)
            idle.clear()
            return prepare(request, **options)

        def ends(handler: Any) -> None:
            log_request(handler)
            calls.discard(handler.request)
            if not calls:
                idle.set()

        app.find_handler, app.log_request = begins, ends
        idle.set()
        server = app.listen(port, "127.0.0.1")
        loop = asyncio.get_running_loop()
        ending.begins_by(lambda: loop.call_soon_threadsafe(stopped.set))
        await stopped.wait()
        server.stop()
        await idle.wait()

    asyncio.run(listen())


class _ThreadedServer(ThreadingMixIn, WSGIServer):
    """Waits for its threads when it is closed."""

    daemon_threads = False
    request_queue_size = (
        128  # the library's 5 would refuse most calls that the engine makes at once
    )


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: the engine prints runs, and a line for each request would drown them."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
