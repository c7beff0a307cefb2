"""Which part of an event is encrypted: fields of its data, on the way out and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inngest.encryption._errors import DecryptionError
from inngest.encryption._keyring import DATA, MARKER, STRATEGY, Keyring, is_sealed

Data = Mapping[str, Any]


def seal_data(keys: Keyring, data: Data, fields: Sequence[str], what: str) -> Data:
    """Encrypt the fields that are there."""
    sealed = {
        field: keys.encrypt(data[field], f"{what}, field {field!r},")
        for field in fields
        if field in data
    }
    return {**data, **sealed} if sealed else data


def open_data(keys: Keyring, data: Data, fields: Sequence[str], what: str) -> Data:
    """Decrypt the fields; if none of them is encrypted, the first that is.

    Data that is encrypted as a whole is joined with what the server has put beside it.
    """
    if is_sealed(data):
        opened = keys.decrypt(data, what)
        beside = {key: data[key] for key in data if key not in (MARKER, STRATEGY, DATA)}
        if not isinstance(opened, Mapping):
            raise DecryptionError(f"{what} is not an object once it is decrypted")
        return {**opened, **beside}
    found = [field for field in fields if is_sealed(data.get(field))]
    found = found or [field for field in data if is_sealed(data[field])][:1]
    opened_fields = {
        field: keys.decrypt(data[field], f"{what}, field {field!r},") for field in found
    }
    return {**data, **opened_fields} if opened_fields else data


def open_event(keys: Keyring, event: Data, fields: Sequence[str], what: str) -> Data:
    """Decrypt an event in the form that the server gives it."""
    data = event.get("data")
    if not isinstance(data, Mapping):
        return event
    return {**event, "data": open_data(keys, data, fields, what)}


def open_internal(keys: Keyring, data: Data, fields: Sequence[str]) -> Data:
    """Decrypt the events within the data of an event of the server's.

    What cannot be decrypted stays as it is: a failure handler must hear of a run that failed
    because of that.
    """
    found: dict[str, Any] = {}
    if isinstance(data.get("event"), Mapping):
        found["event"] = _opened_or_not(keys, data["event"], fields)
    if isinstance(data.get("events"), list):
        found["events"] = [_opened_or_not(keys, each, fields) for each in data["events"]]
    return {**data, **found} if found else data


def _opened_or_not(keys: Keyring, event: Any, fields: Sequence[str]) -> Any:
    try:
        return open_event(keys, event, fields, "") if isinstance(event, Mapping) else event
    except DecryptionError:
        return event


__all__ = ["open_data", "open_event", "open_internal", "seal_data"]
