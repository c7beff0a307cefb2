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
from inngest.encryption._events import decrypt_data, decrypt_event, decrypt_nested, encrypt_fields
from inngest.encryption._keyring import EncryptedHere, Keyring, is_encrypted, key_of, secrets_of
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
        """Decrypt the events of the run, and arguments of steps that a rerun has left encrypted."""
        for memo in steps.values():
            match memo.data:
                case {"input": [*args]} if any(map(is_encrypted, args)):
                    memo.data = {"input": [self._argument(each) for each in args]}
        ctx.event = self._decrypted(ctx.event)
        ctx.events = [self._decrypted(event) for event in ctx.events]

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
        """Encrypt what other functions are given, and the arguments that steps show.

        The former are those that a step invokes, and those that are deferred to the run's end.
        """
        step = result.step
        if step is None or not self._is_encrypting:
            return
        opts, what = step.opts or {}, f'the data of step "{step.id}"'
        payload, shown = opts.get("payload"), opts.get("input")
        if step.op is Opcode.INVOKE and isinstance(payload, Mapping):
            if isinstance(payload.get("data"), Mapping):
                data = encrypt_fields(self._keys, payload["data"], self._fields, what)
                step.opts = {**opts, "payload": {**payload, "data": data}}
        elif step.op is Opcode.DEFER_ADD and isinstance(shown, Mapping):
            # As a whole: the server puts what it adds beside it.
            step.opts = {**opts, "input": self._keys.encrypt(shown, what)}
        elif step.op is not Opcode.AI_GATEWAY and isinstance(shown, list):
            step.opts = {**opts, "input": [self._keys.encrypt(each, what) for each in shown]}

    def wrap_send(self, send: WrappedSend) -> Iterator[None]:
        """Encrypt the events that are sent."""
        if self._is_encrypting:
            send.events = [self._encrypted(event) for event in send.events]
        yield

    def _output(self, info: StepInfo, output: object) -> object:
        what = f'the output of step "{info.id}"'
        if is_encrypted(output):
            return self._keys.decrypt(output, what)
        if info.op is Opcode.WAIT_FOR_EVENT and isinstance(output, Mapping):
            return decrypt_event(self._keys, output, self._fields, what)
        return output

    def _argument(self, value: object) -> object:
        return self._keys.decrypt(value, "the edited input") if is_encrypted(value) else value

    def _decrypted(self, event: inngest.Event[Any]) -> inngest.Event[Any]:
        what = f'the data of event "{event.name}"'
        data = decrypt_data(self._keys, event.data, self._fields, what)
        if event.name.startswith("inngest/"):
            data = decrypt_nested(self._keys, data, self._fields)
        return event if data is event.data else event.model_copy(update={"data": data})

    def _encrypted(self, event: inngest.Event[Any]) -> inngest.Event[Any]:
        """The event with its fields encrypted, but for those that another middleware has done.

        Of two such middlewares, the one that encrypts first also decrypts first.
        """
        what = f'the data of event "{event.name}"'
        data: Any = event.data
        encrypted = _encrypted_here(data)
        fields = [field for field in self._fields if field not in encrypted]
        data = {**encrypt_fields(self._keys, _as_sent(event, what), fields, what), **encrypted}
        return event.model_copy(update={"data": data})


def _fields_of(named: object) -> tuple[str, ...]:
    fields = (named,) if isinstance(named, str) else named
    if not isinstance(fields, Sequence) or not all(isinstance(f, str) and f for f in fields):
        raise EncryptionKeyInvalidError(
            "event_encryption_field names a field, or several in a list"
        )
    return tuple(fields)


def _encrypted_here(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        return {}
    return {field: value for field, value in data.items() if isinstance(value, EncryptedHere)}


def _as_sent(event: inngest.Event[Any], what: str) -> Mapping[str, Any]:
    """The data in the form in which it is sent without encryption."""
    try:
        wire: Any = event.to_wire(0)
    except Error as error:
        raise NonRetriableError(f"{what} cannot be encrypted: {error.message}") from error
    data: Mapping[str, Any] = wire["data"]
    return data


__all__ = ["EncryptionMiddleware"]
