"""Encrypt fields of an event's data, and decrypt them, or data that is encrypted whole. Pure.

``what`` names the data in messages of errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inngest.encryption._errors import DecryptionError
from inngest.encryption._keyring import DATA, MARKER, STRATEGY, Keyring, is_encrypted

Data = Mapping[str, Any]


def encrypt_fields(keys: Keyring, data: Data, fields: Sequence[str], what: str) -> Data:
    """Encrypt those of the fields that the data has."""
    encrypted = {
        field: keys.encrypt(data[field], f"{what}, field {field!r},")
        for field in fields
        if field in data
    }
    return {**data, **encrypted} if encrypted else data


def decrypt_data(keys: Keyring, data: Data, fields: Sequence[str], what: str) -> Data:
    """Decrypt the fields. If none of them is encrypted, decrypt the first field that is.

    The latter is for senders that have named another field than this app. Data that is encrypted
    whole is decrypted, and joined with what the server has put beside it.
    """
    if is_encrypted(data):
        decrypted = keys.decrypt(data, what)
        beside = {key: data[key] for key in data if key not in (MARKER, STRATEGY, DATA)}
        if not isinstance(decrypted, Mapping):
            raise DecryptionError(f"{what} is not an object once it is decrypted")
        return {**decrypted, **beside}
    found = [field for field in fields if is_encrypted(data.get(field))]
    found = found or [field for field in data if is_encrypted(data[field])][:1]
    decrypted_fields = {
        field: keys.decrypt(data[field], f"{what}, field {field!r},") for field in found
    }
    return {**data, **decrypted_fields} if decrypted_fields else data


def decrypt_event(keys: Keyring, event: Data, fields: Sequence[str], what: str) -> Data:
    """Decrypt an event in the form that the server gives it."""
    data = event.get("data")
    if not isinstance(data, Mapping):
        return event
    return {**event, "data": decrypt_data(keys, data, fields, what)}


def decrypt_nested(keys: Keyring, data: Data, fields: Sequence[str]) -> Data:
    """Decrypt the events that the data of one of the server's events holds, as of a failed run.

    What cannot be decrypted stays as it is: a run may have failed because of that, and its
    failure handler must be called nevertheless.
    """
    found: dict[str, Any] = {}
    if isinstance(data.get("event"), Mapping):
        found["event"] = _decrypted_if_possible(keys, data["event"], fields)
    if isinstance(data.get("events"), list):
        found["events"] = [_decrypted_if_possible(keys, each, fields) for each in data["events"]]
    return {**data, **found} if found else data


def _decrypted_if_possible(keys: Keyring, event: Any, fields: Sequence[str]) -> Any:
    try:
        return decrypt_event(keys, event, fields, "") if isinstance(event, Mapping) else event
    except DecryptionError:
        return event


__all__ = ["decrypt_data", "decrypt_event", "decrypt_nested", "encrypt_fields"]
