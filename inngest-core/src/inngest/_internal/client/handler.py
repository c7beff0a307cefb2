"""The serve endpoint of a client, with the drivers that run it; the base of all transports."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any
from weakref import finalize

from inngest._internal.client.client import Inngest
from inngest._internal.client.config import ClientConfig
from inngest._internal.client.origin import parse_origin
from inngest._internal.errors import (
    BodyInvalidError,
    FunctionConfigInvalidError,
    SigningKeyMissingError,
    URLInvalidError,
)
from inngest._internal.flow import Flow
from inngest._internal.function.function import Function
from inngest._internal.http import streaming
from inngest._internal.http.app import App, callable_table, each_once
from inngest._internal.http.comm import CommRequest, CommResponse, CommStream
from inngest._internal.http.endpoint import Endpoint
from inngest._internal.http.gate import Gate
from inngest._internal.http.options import ServeOptions
from inngest._internal.http.serve_url import serve_url
from inngest._internal.http.streaming import STATUS
from inngest._internal.protocol.introspect import AppFacts
from inngest._internal.runtime.drivers import AsyncDriver, SyncDriver, Wait, run_coroutine
from inngest._internal.runtime.streams import AsyncStream, Cancellation, SyncStream
from inngest._internal.runtime.threads import Elsewhere, Surroundings, Threads

logger = logging.getLogger("inngest")

_mounted: dict[int, dict[str, str]] = {}
"""The app id at each path, by the ``id`` of a framework's app, which may not be hashable."""


class Handler:
    """Serves the functions of one client.

    :param clock: returns the time, in seconds since the epoch.
    :param surroundings: a context manager for sync functions on threads that the framework does
        not know, e.g. to close the thread's database connections.
    :param wait: runs a coroutine from sync code; for frameworks with a way of their own.
    :raises SigningKeyMissingError: there is no signing key in cloud mode.
    :raises FunctionConfigInvalidError: an argument is invalid, or two functions have the same id.
    :raises PluginError: a plugin whose failures are errors failed.
    :raises URLInvalidError: the public origin or a path is invalid.
    """

    def __init__(
        self,
        client: Inngest,
        functions: Sequence[Function[Any]],
        options: ServeOptions,
        *,
        clock: Callable[[], float] = time.time,
        surroundings: Surroundings = nullcontext,
        wait: Wait = run_coroutine,
    ) -> None:
        options = options.settled()
        problem = options.problem()
        if problem is not None:
            raise problem
        options = with_origin(options, "serve_origin")
        app = app_of(client, functions, options)
        client._plugins.verify_for(client)
        self._app_id = client.app_id
        self._endpoint = Endpoint(app, options, clock)
        self._functions = tuple(app.functions)
        self._keys = app.keys if client.is_production else ()
        self._options = options
        self._wait = wait
        self._http = client._http
        self._threads = Threads(options.max_threads, surroundings)
        self._sync_driver = SyncDriver(client._http, wait=wait)
        self._async_driver = AsyncDriver(client._http, self._threads)

    @property
    def mount_path(self) -> str:
        """The path to mount the endpoint at."""
        return self._options.mount_path

    def mount_on(self, app: object) -> str:
        """Return the path to mount the endpoint at. Log a warning if it is taken on ``app``.

        Frameworks then route all requests to the first endpoint, and the second gets none.
        """
        if id(app) not in _mounted:
            _mounted[id(app)] = {}
            finalize(app, _mounted.pop, id(app), None)
        first = _mounted[id(app)].setdefault(self.mount_path, self._app_id)
        if first != self._app_id:
            logger.warning(
                "the functions of %r cannot be reached: %s serves those of %r; give one of them "
                "another serve_path",
                self._app_id,
                self.mount_path,
                first,
            )
        return self.mount_path

    @property
    def functions(self) -> tuple[Function[Any], ...]:
        """The functions that are served."""
        return self._functions

    @property
    def authorizations(self) -> tuple[str, ...]:
        """The ``authorization`` headers for API requests, in the order in which they are tried."""
        return tuple(f"Bearer {key.bearer}" for key in self._keys)

    @property
    def waiting(self) -> int:
        """The number of sync functions that wait for a thread of the pool. Thread-safe."""
        return self._threads.waiting

    @property
    def is_streaming(self) -> bool:
        """Whether ``stream_sync`` and ``stream_async`` stream the responses to calls."""
        return self._options.is_streaming

    def handle(self, request: CommRequest) -> Flow[CommResponse]:
        """Handle a request, as a flow to run with a driver."""
        return self._endpoint.handle(request)

    def handle_sync(self, request: CommRequest) -> CommResponse:
        """Handle a request in the calling thread; async functions run on a new event loop."""
        return self._sync_driver.run(self.handle(request))

    async def handle_async(
        self, request: CommRequest, threads: Elsewhere | None = None
    ) -> CommResponse:
        """Handle a request on the running event loop; sync functions run in a thread pool.

        Cancel it when the client disconnects: an async function is cancelled with it.

        :param threads: runs sync functions instead, in frameworks with their own threads.
        """
        driver = self._async_driver if threads is None else AsyncDriver(self._http, threads)
        return await driver.run(self.handle(request))

    async def call_async(self, request: CommRequest) -> CommResponse:
        """Handle a call from an authenticated channel, such as a WebSocket.

        Signatures are neither verified nor created.
        """
        return await self._async_driver.run(self._endpoint.call(request))

    def stream_sync(self, request: CommRequest) -> CommResponse | CommStream[SyncStream]:
        """Handle a request like ``handle_sync``; stream the response to a call if configured."""
        admitted = self._endpoint.admit(request)
        flow = self._endpoint.answer(admitted)
        if not self._endpoint.is_streamed(admitted):
            return self._sync_driver.run(flow)
        cancellation = Cancellation(self._wait)
        chunks = SyncStream(
            partial(SyncDriver(self._http, wait=cancellation.run).run, flow),
            threads=self._threads,
            cancel=cancellation.cancel,
            interval=self._interval,
        )
        return CommStream(status=STATUS, headers=self._endpoint.stream_headers(), chunks=chunks)

    async def stream_async(self, request: CommRequest) -> CommResponse | CommStream[AsyncStream]:
        """Handle a request like ``handle_async``; stream the response to a call if configured."""
        admitted = self._endpoint.admit(request)
        work = partial(self._async_driver.run, self._endpoint.answer(admitted))
        if not self._endpoint.is_streamed(admitted):
            return await work()
        chunks = AsyncStream(work, interval=self._interval)
        return CommStream(status=STATUS, headers=self._endpoint.stream_headers(), chunks=chunks)

    def public_url(self, path: str, *, origin: str | None = None) -> str | None:
        """Return the URL of the endpoint mounted at ``path``; ``None`` if no origin is known.

        :param origin: the public origin, in place of the configured one.
        :raises URLInvalidError: the origin is invalid.
        """
        options = self._options
        if origin:
            options = with_origin(dataclasses.replace(options, serve_origin=origin), "origin")
        if options.origin is None:
            return None
        return serve_url(path, origin=options.origin, public_path=options.public_path)

    def register_sync(self, url: str) -> CommResponse:
        """Register the app with the Inngest server under ``url``."""
        return self._sync_driver.run(self._endpoint.register(url))

    def refuse(self, message: str) -> CommResponse:
        """Answer input that could not be read as a request."""
        return self._endpoint.refuse(BodyInvalidError(message))

    def close(self) -> None:
        """End the threads, each when its current work has finished. The handler stays usable."""
        self._threads.close()

    async def aclose(self) -> None:
        """End the threads like :meth:`close`, and close the running loop's connections."""
        self.close()
        await self._http.close_current_loop()

    @property
    def _interval(self) -> float:
        given = self._options.keep_alive_seconds
        return streaming.KEEP_ALIVE_SECONDS if given is None else given


def with_origin(options: ServeOptions, argument: str) -> ServeOptions:
    """Return the options with a normalized public origin. A host without a scheme is accepted.

    :param argument: the name of the argument, for the error.
    :raises URLInvalidError: the origin is invalid.
    """
    if options.origin is None:
        return options
    origin = parse_origin(options.origin, source=f"{argument} (INNGEST_SERVE_ORIGIN)")
    if isinstance(origin, URLInvalidError):
        raise origin
    return dataclasses.replace(options, serve_origin=origin)


def app_of(client: Inngest, functions: Sequence[Function[Any]], options: ServeOptions) -> App:
    """Return a client and its functions as an app.

    :raises SigningKeyMissingError: there is no signing key in cloud mode.
    :raises FunctionConfigInvalidError: ``client`` is not one, or ``functions`` is invalid.
    """
    config = getattr(client, "_config", None)
    if not isinstance(config, ClientConfig):
        raise FunctionConfigInvalidError(
            f"serve() needs an inngest.Inngest as its client, not a {type(client).__name__}; "
            "check the order of its arguments"
        )
    table = callable_table(functions, client._checkpointing)
    functions = each_once(functions)
    if client.is_production and not config.signing_keys:
        raise SigningKeyMissingError(
            "cloud mode needs a signing key: set INNGEST_SIGNING_KEY or "
            "Inngest(signing_key=...), or INNGEST_DEV=1 for a Dev Server"
        )
    facts = AppFacts(
        app_id=client.app_id,
        api_origin=config.api_origin,
        event_api_origin=config.event_api_origin,
        function_count=len(functions),
        mode=config.mode,
        env=config.env,
        framework=options.framework,
        event_key=config.event_key,
        signing_key=config.signing_key,
        signing_key_fallback=config.signing_key_fallback,
        serve_origin=options.origin,
        serve_path=options.known_path,
        app_version=client.app_version,
    )
    return App(
        facts=facts,
        keys=config.signing_keys,
        timeout=config.timeout,
        functions=functions,
        table=table,
        client=client,
        logger=lambda: client.logger,
        middleware=client._all_middleware,
        serializer=client._serializer,
        find_serializer=client._find_serializer,
        checkpoint_gate=Gate(),
    )
