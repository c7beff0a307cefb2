"""Serve an app in this process for development: what `dev --app` starts, and starts again.

Takes an ASGI or WSGI app, or a Tornado application, as `module:attribute`. Not a server
for production. Ends with status 3, and one message, when the app cannot be imported. Asked to
end, it takes no more calls, and answers those that are under way.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from inngest.dev._internal.commands.discovery import NAMES

if sys.version_info >= (3, 14):
    import annotationlib

IMPORT_FAILED = 3
PROBLEM, SCHEMAS = "problem.txt", "schemas.json"
"""Files in the folder that is given: why the import failed, and what it made."""


class AppError(Exception):
    """The app cannot be had. The message says why."""


def main(argv: Sequence[str]) -> int:
    target, port, folder = argv[0], int(argv[1]), Path(argv[2])
    sys.path.insert(0, str(Path.cwd()))
    threading.Thread(target=_end_with_the_engine, args=(_own_stdin(),), daemon=True).start()
    try:
        app = load(target)
        (folder / SCHEMAS).write_text(json.dumps(event_schemas()), encoding="utf-8")
        serve(app, port)
    except AppError as error:
        (folder / PROBLEM).write_text(str(error), encoding="utf-8")
        return IMPORT_FAILED
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


def _end_with_the_engine(pipe: int) -> None:
    """An engine that was killed cannot end this; but its end of the pipe is closed then."""
    while os.read(pipe, 1024):
        pass
    os._exit(0)


def load(target: str) -> Any:
    """The app, or what a factory, a function without parameters, makes."""
    module_name, _, attribute = target.partition(":")
    if "/" in target or "\\" in target or target.endswith(".py"):
        raise AppError(f"{target} is a path; name the module and the app, such as app:app")
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
    if not callable(found):
        kind = f"{type(found).__module__}.{type(found).__qualname__}"
        raise AppError(f"{target} is no ASGI, WSGI or Tornado app: it is a {kind}")
    return found


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


def serve(app: Any, port: int) -> None:
    if any(base.__module__.startswith("tornado.") for base in type(app).__mro__):
        _serve_tornado(app, port)
    elif is_asgi(app):
        import uvicorn

        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", ws="none")
    else:
        with make_server("127.0.0.1", port, app, _ThreadedServer, _Quiet) as server:
            signal.signal(signal.SIGTERM, lambda *_: _shut_down(server))
            server.serve_forever()


def _shut_down(server: WSGIServer) -> None:
    """From a signal handler: it waits for the loop that the handler interrupts."""
    threading.Thread(target=server.shutdown, daemon=True).start()


def is_asgi(app: Any) -> bool:
    call = app if inspect.isroutine(app) else getattr(app, "__call__", None)  # noqa: B004
    if inspect.iscoroutinefunction(call):
        return True
    try:
        parameters = _parameters(app)
    except (TypeError, ValueError):
        return False
    return len(parameters) == 3


def _serve_tornado(app: Any, port: int) -> None:
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
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
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
