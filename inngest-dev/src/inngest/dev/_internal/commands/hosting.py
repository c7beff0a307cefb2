"""Serve an app in this process for development: what `dev --app` starts, and starts again.

Takes an ASGI or WSGI app, or a Tornado application, as `module:attribute`. Not a server
for production. Ends with status 3, and one message, when the app cannot be served. When the
engine's end of the pipe is closed, by the engine or by its death, it takes no more calls, and
answers those that are under way. Signals would not do: Windows can only kill a process.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from inngest.dev._internal.commands.discovery import NAMES

if sys.version_info >= (3, 14):
    import annotationlib

CANNOT_BE_SERVED = 3
PROBLEM, SCHEMAS = "problem.txt", "schemas.json"
"""Files in the folder that is given: why it cannot be served, and what its import made."""
STOP_SECONDS = 5.0
"""How long calls that are under way may take to end."""


class AppError(Exception):
    """The app cannot be had. The message says why."""


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
    """The pipe to the engine, which nobody else is to read: code of the app finds an end."""
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
        """What has the server take no more calls. It is called from another thread."""
        self._begin = begin

    def _watch(self) -> None:
        while os.read(self._pipe, 1024):
            pass
        self._begin()
        time.sleep(STOP_SECONDS)
        _end_at_once()


def _end_at_once() -> None:
    os._exit(0)


def load(target: str) -> Any:
    """The app, or what a factory, a function without parameters, makes."""
    module_name, _, attribute = target.partition(":")
    if "/" in target or "\\" in target or target.endswith(".py"):
        raise AppError(f"{target} is a path; name the module and the app, such as app:app")
    if not module_name:
        raise AppError(f"{target!r} names no module; name the module and the app, such as app:app")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise AppError(_import_failure(module_name, error)) from error
    found: Any = module
    if not attribute:
        attribute = next((name for name in NAMES if hasattr(module, name)), NAMES[0])
    for name in attribute.split("."):
        found = getattr(found, name, None)
        if found is None:
            names = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
            known = ", ".join(sorted(names)[:12]) or "nothing callable"
            raise AppError(f"{module_name} has no {attribute!r}; it has: {known}")
    if _is_factory(found):
        try:
            found = found()
        except Exception as error:
            raise AppError(_import_failure(module_name, error)) from error
    if not (_is_tornado(found) or _takes_requests(found)):
        kind = f"{type(found).__module__}.{type(found).__qualname__}"
        raise AppError(
            f"{target} is no ASGI, WSGI or Tornado app: it is a {kind}; if it has a server of its "
            "own, start that, and give --url"
        )
    return found


def _is_tornado(app: Any) -> bool:
    return any(base.__module__.startswith("tornado.") for base in type(app).__mro__)


def _takes_requests(app: Any) -> bool:
    """Whether it can be called with a request, which is two arguments for WSGI, or more."""
    if not callable(app):
        return False
    try:
        parameters = _parameters(app)
    except (TypeError, ValueError):
        return True
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return (
        any(p.kind is p.VAR_POSITIONAL for p in parameters)
        or sum(p.kind in positional for p in parameters) >= 2
    )


def _is_factory(found: Any) -> bool:
    if not inspect.isroutine(found) or inspect.iscoroutinefunction(found):
        return False
    try:
        parameters = _parameters(found)
    except (TypeError, ValueError):
        return False
    return all(p.default is not p.empty or p.kind is p.VAR_KEYWORD for p in parameters)


def _parameters(call: Callable[..., object]) -> list[inspect.Parameter]:
    """Python 3.14 evaluates annotations for that unless told not to: they may have no meaning."""
    if sys.version_info >= (3, 14):
        text = annotationlib.Format.STRING
        return list(inspect.signature(call, annotation_format=text).parameters.values())
    return list(inspect.signature(call).parameters.values())


def event_schemas() -> dict[str, Any]:
    """The JSON schemas of all event types that the import has made, by event name."""
    from inngest import EventType

    found: dict[str, Any] = {}
    for each in gc.get_objects():
        if type(each) is EventType:
            try:
                found[each.name] = each.model.model_json_schema()
            except Exception:  # noqa: S112 - a hint less: not every model has a schema
                continue
    return found


def serve(app: Any, port: int, ending: Ending) -> None:
    if _is_tornado(app):
        _serve_tornado(app, port, ending)
    elif is_asgi(app):
        _serve_asgi(app, port, ending)
    else:
        with make_server("127.0.0.1", port, app, _ThreadedServer, _Quiet) as server:
            ending.begins_by(server.shutdown)
            server.serve_forever()


def is_asgi(app: Any) -> bool:
    call = app if inspect.isroutine(app) else getattr(app, "__call__", None)  # noqa: B004
    if inspect.iscoroutinefunction(call):
        return True
    try:
        parameters = _parameters(app)
    except (TypeError, ValueError):
        return False
    return len(parameters) == 3


def _serve_asgi(app: Any, port: int, ending: Ending) -> None:
    import uvicorn

    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    ending.begins_by(lambda: setattr(server, "should_exit", True))
    with contextlib.suppress(SystemExit):  # which is how it ends if it cannot start
        server.run()
    if not server.started:  # it has logged why
        raise AppError("its startup has failed")


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


def _import_failure(module_name: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == module_name.partition(".")[0]:
        return f"there is no module {module_name!r} in {Path.cwd()} or installed"
    ours = (__file__, importlib.__file__)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename not in ours and "importlib" not in frame.filename
    ]
    told = "".join(traceback.format_list(frames))
    last = "".join(traceback.format_exception_only(type(error), error))
    return f"{module_name} cannot be imported:\n{told}{last}".rstrip()


class _ThreadedServer(ThreadingMixIn, WSGIServer):
    """Waits for its threads when it is closed."""

    daemon_threads = False
    request_queue_size = 128  # of five, most of the engine's calls would have to knock again


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The engine tells of runs; lines for requests would drown them."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
