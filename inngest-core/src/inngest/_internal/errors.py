"""All exceptions of the core, and how each is encoded on the wire.

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

Errors are returned as values inside ``_internal`` and raised at the public edge. The server
retries a call that it answers with 401. For "as it says", each error's ``is_retriable``
decides. Sources: PROTOCOL sections 4, 6 and 10.
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
    """Base class of everything that this library raises on purpose."""

    code: ClassVar[str] = "unknown"
    answer_status: ClassVar[int] = 500
    """The status of the HTTP response. Not ``status``, a name that apps use in subclasses."""
    is_retriable: bool = True
    include_stack: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or "")

    @property
    def message(self) -> str:
        """The text of the error: what happened, and what to do."""
        return message_of(self)  # a subclass may not have called Error.__init__

    @property
    def name(self) -> str:
        """The error's name, as people and the server see it."""
        return type(self).__name__

    @property
    def stack(self) -> str | None:
        """The traceback; ``None`` for errors that are not raised by user code."""
        return format_stack(self) if self.include_stack else None


def format_stack(error: BaseException) -> str:
    """Format ``error`` with its traceback, as the dashboard shows it.

    Leading frames of this package, which called the user's code, are omitted.
    """
    try:
        trace = traceback.TracebackException.from_exception(error, compact=True)
        _omit_calling_frames(trace)
        return "".join(trace.format())
    except Exception:  # reading source lines runs import loaders, and warnings may be errors
        return f"{type(error).__name__}: {message_of(error)}"


def _omit_calling_frames(trace: traceback.TracebackException) -> None:
    waiting = [trace]
    while waiting:
        one = waiting.pop()
        is_users = [not frame.filename.startswith(_OURS) for frame in one.stack]
        if True in is_users:
            del one.stack[: is_users.index(True)]
        causes = (one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ()))
        waiting += [each for each in causes if each is not None]


def message_of(error: BaseException) -> str:
    """Return the message of a user's exception, whose ``__str__`` may itself raise."""
    try:
        return str(error)
    except Exception:
        return f"{type(error).__name__} (its message could not be read)"


def with_cause(failure: ErrorT, cause: BaseException | None) -> ErrorT:
    """Set ``failure.__cause__``, as ``raise failure from cause`` does, and return ``failure``."""
    failure.__cause__ = cause
    return failure


def cause_to_show(error: Exception) -> Exception | None:
    """Return ``error`` as the cause of another one, unless its message quotes input values.

    Pydantic's does. Tracebacks show causes, in logs, error trackers and spans.
    """
    return None if "input_value=" in message_of(error) else error


class _MaybeRetriableError(Error):
    """An error that is retriable or not depending on the instance."""

    def __init__(self, message: str, *, is_retriable: bool = True) -> None:
        super().__init__(message)
        self.is_retriable = is_retriable


class AsyncUnsupportedError(Error):
    """Async code was used where only sync code can run."""

    code: ClassVar[str] = "async_unsupported"
    is_retriable: bool = False


class BodyInvalidError(Error, ValueError):
    """A body does not have the format that the protocol defines.

    It is a ``ValueError`` so that pydantic reports an invalid event within a user's model as a
    validation error of that field.
    """

    code: ClassVar[str] = "body_invalid"
    answer_status: ClassVar[int] = 400
    is_retriable: bool = False


class BodyTooLargeError(BodyInvalidError):
    """A body exceeds the size limit."""

    code: ClassVar[str] = "body_too_large"
    answer_status: ClassVar[int] = 413


class CheckpointFailedError(Error):
    """The server did not accept steps that were to be checkpointed during a call."""

    code: ClassVar[str] = "checkpoint_failed"

    is_of_one_run: bool = False
    """Whether only this run is affected, because, for example, it has ended or is too large."""


class EventInvalidError(Error):
    """An event's data does not match the model of its event type."""

    code: ClassVar[str] = "event_invalid"
    is_retriable: bool = False


class EventKeyUnspecifiedError(Error):
    """Sending events to Inngest Cloud requires an event key."""

    code: ClassVar[str] = "event_key_unspecified"


class FunctionConfigInvalidError(Error):
    """A function was declared with options that the server rejects."""

    code: ClassVar[str] = "function_config_invalid"


class FunctionNotFoundError(Error):
    """No served function has this id."""

    code: ClassVar[str] = "function_not_found"
    answer_status: ClassVar[int] = 404
    is_retriable: bool = False


class HeaderMissingError(Error):
    """A header that the protocol requires is missing."""

    code: ClassVar[str] = "header_missing"
    answer_status: ClassVar[int] = 401


class MethodUnsupportedError(Error):
    """The serve endpoint accepts only GET, POST and PUT."""

    code: ClassVar[str] = "method_unsupported"
    answer_status: ClassVar[int] = 405
    is_retriable: bool = False


class OutputUnserializableError(Error):
    """An output cannot be stored as JSON, or a stored output does not match its type."""

    code: ClassVar[str] = "output_unserializable"
    is_retriable: bool = False


class ProbeUnknownError(Error):
    """The server requested a probe that this version does not support."""

    code: ClassVar[str] = "probe_unknown"
    answer_status: ClassVar[int] = 400
    is_retriable: bool = False


class QueryParamMissingError(Error):
    """A query parameter that the protocol requires is missing."""

    code: ClassVar[str] = "query_param_missing"
    answer_status: ClassVar[int] = 400
    is_retriable: bool = False


class RealtimeError(_MaybeRetriableError):
    """A message could not be published, or a subscription was refused."""

    code: ClassVar[str] = "realtime_failed"


class RegistrationFailedError(Error):
    """The server did not accept the registration of the app's functions."""

    code: ClassVar[str] = "registration_failed"


class SendEventsError(Error):
    """Not all events were accepted. ``ids`` has the ids of those that were."""

    code: ClassVar[str] = "send_event_failed"

    def __init__(self, message: str, ids: Sequence[str] = (), *, is_retriable: bool = True) -> None:
        super().__init__(message)
        self.ids: list[str] = list(ids)
        self.is_retriable = is_retriable


class EventsInvalidError(SendEventsError, ValueError):
    """No event was sent, as one is not JSON. A ``ValueError``, which ``json.dumps`` raises, too."""

    def __init__(self, message: str) -> None:
        super().__init__(message, is_retriable=False)


class SendSignalError(_MaybeRetriableError):
    """A signal was not sent, or it is unknown whether it was."""

    code: ClassVar[str] = "send_signal_failed"


class ServerKindMismatchError(Error):
    """A Dev Server called an app in cloud mode, or Inngest Cloud one in dev mode."""

    code: ClassVar[str] = "server_kind_mismatch"
    answer_status: ClassVar[int] = 400


class ServerUnreachableError(Error):
    """The Inngest server did not respond."""

    code: ClassVar[str] = "server_unreachable"


class SigningKeyInvalidError(Error):
    """The signing key does not have the form ``signkey-<env>-<hex>``."""

    code: ClassVar[str] = "signing_key_invalid"


class SigningKeyMissingError(Error):
    """Cloud mode requires a signing key."""

    code: ClassVar[str] = "signing_key_unspecified"


class SigVerificationFailedError(Error):
    """The request was not signed with the app's signing key, or too long ago."""

    code: ClassVar[str] = "sig_verification_failed"
    answer_status: ClassVar[int] = 401


class StaleDispatchError(Error):
    """The server has meanwhile called the run again: this call's results are discarded."""

    code: ClassVar[str] = "stale_dispatch"


class StateUnavailableError(Error):
    """The state of a run could not be fetched from the API."""

    code: ClassVar[str] = "state_unavailable"


class StepNestedError(Error):
    """A step was used inside another step."""

    code: ClassVar[str] = "step_nested"
    is_retriable: bool = False


class StepThreadError(Error):
    """A step of a sync function was used on a thread that user code started."""

    code: ClassVar[str] = "step_thread"
    is_retriable: bool = False


class StepUnexpectedError(Error):
    """The step that the server requested was not reached."""

    code: ClassVar[str] = "step_unexpected"


class UnknownError(Error):
    """An error of any other kind."""


class UpdateMetadataError(_MaybeRetriableError):
    """The metadata of a run could not be updated."""

    code: ClassVar[str] = "update_metadata_failed"


class URLInvalidError(Error):
    """A URL in the configuration is invalid."""

    code: ClassVar[str] = "url_invalid"


class MiddlewareError(_MaybeRetriableError):
    """A middleware's hook raised. The message names both; ``__cause__`` is what it raised."""

    code: ClassVar[str] = "middleware_failed"
    include_stack: ClassVar[bool] = True
    is_of_plugin: bool = False
    """Whether a plugin's middleware could not be created. Sending events then raises this error
    instead of its cause, as the caller need not know of that middleware."""


class NonRetriableError(Error):
    """Raise it to fail a step or a function without further attempts.

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
    """Raise it to have a step or a function retried at a given time.

    :param message: what went wrong.
    :param retry_after: when to retry: a ``timedelta``, an ``int`` of milliseconds or text
        such as ``"1h30m"``, each from now; or a ``datetime`` (local time if it is naive).
    :param quiet: do not log the error.
    :raises ValueError: ``retry_after`` is not a valid time.
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
    """A step failed in its last attempt, or with a non-retriable error.

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
    """A step failed with a non-retriable error.

    It is also a :class:`NonRetriableError`, so that ``except`` clauses for the error that the
    handler raised work around the step, too.
    """


class Interrupt(BaseException):
    """Control flow of the engine. It is not an error and must not be caught.

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
    """Ends the call: all new steps have been found."""


class SkipInterrupt(Interrupt):
    """Ends one branch of a parallel group, to continue with the next one."""


class PluginError(Error):
    """A plugin that was requested by name, or any plugin in strict mode, cannot be used."""

    code: ClassVar[str] = "plugin_failed"


class PluginConfigInvalidError(PluginError):
    """The selection of plugins, or their options, are invalid."""

    code: ClassVar[str] = "plugin_config_invalid"


class PluginUnknownError(PluginError):
    """No installed plugin has this name."""

    code: ClassVar[str] = "plugin_unknown"


class SerializerUnknownError(PluginError):
    """No plugin, or more than one, provides a serializer with this name."""

    code: ClassVar[str] = "serializer_unknown"


class TransportNotFoundError(PluginError):
    """No plugin can serve functions from this app."""

    code: ClassVar[str] = "transport_not_found"
