"""The effects that run a user's function, and what they need to know. Values only."""

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
    """Records steps while a call goes on."""

    @property
    def is_on(self) -> bool:
        """Whether the next step may be recorded, for code to go on."""
        ...

    @property
    def can_stop(self) -> bool:
        """Whether the call can end while a step is recorded: another one goes on from there."""
        ...

    def keep(self, op: Op, hooks: Stack, deferred: Sequence[Op]) -> Flow[Op | Error | None]:
        """Take the result of a step, or return what is to be reported: the call is to end.

        :param deferred: calls that the server is to be told of along with it.
        """
        ...


@dataclass(slots=True)  # not frozen, nor made by keywords: see op.py
class Invocation:
    """One call of a function: its code, what the code is given, and what surrounds it."""

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
    """What runners of either colour tell their steps of the call."""

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
        """Finds the serializer of a name."""
        return self._invocation.find_serializer

    def sending(
        self, events: Events, send: Callable[..., object]
    ) -> Flow[SendEventsResult | Exception]:
        """Have the client ``send`` events, within the middleware that this call has made.

        :raises SendEventsError: they are no events.
        """
        return send_within(self._invocation.hooks, listed(events), partial(_sent_by, send))

    def abort(self, deferred: StepID) -> None:
        """Take back a deferred call."""
        self._invocation.execution.deferrals.abort(deferred)


def _sent_by(send: Callable[..., object], events: object) -> Flow[SendEventsResult | Exception]:
    outcome: Outcome[list[str]] = yield Call(partial(send, skip_middleware=True), (events,))
    return outcome.error if isinstance(outcome, Raised) else SendEventsResult(ids=outcome.value)


class Run(Protocol):
    """An invocation with the runner that takes its steps."""

    @property
    def context(self) -> Context[Any] | ContextSync[Any]:
        """What the handler is given."""
        ...

    def run(self, ctx: Context[Any] | ContextSync[Any]) -> Any:
        """Call the handler. The outcome of :class:`Invoke`, to be awaited in an async run."""
        ...


@dataclass(slots=True)
class Prepare(Effect):
    """Make an invocation ready. Outcome: a :class:`Run` of the driver's world."""

    invocation: Invocation


@dataclass(slots=True)
class Invoke(Effect):
    """Call the handler of ``run``.

    Outcome: ``Returned`` or ``Raised`` for a function that ended by itself; it counts
    only when ``execution.outcome`` is ``None``.
    """

    run: Run
    ctx: Context[Any] | ContextSync[Any]


__all__ = ["Invocation", "InvocationFacts", "Invoke", "Keeper", "Prepare", "Run"]
