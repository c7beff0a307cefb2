"""The serializer interface, and a pydantic serializer for existing apps that use it by name."""

from __future__ import annotations

from typing import Any, Protocol

from inngest._internal.checks import is_unbound
from inngest._internal.serialization.type_cache import cached_by_type


class Serializer(Protocol):
    """Converts values to JSON types and back.

    ``typ`` is the ``output_type`` of the step or function, else its return annotation, else
    ``object``. If a method raises, the step or function fails without further attempts.
    """

    def serialize(self, obj: object, typ: object) -> object:
        """Return ``obj`` as JSON types: dicts with string keys, lists, strings, numbers, ..."""
        ...

    def deserialize(self, obj: object, typ: object) -> object:
        """Return the value that :meth:`serialize` was called with."""
        ...


def is_serializer(given: object) -> bool:
    """Return whether ``given`` is a serializer object, rather than a class or something else."""
    return all(
        callable(getattr(given, name, None)) and not is_unbound(given, name)
        for name in ("serialize", "deserialize")
    )


class PydanticSerializer(Serializer):
    """Serializes with pydantic, using one cached ``TypeAdapter`` per type."""

    def __init__(self) -> None:
        self._adapter = cached_by_type(_adapter)

    def serialize(self, obj: object, typ: object) -> object:
        """Return ``obj`` as dumped in pydantic's JSON mode."""
        return self._adapter(typ).dump_python(obj, mode="json")

    def deserialize(self, obj: object, typ: object) -> object:
        """Return ``obj`` validated as ``typ``."""
        return self._adapter(typ).validate_python(obj)


def _adapter(typ: Any) -> Any:
    import pydantic

    return pydantic.TypeAdapter(typ)


__all__ = ["PydanticSerializer", "Serializer", "is_serializer"]
