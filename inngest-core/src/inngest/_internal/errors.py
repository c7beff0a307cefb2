"""Every error of the core, and what each says on the wire.

Error                           code                    status  retriable
+-- AsyncUnsupportedError       async_unsupported          500  no
+-- BodyInvalidError            body_invalid               400  no
|   +-- BodyTooLargeError       body_too_large             413  no
+-- CheckpointFailedError       checkpoint_failed          500  yes
+-- EventInvalidError           event_invalid              500  no
+-- EventKeyUnspecifiedError    event_key_unspecified      500  yes
+-- FunctionConfigInvalidError  function_config_invalid    500  yes
+-- FunctionNotFoundError       function_not_found         404  no
+-- HeaderMissingError          header_missing             401  yes
+-- MethodUnsupportedError      method_unsupported         405  no
+-- MiddlewareError             middleware_failed          500  as its cause
+-- NonRetriableError           non_retriable_error        500  no
+-- OutputUnserializableError   output_unserializable      500  no
+-- PluginError                 plugin_failed              500  yes
|   +-- PluginConfigInvalidError  plugin_config_invalid    500  yes
|   +-- PluginUnknownError      plugin_unknown             500  yes
|   +-- SerializerUnknownError  serializer_unknown         500  yes
|   +-- TransportNotFoundError  transport_not_found        500  yes
+-- ProbeUnknownError           probe_unknown              400  no
+-- QueryParamMissingError      query_param_missing        400  no
+-- RealtimeError               realtime_failed            500  as it says
+-- RegistrationFailedError     registration_failed        500  yes
+-- RetryAfterError             retry_after_error          500  yes
+-- SendEventsError             send_event_failed          500  as it says
|   +-- EventsInvalidError      send_event_failed          500  no
+-- SendSignalError             send_signal_failed         500  as it says
+-- ServerKindMismatchError     server_kind_mismatch       400  yes
+-- ServerUnreachableError      server_unreachable         500  yes
+-- SigningKeyInvalidError      signing_key_invalid        500  yes
+-- SigningKeyMissingError      signing_key_unspecified    500  yes
+-- SigVerificationFailedError  sig_verification_failed    401  yes
+-- StaleDispatchError          stale_dispatch             500  yes
+-- StateUnavailableError       state_unavailable          500  yes
+-- StepError                   step_errored               500  no
|   +-- NonRetriableStepError   step_errored               500  no
+-- StepNestedError             step_nested                500  no
+-- StepThreadError             step_thread                500  no
+-- StepUnexpectedError         step_unexpected            500  yes
+-- UnknownError                unknown                    500  yes
+-- UpdateMetadataError         update_metadata_failed     500  as it says
+-- URLInvalidError             url_invalid                500  yes

Errors are returned inside ``_internal`` and raised at the public edge. A status of 401
is a failed attempt that the server retries. What is retriable "as it says" is told by the
error's own ``is_retriable``. Sources: PROTOCOL sections 4, 6 and 10.
"""

from __future__ import annotations

import datetime
import traceback
from collections.abc import Sequence
from typing import ClassVar, TypeVar

from inngest._internal.duration import in_utc, to_timedelta
from inngest._internal.types import Deadline

ErrorT = TypeVar("ErrorT", bound=Exception)
_OURS = __file__.removesuffix("errors.py")


class Error(Exception):
    """Anything that this library raises on purpose."""

    code: ClassVar[str] = "unknown"
    answer_status: ClassVar[int] = 500
    """Not ``status``, which many errors of apps have for one of their own."""
    is_retriable: bool = True
    include_stack: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or "")

    @property
    def message(self) -> str:
        """What happened and what to do."""
        return message_of(self)  # a subclass need not have called our initializer

    @property
    def name(self) -> str:
        """The name of the error for people and for the server."""
        return type(self).__name__

    @property
    def stack(self) -> str | None:
        """The traceback, where it helps the user; ``None`` for our own errors."""
        return format_stack(self) if self.include_stack else None


def format_stack(error: BaseException) -> str:
    """Render ``error`` with its traceback, as the dashboard shows it.

    The frames of this package that called the user's code are left out: nobody learns from them.
    """
    try:
        trace = traceback.TracebackException.from_exception(error, compact=True)
        _leave_out_callers(trace)
        return "".join(trace.format())
    except Exception:  # code of loaders runs there, and warnings may be errors
        return f"{type(error).__name__}: {message_of(error)}"


def _leave_out_callers(trace: traceback.TracebackException) -> None:
    waiting = [trace]
    while waiting:
        one = waiting.pop()
        is_users = [not frame.filename.startswith(_OURS) for frame in one.stack]
        if True in is_users:
            del one.stack[: is_users.index(True)]
        causes = (one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ()))
        waiting += [each for each in causes if each is not None]


def message_of(error: BaseException) -> str:
    """The message of an exception of user code, whose ``__str__`` may itself raise."""
    try:
        return str(error)
    except Exception:
        return f"{type(error).__name__} (its message could not be read)"


def with_cause(failure: ErrorT, cause: BaseException | None) -> ErrorT:
    """Return ``failure`` as ``raise failure from cause`` raises it."""
    failure.__cause__ = cause
    return failure


def cause_to_show(error: Exception) -> Exception | None:
    """The cause of an error of ours: none where it quotes values, as pydantic does.

    Tracebacks show it: in the log, to services that collect errors, in spans.
    """
    return None if "input_value=" in message_of(error) else error


class _MaybeRetriableError(Error):
    """An error of which only whoever raises it knows whether another attempt may help."""

    def __init__(self, message: str, *, is_retriable: bool = True) -> None:
        super().__init__(message)
        self.is_retriable = is_retriable


class AsyncUnsupportedError(Error):
    """Async code was met where only sync code can run."""

    code: ClassVar[str] = "async_unsupported"
    is_retriable: bool = False


class BodyInvalidError(Error, ValueError):
    """A body does not have the form that the protocol defines.

    A ``ValueError``, so that an event within a pydantic model of yours is a field that is wrong.
    """

    code: ClassVar[str] = "body_invalid"
    answer_status: ClassVar[int] = 400
    is_retriable: bool = False


class BodyTooLargeError(BodyInvalidError):
    """A body is larger than any server sends."""

    code: ClassVar[str] = "body_too_large"
    answer_status: ClassVar[int] = 413


class CheckpointFailedError(Error):
    """The server did not take steps that were to be recorded during a call."""

    code: ClassVar[str] = "checkpoint_failed"

    is_of_one_run: bool = False
    """Whether it may take those of other runs: this one has ended, say, or holds too much."""


class EventInvalidError(Error):
    """The data of an event does not fit the model of its type."""

    code: ClassVar[str] = "event_invalid"
    is_retriable: bool = False


class EventKeyUnspecifiedError(Error):
    """Events cannot be sent to Inngest Cloud without an event key."""

    code: ClassVar[str] = "event_key_unspecified"


class FunctionConfigInvalidError(Error):
    """A function is declared with options that the server refuses."""

    code: ClassVar[str] = "function_config_invalid"


class FunctionNotFoundError(Error):
    """No served function has this id."""

    code: ClassVar[str] = "function_not_found"
    answer_status: ClassVar[int] = 404
    is_retriable: bool = False


class HeaderMissingError(Error):
    """A header that the protocol requires is not there."""

    code: ClassVar[str] = "header_missing"
    answer_status: ClassVar[int] = 401


class MethodUnsupportedError(Error):
    """The serve endpoint knows GET, POST and PUT."""

    code: ClassVar[str] = "method_unsupported"
    answer_status: ClassVar[int] = 405
    is_retriable: bool = False


class OutputUnserializableError(Error):
    """An output cannot be stored as JSON, or what is stored does not fit its type."""

    code: ClassVar[str] = "output_unserializable"
    is_retriable: bool = False


class ProbeUnknownError(Error):
    """The server asked for a probe that this version does not know."""

    code: ClassVar[str] = "probe_unknown"
    answer_status: ClassVar[int] = 400
    is_retriable: bool = False


class QueryParamMissingError(Error):
    """A query parameter that the protocol requires is not there."""

    code: ClassVar[str] = "query_param_missing"
    answer_status: ClassVar[int] = 400
    is_retriable: bool = False


class RealtimeError(_MaybeRetriableError):
    """A message was not published, or it is refused to listen."""

    code: ClassVar[str] = "realtime_failed"


class RegistrationFailedError(Error):
    """The server did not accept the app's functions."""

    code: ClassVar[str] = "registration_failed"


class SendEventsError(Error):
    """Not all events were accepted; ``ids`` names those that were."""

    code: ClassVar[str] = "send_event_failed"

    def __init__(self, message: str, ids: Sequence[str] = (), *, is_retriable: bool = True) -> None:
        super().__init__(message)
        self.ids: list[str] = list(ids)
        self.is_retriable = is_retriable


class EventsInvalidError(SendEventsError, ValueError):
    """Nothing was sent: what is to be sent cannot be JSON. A ``ValueError``, as ``json`` raises."""

    def __init__(self, message: str) -> None:
        super().__init__(message, is_retriable=False)


class SendSignalError(_MaybeRetriableError):
    """A signal was not sent, or nobody knows whether it was."""

    code: ClassVar[str] = "send_signal_failed"


class ServerKindMismatchError(Error):
    """A Dev Server spoke to an app in cloud mode, or the reverse."""

    code: ClassVar[str] = "server_kind_mismatch"
    answer_status: ClassVar[int] = 400


class ServerUnreachableError(Error):
    """No answer came from the Inngest server."""

    code: ClassVar[str] = "server_unreachable"


class SigningKeyInvalidError(Error):
    """The signing key does not have the form ``signkey-<env>-<hex>``."""

    code: ClassVar[str] = "signing_key_invalid"


class SigningKeyMissingError(Error):
    """Cloud mode needs a signing key."""

    code: ClassVar[str] = "signing_key_unspecified"


class SigVerificationFailedError(Error):
    """The request was not signed by the server whose key we hold, or not recently."""

    code: ClassVar[str] = "sig_verification_failed"
    answer_status: ClassVar[int] = 401


class StaleDispatchError(Error):
    """The server has called the run anew meanwhile: this call's results are void."""

    code: ClassVar[str] = "stale_dispatch"


class StateUnavailableError(Error):
    """The state of a run could not be fetched from the server."""

    code: ClassVar[str] = "state_unavailable"


class StepNestedError(Error):
    """A step was used inside another step."""

    code: ClassVar[str] = "step_nested"
    is_retriable: bool = False


class StepThreadError(Error):
    """A step of a sync function was used on a thread of the user's."""

    code: ClassVar[str] = "step_thread"
    is_retriable: bool = False


class StepUnexpectedError(Error):
    """The step that the server asked for was not reached."""

    code: ClassVar[str] = "step_unexpected"


class UnknownError(Error):
    """An error of unknown kind."""


class UpdateMetadataError(_MaybeRetriableError):
    """Metadata of a run was not noted."""

    code: ClassVar[str] = "update_metadata_failed"


class URLInvalidError(Error):
    """A URL in the configuration cannot be used."""

    code: ClassVar[str] = "url_invalid"


class MiddlewareError(_MaybeRetriableError):
    """A hook of a middleware raised. The message names both; ``__cause__`` is the error."""

    code: ClassVar[str] = "middleware_failed"
    include_stack: ClassVar[bool] = True
    is_of_plugin: bool = False
    """Whether a plugin's middleware could not be made: who calls does not know of it."""


class NonRetriableError(Error):
    """Raise it to fail a step or function without further attempts.

    :param message: what went wrong.
    :param quiet: do not log the error.
    """

    code: ClassVar[str] = "non_retriable_error"
    is_retriable: bool = False
    include_stack: ClassVar[bool] = True
    quiet: bool = False

    def __init__(self, message: str | None = None, quiet: bool = False) -> None:
        super().__init__(message)
        self.quiet = quiet


class RetryAfterError(Error):
    """Raise it to have a step or function retried at a time of your choice.

    :param message: what went wrong.
    :param retry_after: when to retry: a ``timedelta``, an ``int`` of milliseconds or text
        such as ``"1h30m"``, all from now; or a ``datetime`` (naive means local time).
    :param quiet: do not log the error.
    :raises ValueError: ``retry_after`` says no time.
    """

    code: ClassVar[str] = "retry_after_error"
    include_stack: ClassVar[bool] = True
    quiet: bool = False

    def __init__(
        self,
        message: str | None,
        retry_after: Deadline,
        quiet: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after: datetime.datetime = _instant(retry_after)
        self.quiet = quiet

    def __reduce__(self) -> tuple[type[RetryAfterError], tuple[object, ...]]:
        return type(self), (self.message, self.retry_after, self.quiet)


def _instant(when: Deadline) -> datetime.datetime:
    try:
        if isinstance(when, datetime.datetime):
            return in_utc(when)
        return datetime.datetime.now(datetime.timezone.utc) + to_timedelta(when)
    except ValueError as error:
        raise ValueError(f"retry_after: {error}") from None


class StepError(Error):
    """A step failed for good: its attempts are used up, or it was not retriable.

    ``name``, ``message`` and ``stack`` are those of the error that the step raised.
    """

    code: ClassVar[str] = "step_errored"
    is_retriable: bool = False
    include_stack: ClassVar[bool] = True

    def __init__(self, message: str, name: str, stack: str | None) -> None:
        super().__init__(message)
        self._name = name
        self._stack = stack

    def __reduce__(self) -> tuple[type[StepError], tuple[object, ...]]:
        return type(self), (self.message, self._name, self._stack)

    @property
    def name(self) -> str:
        """The name of the error that the step raised."""
        return self._name

    @property
    def stack(self) -> str | None:
        """The traceback of the error that the step raised."""
        return self._stack


class NonRetriableStepError(StepError, NonRetriableError):
    """A step failed for good at once, as it asked to, or as nothing else would help.

    What catches :class:`NonRetriableError` around a step catches it, too.
    """


class Interrupt(BaseException):
    """Control flow of the engine: not an error, and not to be caught.

    If you see this in an ``except BaseException`` or a bare ``except`` of your own,
    re-raise it: the engine is stopping this call because a step was reported, and will
    call the function again with the step's result.
    """

    def __init__(self) -> None:
        super().__init__(
            "the engine stops this call here and will continue it later; "
            "do not catch this, or re-raise it"
        )


class StepInterrupt(Interrupt):
    """Everything new was found: the call ends here."""


class SkipInterrupt(Interrupt):
    """One branch of a parallel group is recorded: go on with the next."""


class PluginError(Error):
    """A plugin that was asked for, or any in strict mode, cannot be used."""

    code: ClassVar[str] = "plugin_failed"


class PluginConfigInvalidError(PluginError):
    """The choice of plugins, or their options, cannot be understood."""

    code: ClassVar[str] = "plugin_config_invalid"


class PluginUnknownError(PluginError):
    """No installed plugin has this name."""

    code: ClassVar[str] = "plugin_unknown"


class SerializerUnknownError(PluginError):
    """No plugin, or more than one, offers a serializer of this name."""

    code: ClassVar[str] = "serializer_unknown"


class TransportNotFoundError(PluginError):
    """No plugin can serve functions from this app."""

    code: ClassVar[str] = "transport_not_found"
