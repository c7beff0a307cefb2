"""A call of a user's function, and the effects that perform it. Values only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from inngest._internal.engine.execution import Execution
from inngest._internal.errors import Error
from inngest._internal.event import Event
from inngest._internal.flow import Call, Effect, Flow, Outcome, Raised
from inngest._internal.middleware.sending import listed, send_within
from inngest._internal.middleware.stack import Stack
from inngest._internal.op import Op, StepID
from inngest._internal.sent import SendEventsResult
from inngest._internal.serialization.contract import Serializer
from inngest._internal.step.context import Context, ContextSync
from inngest._internal.step.replay_logger import Logger
from inngest._internal.step.runner import Events, FindSerializer, RunClient


class Keeper(Protocol):
    """Records steps on the server while a call continues."""

    @property
    def is_on(self) -> bool:
        """Whether the next step may be recorded, so that user code can continue."""
        ...

    @property
    def can_stop(self) -> bool:
        """Whether the call may end while a step is being recorded, as a later call can continue."""
        ...

    def keep(self, op: Op, hooks: Stack, deferred: Sequence[Op]) -> Flow[Op | Error | None]:
        """Record a step, or return what to report instead, which ends the call.

        :param deferred: deferred calls to report along with the step.
        """
        ...


@dataclass(slots=True)  # neither frozen nor kw_only, for speed: see op.py
class Invocation:
    """One call of a function: its code, its arguments, and its environment."""

    execution: Execution
    hooks: Stack
    serializer: Serializer | None
    find_serializer: FindSerializer
    checkpoints: Keeper
    handler: Callable[..., object]
    app_id: str
    event: Event
    events: list[Event]
    run_id: str
    job_id: str | None
    request_id: str | None
    logger: Logger
    client: RunClient


class InvocationFacts:
    """What async and sync runners tell their steps about the call."""

    _invocation: Invocation

    @property
    def app_id(self) -> str:
        """The id of the function's app."""
        return self._invocation.app_id

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._invocation.run_id

    @property
    def client(self) -> RunClient:
        """The function's client."""
        return self._invocation.client

    @property
    def find_serializer(self) -> FindSerializer:
        """Resolves serializers by name."""
        return self._invocation.find_serializer

    def sending(
        self, events: Events, send: Callable[..., object]
    ) -> Flow[SendEventsResult | Exception]:
        """Send events with the client's ``send``, within the middleware of this call.

        :raises SendEventsError: ``events`` are not events.
        """
        return send_within(self._invocation.hooks, listed(events), partial(_sent_by, send))

    def abort(self, deferred: StepID) -> None:
        """Abort a deferred call."""
        self._invocation.execution.deferrals.abort(deferred)


def _sent_by(send: Callable[..., object], events: object) -> Flow[SendEventsResult | Exception]:
    outcome: Outcome[list[str]] = yield Call(partial(send, skip_middleware=True), (events,))
    return outcome.error if isinstance(outcome, Raised) else SendEventsResult(ids=outcome.value)


class Run(Protocol):
    """An invocation with the runner that handles its steps."""

    @property
    def context(self) -> Context[Any] | ContextSync[Any]:
        """The handler's argument."""
        ...

    def run(self, ctx: Context[Any] | ContextSync[Any]) -> Any:
        """Call the handler; return the outcome of :class:`Invoke`, in an async run an awaitable."""
        ...


@dataclass(slots=True)
class Prepare(Effect):
    """Prepare an invocation. Outcome: a :class:`Run`, async or sync like the driver."""

    invocation: Invocation


@dataclass(slots=True)
class Invoke(Effect):
    """Call the handler of ``run``.

    Outcome: ``Returned`` or ``Raised``, if the function ended by itself. It counts only if
    ``execution.outcome`` is ``None``.
    """

    run: Run
    ctx: Context[Any] | ContextSync[Any]


__all__ = ["Invocation", "InvocationFacts", "Invoke", "Keeper", "Prepare", "Run"]
