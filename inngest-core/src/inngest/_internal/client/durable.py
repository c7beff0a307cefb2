"""A durable endpoint of a client, with the drivers that run it."""

from __future__ import annotations

import dataclasses
import inspect
import time
from collections.abc import Callable
from typing import Any

from inngest._internal.client.client import Inngest
from inngest._internal.client.handler import app_of, with_origin
from inngest._internal.errors import URLInvalidError
from inngest._internal.function.config import TriggerEvent
from inngest._internal.function.function import Function
from inngest._internal.function.options import FunctionOptions
from inngest._internal.http.comm import CommRequest, CommResponse
from inngest._internal.http.durable import DurableEndpoint, DurableOptions, Origin
from inngest._internal.http.durable_messages import (
    HTTP_EVENT,
    RequestBodyError,
    Response,
    request_of,
    stored,
)
from inngest._internal.http.options import ServeOptions
from inngest._internal.runtime.drivers import AsyncDriver, SyncDriver
from inngest._internal.runtime.threads import Threads
from inngest._internal.serialization.annotations import return_type
from inngest._internal.serialization.codec import PLAIN, Codec


class DurableHandler:
    """Handles requests with a handler whose steps are durable."""

    def __init__(
        self,
        client: Inngest,
        handler: Callable[..., object],
        options: DurableOptions,
        *,
        framework: str,
    ) -> None:
        serve = with_origin(
            ServeOptions(framework=framework, serve_origin=options.origin), "origin"
        )
        options = dataclasses.replace(options, origin=serve.origin)
        fn_id = options.fn_id or str(getattr(handler, "__name__", "endpoint"))
        function: Function[Any] = Function(
            FunctionOptions(
                app_id=client.app_id,
                local_id=fn_id,
                name=fn_id,
                triggers=(TriggerEvent(event=HTTP_EVENT),),
                retries=options.retries,
            ),
            _function_handler(handler, f'endpoint "{fn_id}"'),
        )
        app = app_of(client, [function], serve)
        if client.is_production and options.origin is None:
            raise URLInvalidError(
                "a durable endpoint in cloud mode needs origin (INNGEST_SERVE_ORIGIN): the server "
                "sends signed requests there, so the host cannot be taken from a client's request"
            )
        self._client = client
        self._threads = Threads(serve.max_threads)
        # The output is a stored response already: the client's serializer does not apply.
        called = dataclasses.replace(app.table[function.id], codec=Codec(is_settled=True))
        self._endpoint = DurableEndpoint(app, called, options, time.time)

    def handle_sync(self, request: CommRequest, origin: Origin) -> CommResponse:
        """Handle a request in the calling thread."""
        return SyncDriver(self._client._http).run(self._endpoint.handle(request, origin))

    async def handle_async(self, request: CommRequest, origin: Origin) -> CommResponse:
        """Handle a request on the running event loop; a sync handler runs in a thread."""
        driver = AsyncDriver(self._client._http, self._threads)
        return await driver.run(self._endpoint.handle(request, origin))

    async def aclose(self) -> None:
        """End the threads, and close the running loop's connections."""
        self._threads.close()
        await self._client._http.close_current_loop()


def _function_handler(handler: Callable[..., object], what: str) -> Callable[..., object]:
    """Wrap an endpoint's handler as a function's, which takes only the context."""
    codec = Codec(typ=return_type(handler))

    async def handle_async(ctx: Any) -> dict[str, object]:
        result: Any = handler(ctx, request_of(ctx.event))
        try:
            return stored(await result, codec, what)
        except RequestBodyError as error:
            return _invalid_request(error)

    def handle_sync(ctx: Any) -> dict[str, object]:
        try:
            return stored(handler(ctx, request_of(ctx.event)), codec, what)
        except RequestBodyError as error:
            return _invalid_request(error)

    return handle_async if inspect.iscoroutinefunction(handler) else handle_sync


def _invalid_request(error: RequestBodyError) -> dict[str, object]:
    answer = Response(status=error.answer_status, body={"error": error.message})
    return stored(answer, PLAIN, "the response to an invalid request")


__all__ = ["DurableHandler"]
