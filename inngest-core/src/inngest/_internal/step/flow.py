"""A step, from the call in user code to its value: the same flow for async and sync functions.

A value passes through these stages: the handler returns it, its codec encodes it, the
``wrap_step_handler`` hooks transform it, the server stores it, the ``wrap_step`` hooks transform
it back, and its codec decodes it. A memoized step starts with the stored value. The first
middleware encodes last, and therefore decodes first: ``wrap_step`` hooks nest in reverse order.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from inngest._internal.engine import execution as engine
from inngest._internal.engine.journal import Failure
from inngest._internal.errors import (
    Error,
    MiddlewareError,
    NonRetriableError,
    NonRetriableStepError,
    OutputUnserializableError,
    StepError,
    StepInterrupt,
    StepNestedError,
)
from inngest._internal.flow import NOTHING, Call, Effect, Flow, Outcome, Raised, Returned
from inngest._internal.middleware.records import StepInfo, WrappedHandler, WrappedStep
from inngest._internal.middleware.stack import Stack
from inngest._internal.op import Op, Opcode, StepCall, StepID
from inngest._internal.serialization.codec import PLAIN, Codec
from inngest._internal.serialization.text import as_stored, encode
from inngest._internal.step.calls import codec_of
from inngest._internal.step.failure import failure_op
from inngest._internal.step.group import RACE, parallel_mode
from inngest._internal.step.inputs import decode_input
from inngest._internal.step.invocation import Invocation
from inngest._internal.step.transform import encode_with_hooks
from inngest._internal.types import UNSET

logger = logging.getLogger("inngest")

inside_step: ContextVar[str | None] = ContextVar("inngest_inside_step", default=None)
"""The id of the step whose handler is running in this context."""


@dataclass(slots=True)
class Finish(Effect):
    """Report a handler's outcome. User code does not continue in this call."""

    found: engine.Found
    op: Op


@dataclass(slots=True)
class GoOn(Effect):
    """Let user code continue: the handler's outcome has been recorded."""

    found: engine.Found


@dataclass(slots=True)
class BreakOff(Effect):
    """End the call with ``error``, which user code cannot catch."""

    error: Exception


def identify(invocation: Invocation, call: StepCall) -> engine.Found:
    """Assign a requested step its identity within the run."""
    if inside_step.get() is not None or not call.id or not isinstance(call.id, str):
        raise _misuse_error(call.id)
    if parallel_mode.get() is RACE:
        call.race = True
    return invocation.execution.identify(call)


def defer(invocation: Invocation, call: StepCall) -> StepID:
    """Defer a call until the run has ended. User code continues at once."""
    if inside_step.get() is not None or not call.id or not isinstance(call.id, str):
        raise _misuse_error(call.id)
    if invocation.execution.outcome is not None:
        raise StepInterrupt
    return invocation.execution.defer(call)


def replay_directly(invocation: Invocation, found: engine.Found) -> object:
    """Return a memoized step's value if serial code requests it, else ``UNSET``.

    A fast path of :func:`carry_out` for most replays: without hooks, no flow is needed.
    """
    if invocation.hooks.watches_replay:
        return UNSET
    memo = invocation.execution.recall(found)
    if memo is UNSET:
        return UNSET
    if isinstance(memo, Failure):
        raise _error_of_failure(memo)
    codec = codec_of(found.call, invocation.serializer)
    return memo if codec is PLAIN else _decode(codec, found, memo)


def carry_out(invocation: Invocation, found: engine.Found, verdict: engine.Verdict) -> Flow[object]:
    """Return the value of a step that has a verdict, after running its handler if necessary."""
    match verdict:
        case engine.Execute():
            return _execute(invocation, found, verdict.args)
        case engine.Replay():
            stored: Outcome[object] = Returned(verdict.data)
        case engine.Fail():
            stored = Raised(_error_of_failure(verdict.failure))
    return _Step(invocation, found, is_memoized=True).replay(stored)


def _execute(invocation: Invocation, found: engine.Found, args: tuple[object, ...]) -> Flow[object]:
    """Run a step's handler. Code continues only if the result is recorded; else the call ends."""
    execution = invocation.execution
    try:
        op, live = yield from _Step(invocation, found, is_memoized=False).execute(args)
        deferred = execution.deferrals.unreported
        hook_failure = live.error if isinstance(live, Raised) and op.error is None else None
        unkept: Op | Error | None = op
        if hook_failure is None or not invocation.checkpoints.can_stop:
            unkept = yield from invocation.checkpoints.keep(op, invocation.hooks, deferred)
        if unkept is None and deferred:
            execution.deferrals.note_reported()
        if unkept is None and op.error is not None:  # the step failed in its last attempt
            # Hooks may replace the error, as they do when the step is memoized.
            memoized = _Step(invocation, found, is_memoized=True)
            live = yield from memoized.apply_hooks(Raised(_error_of_op(op)))
    except GeneratorExit:  # the task that waited for the step was cancelled
        execution.abandon(found)
        raise
    if isinstance(unkept, Error):
        yield BreakOff(unkept)
    elif unkept is not None:
        if hook_failure is not None:
            # The step's result is reported; the next call will fail at the same hook.
            logger.error("%s, after the step has run", hook_failure, exc_info=hook_failure)
        yield Finish(found, unkept)
    yield GoOn(found)
    if isinstance(live, Returned):
        return _decode_output(invocation, found, live.value)
    if op.error is not None:
        raise live.error
    yield BreakOff(live.error)
    raise AssertionError("a reported step does not return")


def begin(invocation: Invocation) -> Flow[Exception | None]:
    """Call the hooks for the end of the replay, when new code is about to run, once."""
    if not invocation.execution.is_first_new_code() or not invocation.hooks.watches_replay:
        return NOTHING
    return _announce_new_code(invocation.hooks)


def _announce_new_code(hooks: Stack) -> Flow[Exception | None]:
    failure = yield from hooks.before("before_execution")
    if failure is None:
        yield from hooks.observe("on_memoization_end")
    return failure


class _Step:
    """One step that has a verdict, with the hooks around it."""

    def __init__(self, invocation: Invocation, found: engine.Found, *, is_memoized: bool) -> None:
        self._invocation = invocation
        self._found = found
        self._is_memoized = is_memoized
        self._what = f'step "{found.call.id}"'

    def replay(self, stored: Outcome[object]) -> Flow[object]:
        """Return the decoded value that was stored, or raise the error."""
        stored = yield from self.apply_hooks(stored)
        if isinstance(stored, Raised):
            try:
                raise stored.error
            finally:
                del stored  # the traceback refers to this frame: avoid a reference cycle
        return _decode_output(self._invocation, self._found, stored.value)

    def apply_hooks(self, stored: Outcome[object]) -> Flow[Outcome[object]]:
        """Return the stored outcome as the ``wrap_step`` hooks leave it."""
        yield from self._begin()
        if self._invocation.hooks.implements("wrap_step"):
            record = WrappedStep(info=self._info())
            outcome = yield from self._wrapped(record, _expose(record, stored))
            if isinstance(outcome, Raised) and isinstance(outcome.error, MiddlewareError):
                yield BreakOff(outcome.error)
            stored = outcome if isinstance(outcome, Raised) else _output_of(record)
        return stored

    def execute(self, args: tuple[object, ...]) -> Flow[tuple[Op, Outcome[object]]]:
        """Run the handler; return the operation to report, and the outcome for user code."""
        yield from self._begin()
        record = WrappedStep(info=self._info())
        ops: list[Op] = []
        outcome = yield from self._wrapped(record, self._live(args, record, ops))
        if not ops:  # a hook failed before the handler could run
            assert isinstance(outcome, Raised)
            yield BreakOff(outcome.error)
        return ops[0], outcome if isinstance(outcome, Raised) else _output_of(record)

    def _live(
        self, args: tuple[object, ...], record: WrappedStep, ops: list[Op]
    ) -> Flow[Outcome[None]]:
        hooks = self._invocation.hooks
        yield from hooks.observe("on_step_start", record.info)
        started, clock = time.time_ns(), time.perf_counter_ns()
        outcome = yield from self._run_handler(record.info, args)
        op = yield from self._op(outcome)
        if self._invocation.checkpoints.is_on:
            op = replace(op, timing=(started, time.perf_counter_ns() - clock))
        if op.cause is not None:
            is_final = op.opcode is Opcode.STEP_FAILED
            info = replace(record.info, is_final_attempt=is_final)
            yield from hooks.observe("on_step_error", info, op.cause)
        else:
            yield from hooks.observe("on_step_complete", record.info)
        ops.append(op)
        if not isinstance(outcome, Raised) and op.cause is None:
            # Equal to what a replay returns: for example, a tuple becomes a list.
            outcome = Returned(as_stored(op.data))
        return (yield from _expose(record, outcome))

    def _run_handler(self, info: StepInfo, args: tuple[object, ...]) -> Flow[Outcome[object]]:
        handler = self._found.call.handler
        assert handler is not None
        if args is not self._found.call.args:
            decoded = decode_input(self._found.call, args)
            if isinstance(decoded, OutputUnserializableError):
                return Raised(decoded)
            args = decoded
        record = WrappedHandler(info=info, handler=handler, args=args)
        outcome = yield from self._invocation.hooks.wrap(
            "wrap_step_handler", record, self._call_handler(record)
        )
        return outcome if isinstance(outcome, Raised) else _output_of(record)

    def _call_handler(self, record: WrappedHandler) -> Flow[Outcome[None]]:
        with _inside(self._found.call.id):
            outcome: Outcome[object] = yield Call(record.handler, record.args)
        if isinstance(outcome, Raised):
            return outcome
        codec = codec_of(self._found.call, self._invocation.serializer)
        stored = codec.dump(outcome.value, self._what)
        if isinstance(stored, OutputUnserializableError):
            return Raised(stored)
        record.output = stored
        return Returned(None)

    def _op(self, outcome: Outcome[object]) -> Flow[Op]:
        invocation, found = self._invocation, self._found
        if isinstance(outcome, Raised):
            return failure_op(invocation.execution, found, outcome.error)
        encoded = encode(outcome.value, self._what)
        if not isinstance(encoded, OutputUnserializableError):
            return engine.succeeded(found, encoded)
        without_data = engine.succeeded(found, "null")
        made = yield from encode_with_hooks(invocation.hooks, without_data, outcome.value)
        return made or failure_op(invocation.execution, found, encoded)

    def _begin(self) -> Flow[None]:
        failure = yield from begin(self._invocation)
        if failure is not None:
            yield BreakOff(failure)

    def _wrapped(self, record: WrappedStep, inside: Flow[Outcome[None]]) -> Flow[Outcome[None]]:
        return self._invocation.hooks.wrap_decoding("wrap_step", record, inside)

    def _info(self) -> StepInfo:
        call, facts = self._found.call, self._invocation.execution.facts
        return StepInfo(
            id=call.id,
            hashed_id=self._found.hashed,
            op=call.opcode,
            opts=call.opts,
            attempt=facts.attempt,
            is_final_attempt=facts.is_last_attempt,
            is_memoized=self._is_memoized,
        )


def _error_of_failure(failure: Failure) -> StepError:
    return _step_error(failure.name, failure.message, failure.stack, failure.is_retriable)


def _error_of_op(op: Op) -> StepError:
    assert op.error is not None
    return _step_error(op.error.name, op.error.message, op.error.stack, op.is_retriable)


def _step_error(name: str, message: str, stack: str | None, is_retriable: bool) -> StepError:
    kind = StepError if is_retriable else NonRetriableStepError
    return kind(message, name, stack)


def _decode_output(invocation: Invocation, found: engine.Found, data: object) -> object:
    codec = codec_of(found.call, invocation.serializer)
    return data if codec is PLAIN else _decode(codec, found, data)


def _decode(codec: Codec, found: engine.Found, data: object) -> object:
    value = codec.load(data, f'step "{found.call.id}"')
    if isinstance(value, OutputUnserializableError):
        raise value
    return value


def _expose(record: WrappedStep, outcome: Outcome[object]) -> Flow[Outcome[None]]:
    """Set the outcome's value in the record that the hooks receive."""
    yield from ()
    if isinstance(outcome, Raised):
        return outcome
    record.output = outcome.value
    return Returned(None)


def _output_of(record: WrappedStep | WrappedHandler) -> Returned[object]:
    """Return the output that the hooks leave: ``None`` if one swallowed an error."""
    return Returned(None if record.output is UNSET else record.output)


def _misuse_error(step_id: object) -> Error:
    if not isinstance(step_id, str):
        return NonRetriableError(f"a step id must be a string, not a {type(step_id).__name__}")
    if not step_id:
        return NonRetriableError("a step id must not be empty: give each step an id of its own")
    return StepNestedError(
        f'step "{step_id}" is used inside step "{inside_step.get()}": '
        "steps cannot be nested; use it after that step, in the function itself"
    )


@contextmanager
def _inside(step_id: str) -> Iterator[None]:
    token = inside_step.set(step_id)
    try:
        yield
    finally:
        inside_step.reset(token)
