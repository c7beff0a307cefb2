"""What becomes of exceptions that are no ``Exception``: user code does not end its server."""

from __future__ import annotations

import asyncio

from inngest._internal.errors import Interrupt, UnknownError, message_of, with_cause


def reported(error: BaseException, *, is_on_loop: bool = False) -> Exception:
    """Return the error of the call that user code ended with ``error``.

    Raises ``error`` again when it is not user code's to decide: an interrupt of the engine,
    the user's Ctrl-C, or a cancellation by whoever runs the loop.
    """
    try:
        match error:
            case Exception():
                return error
            case Interrupt() | KeyboardInterrupt():
                raise error
            case GeneratorExit() if is_on_loop:  # a coroutine that is thrown away
                raise error
            case SystemExit():
                return exit_error()
            case asyncio.CancelledError():
                if is_on_loop and _is_being_cancelled():
                    raise error
                return UnknownError("the code was cancelled by itself")
        message = message_of(error)
        said = f": {message}" if message else ""
        stray = UnknownError(f"the code raised {type(error).__name__}, which is no Exception{said}")
        return with_cause(stray, error)
    finally:
        del error  # raised again, it holds this frame: a cycle with all that the call held


def exit_error() -> UnknownError:
    """What becomes of ``sys.exit()`` in user code."""
    return UnknownError("the code called sys.exit(); return or raise an exception instead")


def _is_being_cancelled() -> bool:
    """Whether somebody asked this task to end. Python 3.10 does not tell: then yes."""
    task = asyncio.current_task()
    cancelling = getattr(task, "cancelling", None)
    return cancelling is None or bool(cancelling())


__all__ = ["exit_error", "reported"]
