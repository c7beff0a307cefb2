"""Route calls to the apps under test: which handler answers, and on which thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from inngest import Function, Inngest
from inngest.dev._internal.testing.context import calling
from inngest.transport import CommRequest, CommResponse, Handler, ServeOptions

Elsewhere = Callable[[Callable[[], CommResponse]], Awaitable[CommResponse]]
"""Runs blocking work off the loop, e.g. on the test's own thread (see `pump`)."""


class Apps:
    """Answers like one app that has all the functions.

    :param elsewhere: runs sync functions; the handler's threads by default.
    """

    def __init__(self, elsewhere: Elsewhere | None) -> None:
        self._elsewhere = elsewhere
        self._handlers: dict[str, Handler] = {}
        self._of_function: dict[str, tuple[Handler, bool]] = {}

    def add(self, client: Inngest, functions: Sequence[Function[Any]]) -> str:
        """Serve these functions, and return the URL to register."""
        handler = Handler(client, functions, ServeOptions(framework="testing", environ={}))
        url = f"http://app-{len(self._handlers)}.test{handler.mount_path}"
        self._handlers[url] = handler
        for function in functions:
            known = (handler, function.is_handler_async)
            self._of_function[function.id] = known
            if function.on_failure_fn_id is not None:
                self._of_function[function.on_failure_fn_id] = known
        return url

    async def handle_async(self, request: CommRequest) -> CommResponse:
        function_id = request.query.get("fnId", "")
        found = self._of_function.get(function_id)
        if found is None:
            parts = urlsplit(request.url)
            handler = self._handlers[f"{parts.scheme}://{parts.netloc}{parts.path}"]
            return await handler.handle_async(request)
        handler, is_async = found
        with calling(function_id, request.headers):
            if is_async or self._elsewhere is None:
                return await handler.handle_async(request)
            return await self._elsewhere(partial(handler.handle_sync, request))

    def close(self) -> None:
        for handler in self._handlers.values():
            handler.close()
