"""Checkpoint steps on the server during a call, and return those that could not be.

Unless the user configures a buffer, a step's result is recorded before any code that depends on
it runs. Steps that the server does not accept are reported in the response instead: an outage
loses nothing but the speed-up by checkpointing.
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
"""The maximum size of buffered outputs. Together with another output, of up to 4 MB, they must fit
into a response, of which a server reads 8 MB."""


class Recorder(Keeper, Protocol):
    """Records the steps of a call that continues."""

    def settle(self) -> Flow[list[Op] | StaleDispatchError]:
        """Record what is buffered at the end of the call; return what could not be recorded."""
        ...


class NoCheckpoints:
    """Each step ends the call, and is reported in its response."""

    is_on = False
    can_stop = True

    def keep(self, op: Op, hooks: Stack, deferred: Sequence[Op]) -> Flow[Op | Error | None]:
        """Return the step, to be reported."""
        yield from NOTHING
        return op

    def settle(self) -> Flow[list[Op] | StaleDispatchError]:
        """Return nothing: no step is buffered."""
        yield from NOTHING
        return []


class Checkpoints:
    """The steps of a call that are not yet recorded on the server."""

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
        """Whether the next step may be recorded, so that user code can continue."""
        return self._may_record and self._gate.is_open

    def keep(self, op: Op, hooks: Stack, deferred: Sequence[Op]) -> Flow[Op | Error | None]:
        """Record a step, or return what to report instead, which ends the call.

        Deferred calls can be reported in responses only. A step whose output only hooks could
        encode is not recorded either: code must continue with the value that hooks decode.
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
            return self._buffer.pop()  # to be reported after the rest of the buffer
        return failure

    def settle(self) -> Flow[list[Op] | StaleDispatchError]:
        """Record what is buffered at the end of the call; return what could not be recorded."""
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
        self._buffer = []  # recorded, or, if this dispatch is stale, void
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
