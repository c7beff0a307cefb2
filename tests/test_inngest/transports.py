"""All transports of this project, on real servers that run on threads."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import django
import fastapi
import flask
import tornado.httpserver
import tornado.web
import uvicorn
from django.conf import settings
from werkzeug.serving import make_server

import inngest.asgi
import inngest.digital_ocean
import inngest.django
import inngest.fast_api
import inngest.flask
import inngest.tornado
import inngest.wsgi
from inngest.digital_ocean import simulator

STOP_SECONDS = 60.0
CLIENTS: list[inngest.Inngest] = []


@dataclass(frozen=True)
class Transport:
    """How to build an app of a framework, and how to run it."""

    name: str
    make: Callable[..., Any]
    run: Callable[[Any], AbstractContextManager[str]]
    streams: bool = True
    is_called: bool = True
    """Whether a server calls it at a URL; else it finds the server, and registers, by itself."""
    path: str = "/api/inngest"
    framework: str = ""

    def build(self, client: inngest.Inngest, functions: Any, **options: Any) -> Any:
        """Make an app. The client's connections are closed with the app's event loop, if any."""
        CLIENTS.append(client)
        return self.make(client, functions, **options)


@contextmanager
def on_thread(work: Callable[[], object], stop: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(STOP_SECONDS)
        assert not thread.is_alive()


@contextmanager
def on_werkzeug(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    try:
        with on_thread(lambda: server.serve_forever(0.005), server.shutdown):
            yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.server_close()


class LoopServer:
    """An asyncio server on its own thread, running once ``ready`` is set."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def run(self) -> None:
        asyncio.run(self.serve())

    async def serve(self) -> None:
        raise NotImplementedError

    async def until_stopped(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()
        await self._stopping.wait()
        while CLIENTS:
            await CLIENTS.pop().aclose()

    def stop(self) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    @contextmanager
    def running(self) -> Iterator[str]:
        with on_thread(self.run, self.stop):
            assert self.ready.wait(STOP_SECONDS)
            yield f"http://127.0.0.1:{self.listener.getsockname()[1]}"


class Uvicorn(LoopServer):
    def __init__(self, listener: socket.socket, app: Any, **options: Any) -> None:
        super().__init__(listener)
        config = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 1}
        self._config = uvicorn.Config(app, **{**config, **options})

    async def serve(self) -> None:
        outer = self

        class Server(uvicorn.Server):
            """A uvicorn server that stops at once, without a polling interval of 0.1 s."""

            async def main_loop(self) -> None:
                await self.on_tick(0)
                await outer.until_stopped()

            async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                state = self.server_state
                for connection in [] if state.tasks else list(state.connections):
                    connection.shutdown()
                for _ in range(3):  # of the loop: then closed connections are gone
                    await asyncio.sleep(0)
                if state.connections or state.tasks:
                    await super().shutdown(sockets)
                    return
                for each in (*self.servers, *(sockets or ())):
                    each.close()
                await self.lifespan.shutdown()

        await Server(self._config).serve(sockets=[self.listener])


class Tornado(LoopServer):
    def __init__(self, listener: socket.socket, app: tornado.web.Application) -> None:
        super().__init__(listener)
        self._app = app

    async def serve(self) -> None:
        self.listener.setblocking(False)
        server = tornado.httpserver.HTTPServer(self._app, xheaders=True)
        server.add_socket(self.listener)
        await self.until_stopped()
        server.stop()
        await server.close_all_connections()


def listening() -> socket.socket:
    """Make a listening socket with ``TCP_NODELAY``, which asyncio's own sockets have, too."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextmanager
def on_uvicorn(app: Any, **options: Any) -> Iterator[str]:
    with (
        listening() as listener,
        Uvicorn(listener, app, **options).running() as origin,
    ):
        yield origin


@contextmanager
def on_tornado(app: Any) -> Iterator[str]:
    with (
        listening() as listener,
        Tornado(listener, app).running() as origin,
    ):
        yield origin


def set_up_django() -> None:
    if settings.configured:
        return
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.devnull}},
        INSTALLED_APPS=["inngest.django"],
        MIDDLEWARE=[
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        ROOT_URLCONF=(),
        SECRET_KEY="not for production",
        USE_X_FORWARDED_HOST=True,
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    )
    django.setup()


def django_wsgi(pattern: Any) -> Any:
    """Make a WSGI app with its own Django settings, although Django's are global."""
    from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

    class Handler(WSGIHandler):
        request_class = type("Request", (WSGIRequest,), {"urlconf": (pattern,)})

    return Handler()


def django_asgi(pattern: Any) -> Any:
    from django.core.handlers.asgi import ASGIHandler, ASGIRequest

    class Handler(ASGIHandler):
        request_class = type("Request", (ASGIRequest,), {"urlconf": (pattern,)})

    return Handler()


def build_flask(client: Any, functions: Any, **options: Any) -> Any:
    app = flask.Flask("served")
    inngest.flask.serve(app, client, functions, **options)
    return app


def build_fast_api(client: Any, functions: Any, **options: Any) -> Any:
    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, client, functions, **options)
    return app


def build_tornado(client: Any, functions: Any, **options: Any) -> Any:
    app = tornado.web.Application(xsrf_cookies=True, log_function=lambda handler: None)
    inngest.tornado.serve(app, client, functions, **options)
    return app


def build_digital_ocean(client: Any, functions: Any, **options: Any) -> Any:
    return simulator.Simulator(inngest.digital_ocean.serve(client, functions, **options))


def build_django_wsgi(client: Any, functions: Any, **options: Any) -> Any:
    set_up_django()
    return django_wsgi(inngest.django.serve(client, functions, **options))


def build_django_asgi(client: Any, functions: Any, **options: Any) -> Any:
    set_up_django()
    return django_asgi(inngest.django.serve(client, functions, **options))


def run_django_asgi(app: Any) -> AbstractContextManager[str]:
    return on_uvicorn(app, lifespan="off")


TRANSPORTS = {
    found.name: found
    for found in [
        Transport("asgi", inngest.asgi.serve, on_uvicorn, framework="asgi"),
        Transport(
            "digital_ocean",
            build_digital_ocean,
            on_werkzeug,
            streams=False,
            path=simulator.FULL_PATH,
            framework="digitalocean",
        ),
        Transport("django_asgi", build_django_asgi, run_django_asgi, framework="django"),
        Transport("django_wsgi", build_django_wsgi, on_werkzeug, framework="django"),
        Transport("fast_api", build_fast_api, on_uvicorn, framework="fast_api"),
        Transport("flask", build_flask, on_werkzeug, framework="flask"),
        Transport("tornado", build_tornado, on_tornado, framework="tornado"),
        Transport("wsgi", inngest.wsgi.serve, on_werkzeug, framework="wsgi"),
    ]
}
