"""The endpoint of one client, with drivers to run it. What every transport is built on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from inngest._internal.client.client import Inngest
from inngest._internal.client.origin import parse_origin
from inngest._internal.errors import SigningKeyMissingError, URLInvalidError
from inngest._internal.flow import Flow
from inngest._internal.function.function import Function
from inngest._internal.http.app import App, callable_table
from inngest._internal.http.comm import CommRequest, CommResponse
from inngest._internal.http.endpoint import Endpoint
from inngest._internal.http.options import ServeOptions
from inngest._internal.protocol.introspect import AppFacts
from inngest._internal.runtime.drivers import AsyncDriver, SyncDriver


class Handler:
    """Serves the functions of one client.

    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises FunctionConfigInvalidError: no functions, or two of one id.
    :raises URLInvalidError: the public origin cannot be used.
    """

    def __init__(
        self,
        client: Inngest,
        functions: Sequence[Function[Any]],
        options: ServeOptions,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if options.origin is not None:
            origin = parse_origin(options.origin, source="serve_origin (INNGEST_SERVE_ORIGIN)")
            if isinstance(origin, URLInvalidError):
                raise origin
        app = _app(client, functions, options)
        if client.is_production and not app.keys:
            raise SigningKeyMissingError(
                "cloud mode needs a signing key: set INNGEST_SIGNING_KEY or "
                "Inngest(signing_key=...), or INNGEST_DEV=1 for a Dev Server"
            )
        self._endpoint = Endpoint(app, options, clock)
        self._mount_path = options.mount_path
        self._sync_driver = SyncDriver(client._http)
        self._async_driver = AsyncDriver(client._http)

    @property
    def mount_path(self) -> str:
        """The path to mount the endpoint at."""
        return self._mount_path

    def handle(self, request: CommRequest) -> Flow[CommResponse]:
        """Answer a request, as a flow for a driver of your own."""
        return self._endpoint.handle(request)

    def handle_sync(self, request: CommRequest) -> CommResponse:
        """Answer a request in the calling thread; async functions get a loop of their own."""
        return self._sync_driver.run(self.handle(request))

    async def handle_async(self, request: CommRequest) -> CommResponse:
        """Answer a request on the running loop; sync functions get a thread of their own."""
        return await self._async_driver.run(self.handle(request))


def _app(client: Inngest, functions: Sequence[Function[Any]], options: ServeOptions) -> App:
    config = client._config
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
        functions=list(functions),
        table=callable_table(functions),
        client=client,
        logger=lambda: client.logger,
        middleware=lambda: client.middleware,
        serializer=client._serializer,
        send=client.send,
        send_sync=client.send_sync,
    )
