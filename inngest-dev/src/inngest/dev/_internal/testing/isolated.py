"""Run one function in isolation, with stubs for what needs a server.

The basis of `inngest.experimental.mocked`. The function is started directly, ignoring its triggers
and limits. Steps that the app runs are stubbed as in the kit; operations for a server are replaced
on their way from the app to the engine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pydantic_core

from inngest import (
    Event,
    Function,
    Inngest,
    MiddlewareSync,
    StepError,
    TransformOutputResult,
)
from inngest.dev._internal.drivers.contracts import Driver
from inngest.dev._internal.drivers.in_process import InProcessDriver
from inngest.dev._internal.function.registration import Refusal
from inngest.dev._internal.machine.ops import opcode_of
from inngest.dev._internal.machine.runs import internal_event
from inngest.dev._internal.model.values import Event as Received
from inngest.dev._internal.model.values import Item, Json, Run
from inngest.dev._internal.protocol.answer import Answer, Reported
from inngest.dev._internal.protocol.call import Call
from inngest.dev._internal.testing.apps import Apps
from inngest.dev._internal.testing.context import current
from inngest.dev._internal.testing.kit_middleware import kit_middleware
from inngest.dev._internal.testing.pump import Pump
from inngest.dev._internal.testing.records import recorded_error
from inngest.dev._internal.testing.session import RefusedError, Session
from inngest.dev._internal.testing.stubbed_results import stubbed_result
from inngest.dev._internal.testing.stubs import outcome_of
from inngest.errors import Error
from inngest.experimental import mocked
from inngest.outgoing import redirected

_SERVED_BY_OTHERS = {"WaitForEvent", "WaitForSignal", "InvokeFunction", "AIGateway", "Gateway"}
_NO_TRIGGER = [{"event": "inngest/isolated"}]
_AT_ONCE = "0s"
_GiveUp = Callable[[str, mocked.UnstubbedStepError], None]


def run(
    function: Function[Any],
    events: Sequence[Event[Any]],
    client: Inngest,
    stubs: Mapping[str, object],
    *,
    timeout: float = 30.0,
) -> mocked.Result:
    """Run the function to its end, and its failure handler if it fails.

    :param timeout: real seconds that each operation may take.
    :raises mocked.UnstubbedStepError: a step that needs a stub has none.
    """
    pump = Pump(timeout)
    try:
        isolated = _Isolated(function, client, stubs, pump, timeout)
        try:
            return pump.run(isolated.play(events))
        finally:
            pump.run(isolated.session.close())
    finally:
        pump.close()


class _Isolated:
    def __init__(
        self,
        function: Function[Any],
        client: Inngest,
        stubs: Mapping[str, object],
        pump: Pump,
        timeout: float,
    ) -> None:
        self._function, self._stubs = function, stubs
        self._errors: list[Exception] = []
        self._errors_of_steps: list[Exception] = []
        self._unstubbed: mocked.UnstubbedStepError | None = None
        self.session = Session(pump=pump, driver=self._driver, timeout=timeout)
        for name, outcome in stubs.items():
            self.session.stubs.add(name, (outcome,), None)
        self._client = copy.copy(client)
        self._client.middleware = [
            partial(
                _Witness,
                function_id=function.id,
                errors=self._errors,
                errors_of_steps=self._errors_of_steps,
            ),
            *client.middleware,
            kit_middleware(self.session.stubs, self.session.clock),
        ]

    def _driver(self, apps: Apps) -> Driver:
        return _StandingIn(InProcessDriver(apps), self._stubs, self._give_up)

    def _give_up(self, run_id: str, error: mocked.UnstubbedStepError) -> None:
        """Cancel the run, rather than fail it: a missing stub must not run the failure handler."""
        self._unstubbed = self._unstubbed or error
        self.session.engine.cancel(run_id)

    async def play(self, events: Sequence[Event[Any]]) -> mocked.Result:
        session = self.session
        await session.open()
        with redirected(self._client, session.answer):
            self._register()
            now = session.clock.now()
            run_id = session.engine.start_run(
                self._function.id, [received(event, now) for event in events]
            )
            assert run_id is not None, "it has just been registered"
            await self._until_all_ended()
        if self._unstubbed is not None:
            raise self._unstubbed
        ended = session.engine.store.run(run_id)
        assert ended is not None
        return self._result(ended)

    def _register(self) -> None:
        url = self.session.apps.add(self._client, [self._function])
        main, *others = self._function.configs(url)
        body = {
            "appName": self._client.app_id,
            "url": url,
            "functions": [{**main, "triggers": _NO_TRIGGER}, *others],
        }
        refusal = self.session.engine.register(body)
        if isinstance(refusal, Refusal):
            raise RefusedError(f'the function "{self._function.id}" is refused: {refusal.message}')

    async def _until_all_ended(self) -> None:
        session = self.session
        while True:
            await session.engine.settle()
            waits = self._waits()
            for item, event in waits:
                session.engine.fulfil(item, event)
            due = session.engine.scheduler.next_due()
            if not waits:
                if due is None:
                    return
                await session.advance(timedelta(milliseconds=due - session.clock.now()))

    def _waits(self) -> list[tuple[Item, Received]]:
        """Return the items that wait for an event, each with its stub event."""
        store, now = self.session.engine.store, self.session.clock.now()
        known = (store.run(each.id) for each in store.runs(limit=-1))
        return [
            (item, self._event_for(run.steps[item.step_id].name, now))
            for run in known
            if run is not None and not run.ended
            for item in store.items_of(run.id)
            if item.kind == "wait"
        ]

    def _event_for(self, step: str, now: int) -> Received:
        stub = self._stubs[step]
        event = Event.from_raw(stub) if isinstance(stub, Mapping) else stub
        if isinstance(event, Exception):
            raise TypeError(f'the stub of step "{step}" is no event: {event}')
        if not isinstance(event, Event):
            raise TypeError(
                f'the stub of step "{step}", which waits for an event, must be an '
                f"inngest.Event or mocked.Timeout, not a {type(stub).__name__}"
            )
        return received(event, now)

    def _result(self, ended: Run) -> mocked.Result:
        status = mocked.Status(ended.status)
        if status is mocked.Status.FAILED:
            return mocked.Result(error=self._error(ended.output), output=None, status=status)
        return mocked.Result(error=None, output=ended.output, status=status)

    def _error(self, reported: Json) -> Exception:
        """Return the raised exception, if it is the reported error."""
        error = recorded_error(reported)
        raised = self._errors[-1] if self._errors else None
        if raised is None or error.message != _message_of(raised):
            return Error(f"{error.name}: {error.message}")
        return self._of_its_step(raised) if isinstance(raised, StepError) else raised

    def _of_its_step(self, raised: StepError) -> Exception:
        """Return what the step raised: tests check its type, which a ``StepError`` only names."""
        for error in reversed(self._errors_of_steps):
            if (type(error).__name__, _message_of(error)) == (raised.name, raised.message):
                return error
        return raised


class _StandingIn:
    """A driver that forwards calls, and replaces the app's operations for a server by stubs."""

    def __init__(self, driver: Driver, stubs: Mapping[str, object], give_up: _GiveUp) -> None:
        self._driver, self._stubs, self._give_up = driver, stubs, give_up

    async def call(self, call: Call, *, now: int) -> Answer:
        answer = await self._driver.call(call, now=now)
        if not isinstance(answer, Reported):
            return answer
        for op in answer.ops:
            kind, step = opcode_of(op), _step_of(op)
            if kind in _SERVED_BY_OTHERS and step not in self._stubs:
                problem = mocked.UnstubbedStepError(
                    f'step "{step}" ({kind}) needs what only a server has: give trigger() '
                    f'step_stubs={{"{step}": ...}}'
                )
                self._give_up(call.headers["x-run-id"], problem)
                return answer
        return replace(answer, ops=[self._replaced(op) for op in answer.ops])

    def _replaced(self, op: dict[str, Json]) -> dict[str, Json]:
        kind = opcode_of(op)
        if kind not in _SERVED_BY_OTHERS:
            return op
        stub = self._stubs[_step_of(op)]
        if kind == "WaitForEvent" and stub is None:  # the result of a wait that timed out
            stub = mocked.Timeout
        if stub is mocked.Timeout and kind in ("WaitForEvent", "WaitForSignal"):
            return {**op, "opts": {**(op.get("opts") or {}), "timeout": _AT_ONCE}}
        return (
            op
            if kind == "WaitForEvent"
            else _done(op, lambda: stubbed_result(op, outcome_of(stub, ())))
        )

    async def sync(self, url: str, *, kind: str) -> tuple[int, str]:
        return await self._driver.sync(url, kind=kind)

    async def close(self) -> None:
        await self._driver.close()


class _Witness(MiddlewareSync):
    """The client's outermost middleware: records what the function and its steps raised."""

    def __init__(
        self,
        client: Inngest,
        raw_request: object,
        *,
        function_id: str,
        errors: list[Exception],
        errors_of_steps: list[Exception],
    ) -> None:
        super().__init__(client, raw_request)
        self._function_id = function_id
        self._errors, self._errors_of_steps = errors, errors_of_steps

    def transform_output(self, result: TransformOutputResult) -> None:
        calling = current()
        is_its_own = calling is not None and calling.function_id == self._function_id
        if is_its_own and result.error is not None:
            errors = self._errors if result.step is None else self._errors_of_steps
            errors.append(result.error)


def received(event: Event[Any], now: int) -> Received:
    """Convert an event to a received one; its name may be internal."""
    wire: dict[str, Json] = event.to_wire(now)
    return internal_event(wire.pop("name"), wire.pop("data"), now, key=wire.pop("id", None), **wire)


def _step_of(op: Mapping[str, Json]) -> str:
    return str(op.get("displayName"))


def _done(op: dict[str, Json], outcome: Callable[[], object]) -> dict[str, Json]:
    kept: dict[str, Json] = {
        key: op[key] for key in ("id", "name", "displayName", "userland") if key in op
    }
    try:
        data = pydantic_core.to_jsonable_python(outcome())
    except Exception as error:
        body = {"name": type(error).__name__, "message": _message_of(error)}
        return {**kept, "op": "StepFailed", "error": body}
    return {**kept, "op": "StepRun", "data": data}


def _message_of(error: Exception) -> str:
    return error.message if isinstance(error, Error) else str(error)


__all__ = ["received", "run"]
