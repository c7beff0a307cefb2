"""Convert what user code raises to an ``Exception``, so that it cannot end the server process."""

from __future__ import annotations

import asyncio

from inngest._internal.errors import Interrupt, UnknownError, message_of, with_cause


def as_exception(error: BaseException, *, is_on_loop: bool = False) -> Exception:
    """Return ``error``, or an ``UnknownError`` if it is not an ``Exception``.

    Raises it instead if it is none of user code's: an interrupt of the engine, Ctrl-C, or a
    cancellation of the current task from outside.
    """
    try:
        match error:
            case Exception():
                return error
            case Interrupt() | KeyboardInterrupt():
                raise error
            case GeneratorExit() if is_on_loop:  # the coroutine is being closed
                raise error
            case SystemExit():
                return exit_error()
            case asyncio.CancelledError():
                if is_on_loop and _is_being_cancelled():
                    raise error
                return UnknownError("the code was cancelled by itself")
        message = message_of(error)
        text = f": {message}" if message else ""
        name = type(error).__name__
        stray = UnknownError(f"the code raised {name}, which is not an Exception{text}")
        return with_cause(stray, error)
    finally:
        del error  # if raised, its traceback refers to this frame: avoid a reference cycle


def exit_error() -> UnknownError:
    """Return the error that replaces the ``SystemExit`` of ``sys.exit()`` in user code."""
    return UnknownError("the code called sys.exit(); return or raise an exception instead")


def _is_being_cancelled() -> bool:
    """Return whether the task is being cancelled; always true on Python 3.10, which cannot tell."""
    task = asyncio.current_task()
    cancelling = getattr(task, "cancelling", None)
    return cancelling is None or bool(cancelling())


__all__ = ["as_exception", "exit_error"]
