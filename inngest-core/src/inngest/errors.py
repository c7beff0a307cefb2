"""The errors that this library raises. All derive from :class:`Error`."""

from inngest._internal.errors import (
    BodyInvalidError,
    Error,
    EventKeyUnspecifiedError,
    FunctionConfigInvalidError,
    NonRetriableError,
    OutputUnserializableError,
    RegistrationFailedError,
    RetryAfterError,
    SendEventsError,
    SigningKeyInvalidError,
    SigningKeyMissingError,
    StepError,
    StepNestedError,
    URLInvalidError,
)

__all__ = [
    "BodyInvalidError",
    "Error",
    "EventKeyUnspecifiedError",
    "FunctionConfigInvalidError",
    "NonRetriableError",
    "OutputUnserializableError",
    "RegistrationFailedError",
    "RetryAfterError",
    "SendEventsError",
    "SigningKeyInvalidError",
    "SigningKeyMissingError",
    "StepError",
    "StepNestedError",
    "URLInvalidError",
]
