"""The middleware: it encrypts all values that leave, and decrypts those that come in.

Encrypted are a field of each event's data, and of the data that a function is invoked with;
what a deferred function is given, the arguments that a step shows, and what steps and
functions return. Errors, names and ids stay readable: the server works with
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import inngest
from inngest import NonRetriableError
from inngest.encryption._errors import EncryptionKeyInvalidError
from inngest.encryption._events import open_data, open_event, open_internal, seal_data
from inngest.encryption._keyring import Keyring, Sealed, is_sealed, key_of, secrets_of
from inngest.errors import Error
from inngest.middleware import (
    Opcode,
    StepInfo,
    StepMemos,
    WrappedFunction,
    WrappedHandler,
    WrappedSend,
    WrappedStep,
)

EVENT_FIELD = "encrypted"
"""The field of an event's data that is encrypted, unless others are named."""


class EncryptionMiddleware(inngest.MiddlewareSync):
    """Encrypts what leaves the process, for the other processes that have the key.

    :param client: the client.
    :param raw_request: the framework's request.
    :param secret_key: encrypts and decrypts. A passphrase, or ``bytes`` with a key of 32
        bytes as hexadecimal text.
    :param decrypt_only: send in clear, and read either: the first step of introducing it.
    :param event_encryption_field: the field of an event's data that is encrypted, or several.
    :param fallback_decryption_keys: decrypt what ``secret_key`` does not open, while keys are
        rotated.
    :raises EncryptionKeyInvalidError: one of the keys is none, or a field has no name.
    """

    def __init__(
        self,
        client: inngest.Inngest,
        raw_request: object,
        secret_key: bytes | str,
        *,
        decrypt_only: bool = False,
        event_encryption_field: str | Sequence[str] = EVENT_FIELD,
        fallback_decryption_keys: Sequence[bytes | str] | None = None,
    ) -> None:
        super().__init__(client, raw_request)
        self._keys = Keyring(secrets_of(secret_key, fallback_decryption_keys))
        self._is_encrypting = not decrypt_only
        self._fields = _fields_of(event_encryption_field)

    @classmethod
    def factory(
        cls,
        secret_key: bytes | str,
        *,
        decrypt_only: bool = False,
        event_encryption_field: str | Sequence[str] = EVENT_FIELD,
        fallback_decryption_keys: Sequence[bytes | str] | None = None,
    ) -> Callable[[inngest.Inngest, object], EncryptionMiddleware]:
        """Return what a client's list of middleware takes; the arguments are the class's.

        :raises EncryptionKeyInvalidError: one of the keys is none, or a field has no name.
        """
        for secret in secrets_of(secret_key, fallback_decryption_keys):
            key_of(secret)
        _fields_of(event_encryption_field)

        def make(client: inngest.Inngest, raw_request: object) -> EncryptionMiddleware:
            return cls(
                client,
                raw_request,
                secret_key,
                decrypt_only=decrypt_only,
                event_encryption_field=event_encryption_field,
                fallback_decryption_keys=fallback_decryption_keys,
            )

        return make

    # what comes in

    def transform_input(self, ctx: Any, function: inngest.Function[Any], steps: StepMemos) -> None:
        """Decrypt the events of the run, and what is left of shown input that was edited."""
        for memo in steps.values():
            match memo.data:
                case {"input": [*args]} if any(map(is_sealed, args)):
                    memo.data = {"input": [self._argument(each) for each in args]}
        ctx.event = self._opened(ctx.event)
        ctx.events = [self._opened(event) for event in ctx.events]

    def wrap_step(self, step: WrappedStep) -> Iterator[None]:
        """Decrypt what a step gave, live or memoized."""
        yield
        if step.has_output:
            step.output = self._output(step.info, step.output)

    # what goes out

    def wrap_step_handler(self, step: WrappedHandler) -> Iterator[None]:
        """Encrypt what a step gives."""
        yield
        if step.has_output and self._is_encrypting:
            step.output = self._keys.encrypt(step.output, f'the output of step "{step.info.id}"')

    def wrap_function(self, call: WrappedFunction) -> Iterator[None]:
        """Encrypt what the function gives."""
        yield
        if call.has_output and self._is_encrypting:
            what = f'the output of function "{call.function.id}"'
            call.output = self._keys.encrypt(call.output, what)

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        """Encrypt what a function is invoked with, now or when the run ends, and shown input."""
        step = result.step
        if step is None or not self._is_encrypting:
            return
        opts, what = step.opts or {}, f'the data of step "{step.id}"'
        payload, shown = opts.get("payload"), opts.get("input")
        if step.op is Opcode.INVOKE and isinstance(payload, Mapping):
            if isinstance(payload.get("data"), Mapping):
                data = seal_data(self._keys, payload["data"], self._fields, what)
                step.opts = {**opts, "payload": {**payload, "data": data}}
        elif step.op is Opcode.DEFER_ADD and isinstance(shown, Mapping):
            # As a whole: the server puts what it adds beside it.
            step.opts = {**opts, "input": self._keys.encrypt(shown, what)}
        elif step.op is not Opcode.AI_GATEWAY and isinstance(shown, list):
            step.opts = {**opts, "input": [self._keys.encrypt(each, what) for each in shown]}

    def wrap_send(self, send: WrappedSend) -> Iterator[None]:
        """Encrypt the events that are sent."""
        if self._is_encrypting:
            send.events = [self._closed(event) for event in send.events]
        yield

    def _output(self, info: StepInfo, output: object) -> object:
        what = f'the output of step "{info.id}"'
        if is_sealed(output):
            return self._keys.decrypt(output, what)
        if info.op is Opcode.WAIT_FOR_EVENT and isinstance(output, Mapping):
            return open_event(self._keys, output, self._fields, what)
        return output

    def _argument(self, value: object) -> object:
        return self._keys.decrypt(value, "the edited input") if is_sealed(value) else value

    def _opened(self, event: inngest.Event[Any]) -> inngest.Event[Any]:
        what = f'the data of event "{event.name}"'
        data = open_data(self._keys, event.data, self._fields, what)
        if event.name.startswith("inngest/"):
            data = open_internal(self._keys, data, self._fields)
        return event if data is event.data else event.model_copy(update={"data": data})

    def _closed(self, event: inngest.Event[Any]) -> inngest.Event[Any]:
        """Another middleware of this kind may have been here; it is also the first that opens."""
        what = f'the data of event "{event.name}"'
        data: Any = event.data
        sealed = _sealed_in(data)
        fields = [field for field in self._fields if field not in sealed]
        data = {**seal_data(self._keys, _as_sent(event, what), fields, what), **sealed}
        return event.model_copy(update={"data": data})


def _fields_of(named: object) -> tuple[str, ...]:
    fields = (named,) if isinstance(named, str) else named
    if not isinstance(fields, Sequence) or not all(isinstance(f, str) and f for f in fields):
        raise EncryptionKeyInvalidError(
            "event_encryption_field names a field, or several in a list"
        )
    return tuple(fields)


def _sealed_in(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        return {}
    return {field: value for field, value in data.items() if isinstance(value, Sealed)}


def _as_sent(event: inngest.Event[Any], what: str) -> Mapping[str, Any]:
    """The data in the form in which it is sent without encryption."""
    try:
        wire: Any = event.to_wire(0)
    except Error as error:
        raise NonRetriableError(f"{what} cannot be encrypted: {error.message}") from error
    data: Mapping[str, Any] = wire["data"]
    return data


__all__ = ["EncryptionMiddleware"]
