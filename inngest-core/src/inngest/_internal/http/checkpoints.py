"""Record steps while a call goes on, and hand back what could not be recorded.

A step's result is recorded before code goes on that depends on it, unless the user asks for
a buffer. What the server does not take travels in the call's answer instead: nothing is
lost by an outage, which only costs what checkpointing saves.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from inngest._internal.api.checkpoint import TIMEOUT, record_steps
from inngest._internal.duration import seconds
from inngest._internal.engine.execution import CallFacts
from inngest._internal.errors import CheckpointFailedError, Error, StaleDispatchError
from inngest._internal.flow import NOTHING, Flow
from inngest._internal.function.checkpointing import Checkpointing
from inngest._internal.http.app import App
from inngest._internal.middleware.stack import Stack
from inngest._internal.op import Op
from inngest._internal.protocol.request import CallRequest
from inngest._internal.protocol.response import encode_ops
from inngest._internal.step.invocation import Keeper
from inngest._internal.step.transform import transform_op

logger = logging.getLogger("inngest")

MAX_BUFFER_BYTES: Final = 3 * 1024 * 1024
"""Of outputs. With one more, of 4 MB, they fit into an answer, of which a server reads 8."""


class Recorder(Keeper, Protocol):
    """Keeps the steps of a call that goes on."""

    def settle(self) -> Flow[list[Op] | StaleDispatchError]:
        """Record what is left, and return what could not be: the call is about to end."""
        ...


class NoCheckpoints:
    """Each step ends the call, and travels in its answer."""

    is_on = False
    can_stop = True

    def keep(self, op: Op, hooks: Stack, deferred: Sequence[Op]) -> Flow[Op | Error | None]:
        """Report the step."""
        yield from NOTHING
        return op

    def settle(self) -> Flow[list[Op] | StaleDispatchError]:
        """Nothing is left."""
        yield from NOTHING
        return []


class Checkpoints:
    """The steps of one call that the server may not know yet."""

    can_stop = True

    def __init__(
        self, app: App, options: Checkpointing, call_request: CallRequest, facts: CallFacts
    ) -> None:
        self._app = app
        self._options = options
        self._call_request = call_request
        self._facts = facts
        self._gate = app.checkpoint_gate
        self._may_record = facts.target is None and not facts.plan_only and facts.attempt == 0
        self._last_record = self._gate.clock()
        self._ends = self._last_record + seconds(options.max_runtime)
        self._started_at = _milliseconds()
        self._buffer: list[Op] = []
        self._bytes = 0

    @property
    def is_on(self) -> bool:
        """Whether the next step may be recorded, for code to go on."""
        return self._may_record and self._gate.is_open

    def keep(self, op: Op, hooks: Stack, deferred: Sequence[Op]) -> Flow[Op | Error | None]:
        """Take the result of a step, or return what is to be reported: the call is to end.

        Deferred calls travel in answers alone. Nor can code go on with what only hooks could
        make JSON of, and may make something else of where it is read.
        """
        if deferred or op.is_shown or op.error is not None:
            return op
        if not self.is_on or self._is_late():
            return op
        transformed = yield from transform_op(hooks, op, self._facts)
        if isinstance(transformed, Error) or transformed.error is not None:
            return transformed
        self._buffer.append(transformed)
        self._bytes += len(transformed.data.encode("utf-8", "backslashreplace"))
        if not self._is_due():
            return None
        failure = yield from self._record()
        if isinstance(failure, CheckpointFailedError):
            return self._buffer.pop()  # reported like any other, behind those that are left
        return failure

    def settle(self) -> Flow[list[Op] | StaleDispatchError]:
        """Record what is left, and return what could not be: the call is about to end."""
        if self._buffer and self.is_on:
            failure = yield from self._record()
            if isinstance(failure, StaleDispatchError):
                return failure
        return self._buffer

    def _record(self) -> Flow[CheckpointFailedError | StaleDispatchError | None]:
        end = max(self._ends, self._gate.clock() + TIMEOUT)
        failure = yield from record_steps(
            self._call_request.run_id,
            encode_ops(self._buffer),
            self._dispatch(),
            access=self._app.access,
            jitter=lambda: random.uniform(0, 0.1),
            has_time=lambda: self._gate.clock() < end,
        )
        if isinstance(failure, CheckpointFailedError):
            self._give_up(failure)
            return failure
        self._last_record = self._gate.clock()
        self._bytes = 0
        self._buffer = []  # with the server, or with the call that has taken over
        return failure

    def _give_up(self, failure: CheckpointFailedError) -> None:
        if failure.is_of_one_run:
            logger.warning("%s; this call's steps travel in its answer", failure.message)
            self._may_record = False
        else:
            logger.warning("%s; steps are reported one by one for a while", failure.message)
            self._gate.shut()

    def _dispatch(self) -> Mapping[str, object]:
        return {
            "run_id": self._call_request.run_id,
            "fn_id": self._call_request.fn_id,
            "qi_id": self._call_request.qi_id,
            "request_id": self._call_request.request_id,
            "generation_id": self._call_request.generation_id,
            "request_started_at": self._started_at,
            "ts": _milliseconds(),
        }

    def _is_late(self) -> bool:
        return self._gate.clock() >= self._ends

    def _is_due(self) -> bool:
        if len(self._buffer) >= self._options.buffered_steps or self._bytes >= MAX_BUFFER_BYTES:
            return True
        interval = self._options.max_interval
        passed = self._gate.clock() - self._last_record
        return interval is not None and passed >= seconds(interval)


def _milliseconds() -> int:
    return int(time.time() * 1000)


__all__ = ["Checkpoints", "NoCheckpoints", "Recorder"]
