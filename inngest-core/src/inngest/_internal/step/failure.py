"""What an exception of user code becomes on the wire."""

from __future__ import annotations

from inngest._internal.engine import execution as engine
from inngest._internal.errors import (
    Error,
    MiddlewareError,
    NonRetriableError,
    RetryAfterError,
    format_stack,
    message_of,
)
from inngest._internal.op import ErrorData, Op
from inngest._internal.step.calls import format_instant

MAX_ERROR_TEXT = 64 * 1024
"""Characters of an error's message, or stack, that are reported."""


def failure_op(execution: engine.Execution, found: engine.Found, error: Exception) -> Op:
    """The report of a handler that raised ``error``."""
    return engine.failed(
        found,
        describe(error),
        execution.facts,
        is_retriable=is_retriable(error),
        is_quiet=is_quiet(error),
        retry_after=retry_after(error),
        cause=error,
    )


def describe(error: Exception) -> ErrorData:
    """An exception as the protocol spells it, short enough that the server takes it."""
    if isinstance(error, Error):
        code, name, message, stack = error.code, error.name, error.message, error.stack
    else:
        code, name, message = Error.code, type(error).__name__, message_of(error)
        stack = format_stack(error)
    return ErrorData(
        code=code,
        name=_clipped(name),
        message=_clipped(message),
        stack=None if stack is None else _clipped(stack),
    )


def is_retriable(error: Exception) -> bool:
    """Whether another attempt may help: of a group, for any of its exceptions."""
    if isinstance(error, Error):
        return error.is_retriable
    grouped = getattr(error, "exceptions", None)  # an ExceptionGroup, which is new in 3.11
    if isinstance(grouped, tuple) and grouped:
        return any(isinstance(each, Exception) and is_retriable(each) for each in grouped)
    return True


def is_quiet(error: Exception) -> bool:
    """Whether the user asked for the error not to be logged."""
    return isinstance(error, NonRetriableError | RetryAfterError) and error.quiet


def retry_after(error: BaseException | None) -> str | None:
    """The instant that the user asked to retry at, as a header value."""
    if isinstance(error, MiddlewareError):
        error = error.__cause__
    return format_instant(error.retry_after) if isinstance(error, RetryAfterError) else None


def _clipped(text: str) -> str:
    """Keep both ends: the start says what happened, a stack's end says where."""
    if len(text) <= MAX_ERROR_TEXT:
        return text
    half = MAX_ERROR_TEXT // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


__all__ = ["MAX_ERROR_TEXT", "describe", "failure_op", "is_quiet", "is_retriable", "retry_after"]
