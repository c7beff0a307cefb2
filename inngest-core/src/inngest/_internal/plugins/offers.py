"""Validate what plugins offer, field by field, as their authors may not use a type checker."""

from __future__ import annotations

from inngest._internal.plugins.names import canonical, is_canonical
from inngest.plugins import Command, MiddlewareEntry, SerializerEntry, Transport

KINDS = ("http", "serverless", "websocket")


def problem_of(offer: object) -> str | None:
    """Return what is wrong with an offer, or ``None``."""
    match offer:
        case Transport():
            return _name(offer.name) or _transport(offer)
        case MiddlewareEntry():
            return _name(offer.name) or _middleware(offer)
        case SerializerEntry():
            return _name(offer.name) or _serializer(offer)
        case Command():
            return _name(offer.name) or _command(offer)
        case _:
            return f"{type(offer).__name__} is not a type that a hook may return"


def _name(name: object) -> str | None:
    if isinstance(name, str) and is_canonical(canonical(name)):
        return None
    return f"name is {name!r}; use letters, digits and hyphens"


def _transport(offer: Transport) -> str | None:
    if offer.kind not in KINDS:
        return f"kind is {offer.kind!r}; one of: {', '.join(KINDS)}"
    for field in ("framework", "distribution"):
        if not getattr(offer, field) or not _is(str, offer, field):
            return f"{field} is {getattr(offer, field)!r}, not a name"
    return _callables(offer, "accepts", "serve")


def _middleware(offer: MiddlewareEntry) -> str | None:
    if not _is(int, offer, "order"):
        return f"order is {offer.order!r}, not an int"
    return _callables(offer, "factory")


def _serializer(offer: SerializerEntry) -> str | None:
    if isinstance(offer.serializer, type):
        return "serializer is a class; give an instance of it"
    return _callables(offer.serializer, "serialize", "deserialize")


def _command(offer: Command) -> str | None:
    if not _is(str, offer, "help"):
        return f"help is {offer.help!r}, not a text"
    return _callables(offer, "run")


def _is(kind: type, offer: object, field: str) -> bool:
    return isinstance(getattr(offer, field), kind)


def _callables(holder: object, *names: str) -> str | None:
    wrong = [name for name in names if not callable(getattr(holder, name, None))]
    return f"{wrong[0]} is not callable" if wrong else None
