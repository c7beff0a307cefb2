"""Encode exceptions of user code for the wire."""

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
"""The maximum length, in characters, of each reported text of an error."""


def failure_op(execution: engine.Execution, found: engine.Found, error: Exception) -> Op:
    """Return the operation that reports a handler's exception."""
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
    """Encode an exception, truncated to what the server accepts."""
    if isinstance(error, Error):
        code, name, message, stack = error.code, error.name, error.message, error.stack
    else:
        code, name, message = Error.code, type(error).__name__, message_of(error)
        stack = format_stack(error)
    return ErrorData(
        code=code,
        name=_truncated(name),
        message=_truncated(message),
        stack=None if stack is None else _truncated(stack),
    )


def is_retriable(error: Exception) -> bool:
    """Return whether another attempt may succeed; for a group, whether it may for any member."""
    if isinstance(error, Error):
        return error.is_retriable
    grouped = getattr(error, "exceptions", None)  # Python 3.10 has no ExceptionGroup
    if isinstance(grouped, tuple) and grouped:
        return any(isinstance(each, Exception) and is_retriable(each) for each in grouped)
    return True


def is_quiet(error: Exception) -> bool:
    """Return whether the user asked not to log the error."""
    return isinstance(error, NonRetriableError | RetryAfterError) and error.quiet


def retry_after(error: BaseException | None) -> str | None:
    """Return the instant at which the user wants a retry, as a header value."""
    if isinstance(error, MiddlewareError):
        error = error.__cause__
    return format_instant(error.retry_after) if isinstance(error, RetryAfterError) else None


def _truncated(text: str) -> str:
    """Keep both ends: a message begins with what happened, a traceback ends with it."""
    if len(text) <= MAX_ERROR_TEXT:
        return text
    half = MAX_ERROR_TEXT // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters omitted ...\n{text[-half:]}"


__all__ = ["MAX_ERROR_TEXT", "describe", "failure_op", "is_quiet", "is_retriable", "retry_after"]
