"""One step, from the call in user code to its value. The same flow for both worlds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from inngest._internal.engine import execution as engine
from inngest._internal.errors import (
    Error,
    NonRetriableError,
    OutputUnserializableError,
    RetryAfterError,
    StepError,
    StepNestedError,
    format_stack,
)
from inngest._internal.flow import Call, Effect, Flow, Raised, Returned
from inngest._internal.op import ErrorData, Op, StepCall
from inngest._internal.serialization import encode
from inngest._internal.step.calls import format_instant
from inngest._internal.step.group import ParallelMode, parallel_mode

MAX_ERROR_TEXT = 64 * 1024
"""Characters of an error's message, or stack, that are reported."""

inside_step: ContextVar[str | None] = ContextVar("inngest_inside_step", default=None)
"""The id of the step whose handler is running in this context."""


@dataclass(frozen=True, slots=True)
class Settle(Effect):
    """Let user code come to rest, then tell this step's verdict."""

    found: engine.Found


@dataclass(frozen=True, slots=True)
class Finish(Effect):
    """Report a handler's outcome. User code does not go on in this call."""

    found: engine.Found
    op: Op


def take_step(execution: engine.Execution, call: StepCall) -> Flow[object]:
    """Ask the engine about a step, and run its handler when told to."""
    outer = inside_step.get()
    if outer is not None:
        raise StepNestedError(
            f'step "{call.id}" is used inside step "{outer}": '
            "steps cannot be nested; use it after that step, in the function itself"
        )
    if parallel_mode.get() is ParallelMode.RACE:
        call = replace(call, race=True)
    found = execution.find(call)
    verdict: engine.Verdict = yield Settle(found)
    match verdict:
        case engine.Replay(data):
            return data
        case engine.Fail(failure):
            raise StepError(failure.message, failure.name, failure.stack)
        case engine.Execute(args):
            try:
                op = yield from _execute(execution, found, args)
            except GeneratorExit:  # the code that waited for the step was cancelled
                execution.abandon(found)
                raise
            yield Finish(found, op)
    raise AssertionError("a reported step does not return")


def _execute(
    execution: engine.Execution, found: engine.Found, args: tuple[object, ...]
) -> Flow[Op]:
    handler = found.call.handler
    assert handler is not None
    with _inside(found.call.id):
        outcome: Returned[object] | Raised = yield Call(handler, args)
    if isinstance(outcome, Raised):
        return failure_op(execution, found, outcome.error)
    encoded = encode(outcome.value, f'step "{found.call.id}"')
    if isinstance(encoded, OutputUnserializableError):
        return failure_op(execution, found, encoded)
    return engine.succeeded(found, encoded)


@contextmanager
def _inside(step_id: str) -> Iterator[None]:
    token = inside_step.set(step_id)
    try:
        yield
    finally:
        inside_step.reset(token)


def failure_op(execution: engine.Execution, found: engine.Found, error: Exception) -> Op:
    """The report of a handler that raised ``error``."""
    return engine.failed(
        found,
        describe(error),
        execution.facts,
        is_retriable=is_retriable(error),
        is_quiet=is_quiet(error),
        retry_after=retry_after(error),
    )


def describe(error: Exception) -> ErrorData:
    """An exception as the protocol spells it, short enough that the server takes it."""
    if isinstance(error, Error):
        code, name, message, stack = error.code, error.name, error.message, error.stack
    else:
        code, name, message = Error.code, type(error).__name__, _message(error)
        stack = format_stack(error)
    return ErrorData(
        code=code,
        name=_clipped(name),
        message=_clipped(message),
        stack=None if stack is None else _clipped(stack),
    )


def _clipped(text: str) -> str:
    """Keep both ends: the start says what happened, a stack's end says where."""
    if len(text) <= MAX_ERROR_TEXT:
        return text
    half = MAX_ERROR_TEXT // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def is_retriable(error: Exception) -> bool:
    """Whether another attempt may help."""
    return error.is_retriable if isinstance(error, Error) else True


def is_quiet(error: Exception) -> bool:
    """Whether the user asked for the error not to be logged."""
    return isinstance(error, NonRetriableError | RetryAfterError) and error.quiet


def retry_after(error: Exception) -> str | None:
    """The instant that the user asked to retry at, as a header value."""
    return format_instant(error.retry_after) if isinstance(error, RetryAfterError) else None


def _message(error: Exception) -> str:
    try:
        return str(error)
    except Exception:
        return f"{type(error).__name__} (its message could not be read)"
