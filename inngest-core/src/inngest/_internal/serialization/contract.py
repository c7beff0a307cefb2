"""What a serializer is, and the one over pydantic that existing apps name."""

from __future__ import annotations

from typing import Any, Protocol

from inngest._internal.checks import is_unbound
from inngest._internal.serialization.type_cache import cached_by_type


class Serializer(Protocol):
    """Turns values into what JSON can say, and back.

    ``typ`` is the ``output_type`` of the step or function, else its return annotation,
    else ``object``. Either method may raise: the step or function then fails for good.
    """

    def serialize(self, obj: object, typ: object) -> object:
        """Return ``obj`` as JSON values: dicts with string keys, lists, strings, numbers."""
        ...

    def deserialize(self, obj: object, typ: object) -> object:
        """Return what :meth:`serialize` was given."""
        ...


def is_serializer(given: object) -> bool:
    """Whether the methods are there to be called: those of a class wait for an object."""
    return all(
        callable(getattr(given, name, None)) and not is_unbound(given, name)
        for name in ("serialize", "deserialize")
    )


class PydanticSerializer(Serializer):
    """Serializes by pydantic's rules, with one ``TypeAdapter`` a type."""

    def __init__(self) -> None:
        self._adapter = cached_by_type(_adapter)

    def serialize(self, obj: object, typ: object) -> object:
        """Return ``obj`` in pydantic's JSON mode."""
        return self._adapter(typ).dump_python(obj, mode="json")

    def deserialize(self, obj: object, typ: object) -> object:
        """Validate ``obj`` as a ``typ``."""
        return self._adapter(typ).validate_python(obj)


def _adapter(typ: Any) -> Any:
    import pydantic

    return pydantic.TypeAdapter(typ)


__all__ = ["PydanticSerializer", "Serializer", "is_serializer"]
