"""Trace context in events: a field of the data that this wheel adds and takes away. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pydantic

import inngest

FIELD: Final = "_otel"
"""The field of an event's data that holds what a propagator writes."""

Carrier = Mapping[str, str]


def with_carrier(event: inngest.Event[Any], carrier: Carrier) -> inngest.Event[Any]:
    """Return the event with a carrier in its data."""
    data = event.data
    if isinstance(data, pydantic.BaseModel):
        data = data.model_dump(mode="json", by_alias=True)
    return event.model_copy(update={"data": {**data, FIELD: dict(carrier)}})


def deferring_with_carrier(opts: Mapping[str, Any], carrier: Carrier) -> dict[str, Any]:
    """Return the options of a call that is deferred, with a carrier in the data."""
    return {**opts, "input": {**(opts.get("input") or {}), FIELD: dict(carrier)}}


def invoking_with_carrier(opts: Mapping[str, Any], carrier: Carrier) -> dict[str, Any]:
    """Return the options of a step that invokes, with a carrier in the data."""
    payload = opts.get("payload") or {}
    data = {**(payload.get("data") or {}), FIELD: dict(carrier)}
    return {**opts, "payload": {**payload, "data": data}}


def carrier_of(event: inngest.Event[Any]) -> Carrier:
    """What the sender has put into an event, or into the one that a failure is about."""
    own = _carrier(event.data)
    if own or not isinstance(event.data, Mapping):
        return own
    about = event.data.get("event")
    return _carrier(about.get("data")) if isinstance(about, Mapping) else {}


def without_carrier(event: inngest.Event[Any]) -> inngest.Event[Any]:
    """Return the event as its sender's code made it."""
    data: Any = event.data
    if not isinstance(data, Mapping):
        return event
    if event.name.startswith("inngest/"):
        data = _without_nested(data)
    data = _without(data)
    return event if data is event.data else event.model_copy(update={"data": data})


def forget_carriers(steps: inngest.StepMemos) -> None:
    """Take the field out of events that a run has waited for."""
    for output in steps.values(of=dict):
        match output.data:
            case {"name": str(), "data": {"_otel": _}}:
                output.data = _cleaned(output.data)


def _carrier(data: object) -> Carrier:
    found = data.get(FIELD) if isinstance(data, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _without(data: Mapping[str, Any]) -> Mapping[str, Any]:
    if FIELD not in data:
        return data
    return {key: value for key, value in data.items() if key != FIELD}


def _without_nested(data: Mapping[str, Any]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    if "event" in data:
        found["event"] = _cleaned(data["event"])
    if isinstance(data.get("events"), list):
        found["events"] = [_cleaned(event) for event in data["events"]]
    return {**data, **found} if found else data


def _cleaned(event: Any) -> Any:
    if isinstance(event, Mapping) and isinstance(event.get("data"), Mapping):
        return {**event, "data": _without(event["data"])}
    return event


__all__ = [
    "FIELD",
    "Carrier",
    "carrier_of",
    "deferring_with_carrier",
    "forget_carriers",
    "invoking_with_carrier",
    "with_carrier",
    "without_carrier",
]
