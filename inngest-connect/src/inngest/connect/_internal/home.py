"""The event loop that called ``start()``: it executes the calls and learns of the worker's end.

It belongs to the user, whose code may block it for long or close it before the worker has ended.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.loops import call_on
from inngest.connect._internal.messages import internal_error
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import CommResponse

logger = logging.getLogger("inngest.connect")
Execute = Callable[[wire.GatewayExecutorRequestData], Awaitable[CommResponse]]
ORPHANED: Final = (
    "the event loop that called start() is closed, and the worker cannot run without it: "
    "await start() until it returns"
)


class Home:
    """Created on that loop. ``execute`` and ``end`` may be called from any thread.

    :param execute: executes a call.
    :param replied: receives every response, on that loop.
    """

    def __init__(self, execute: Execute, replied: Callable[[str, CommResponse], None]) -> None:
        self._execute, self._replied = execute, replied
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._executing: set[asyncio.Task[None]] = set()
        self.ended: asyncio.Future[ConnectError | None] = self._loop.create_future()
        """Resolved when the worker has ended, with the error that ended it, if any."""

    @property
    def is_closed(self) -> bool:
        """Whether the loop is closed, so that no call can be executed."""
        return self._loop.is_closed()

    def execute(self, request: wire.GatewayExecutorRequestData) -> bool:
        """Execute a call in a task. Return ``False`` if the loop is closed."""
        return call_on(self._loop, self._begin, request, context=self._context.copy())

    def end(self, error: ConnectError | None) -> bool:
        """Report the worker's end. Return ``False`` if the loop is closed."""
        return call_on(self._loop, self.ended.set_result, error)

    async def cancel_calls(self) -> None:
        """Cancel the running calls and wait for their tasks."""
        for task in list(self._executing):
            task.cancel()
        if self._executing:
            await asyncio.wait(self._executing)

    def _begin(self, request: wire.GatewayExecutorRequestData) -> None:
        task = self._loop.create_task(self._answer(request))
        self._executing.add(task)
        task.add_done_callback(self._executing.discard)

    async def _answer(self, request: wire.GatewayExecutorRequestData) -> None:
        try:
            response = await self._execute(request)
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # e.g. GeneratorExit: the server waits for a reply
            logger.error("connect: a call failed inside the library", exc_info=error)
            response = internal_error()
        self._replied(request.request_id, response)
