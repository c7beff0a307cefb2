"""Convert values of a type to JSON and back: by the type, or with the user's serializer.

Values of a plain JSON type, such as ``dict[str, int]``, are stored unchanged. For other types
it is checked that decoding gives back what was encoded.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import (
    Collection,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
)
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from typing_extensions import TypeAliasType, is_typeddict

from inngest._internal.errors import OutputUnserializableError, cause_to_show, with_cause
from inngest._internal.serialization.contract import Serializer
from inngest._internal.serialization.text import encode
from inngest._internal.serialization.type_cache import cached_by_type
from inngest._internal.types import JSON, UNSET

if TYPE_CHECKING:
    import pydantic

_PLAIN: set[object] = {Any, object, JSON, bool, int, float, str, types.NoneType, None, UNSET}
_PLAIN_MAPPINGS = {dict, Mapping, MutableMapping}
_PLAIN_CONTAINERS = {list, Sequence, MutableSequence, Iterable, Iterator, Collection}


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How the output of a step or a function is encoded and decoded.

    :param typ: the type of the output.
    :param is_declared: whether ``typ`` is an ``output_type``, which is enforced, rather than a
        return annotation, which is not if it is a plain JSON type.
    :param serializer: replaces the conversion by type.
    :param is_settled: whether ``serializer``, even ``None``, takes precedence over the client's.
    """

    typ: object = UNSET
    is_declared: bool = False
    serializer: Serializer | None = None
    is_settled: bool = False

    def dump(self, value: object, what: str) -> object | OutputUnserializableError:
        """Return ``value`` as JSON types. ``what`` names the value in errors."""
        try:
            if self.serializer is not None:
                return self.serializer.serialize(value, self._type_to_name)
            adapter = self._adapter()
        except Exception as error:
            return _unserializable(what, self.typ, error)
        return value if adapter is None else _dump(adapter, value, what, self.typ)

    def dump_result(self, value: object, what: str) -> object | OutputUnserializableError:
        """Encode a function's result, which this app does not decode.

        A value that is JSON is therefore accepted even if its return annotation is wrong.
        """
        dumped = self.dump(value, what)
        if isinstance(dumped, OutputUnserializableError) and self.serializer is None:
            is_json = not self.is_declared and isinstance(encode(value, what), str)
            return value if is_json else dumped
        return dumped

    def load(self, data: object, what: str) -> object | OutputUnserializableError:
        """Decode ``data``, as returned by :meth:`dump`. ``what`` names the value in errors."""
        try:
            if self.serializer is not None:
                return self.serializer.deserialize(data, self._type_to_name)
            adapter = self._adapter()
            return data if adapter is None else _load(adapter, data)
        except Exception as error:
            failure = OutputUnserializableError(
                f"the stored value of {what} is not a {_name(self.typ)}: {_reason(error)}"
            )
            return with_cause(failure, cause_to_show(error))

    def using(self, serializer: Serializer) -> Codec:
        """Return this codec with ``serializer``, unless its serializer is settled."""
        if self.is_settled:
            return self
        return Codec(typ=self.typ, is_declared=self.is_declared, serializer=serializer)

    @property
    def _type_to_name(self) -> object:
        return object if self.typ is UNSET else self.typ

    def _adapter(self) -> pydantic.TypeAdapter[Any] | None:
        """Return the type's adapter, or ``None`` if values are stored unchanged."""
        if self.typ is UNSET or (not self.is_declared and _is_plain(self.typ)):
            return None
        import pydantic

        try:
            return _adapter_of(self.typ)
        except pydantic.PydanticUserError:  # a class that pydantic has no schema for
            if self.is_declared:
                raise
            return None


PLAIN = Codec()
"""Stores JSON values unchanged."""


def _dump(
    adapter: pydantic.TypeAdapter[Any], value: object, what: str, typ: object
) -> object | OutputUnserializableError:
    is_coerced = False
    try:
        dumped: object = adapter.dump_python((value,), mode="json", warnings="error")[0]
    except Exception as error:
        if type(value) is list:  # asyncio.gather returns a list, which checkers infer as a tuple
            as_tuple = _dump(adapter, tuple(value), what, typ)
            if not isinstance(as_tuple, OutputUnserializableError):
                return as_tuple
        if not isinstance(encode(value, what), str):
            return _unserializable(what, typ, error, type(value))
        dumped, is_coerced = value, True  # JSON that the type may accept, such as a dictionary
    problem = encode(dumped, what)
    if isinstance(problem, OutputUnserializableError):
        return problem
    try:
        loaded = _load(adapter, dumped)
        again = adapter.dump_python((loaded,), mode="json")[0]
    except Exception as error:
        return _unserializable(what, typ, error, type(value))
    is_same_kind = dumped is value or _is_same_kind(value, loaded)
    is_whole = _is_same_json(dumped, again) or (is_coerced and _contains(again, dumped))
    if not is_same_kind or not is_whole:
        return OutputUnserializableError(
            f"{what}: a {type(value).__name__} would not be the same after it is stored "
            f"as {_name(typ)}: name the exact type"
        )
    return dumped


def _is_same_json(one: object, other: object) -> bool:
    """Compare two JSON values, ignoring the order of lists, which may be encoded sets."""
    return one == other or _unordered(one) == _unordered(other)


def _contains(whole: object, part: object) -> bool:
    """Return whether ``whole`` contains ``part``, possibly with further keys for defaults."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _contains(whole[key], each) for key, each in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_contains, whole, part))
    return part == whole


def _unordered(value: object) -> object:
    if isinstance(value, dict):
        return {key: _unordered(each) for key, each in value.items()}
    if isinstance(value, list):
        items = [_unordered(each) for each in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value


def _is_same_kind(value: object, loaded: object) -> bool:
    if isinstance(value, Mapping) and isinstance(loaded, Mapping):
        return True
    return _class(value) is _class(loaded)


def _class(value: object) -> type:
    """Return the class, for a generic pydantic model without its type arguments."""
    generic = getattr(type(value), "__pydantic_generic_metadata__", None) or {}
    return generic.get("origin") or type(value)


def _load(adapter: pydantic.TypeAdapter[Any], data: object) -> object:
    # JSON mode, as strict models do not accept a string as a datetime in Python mode.
    loaded: object = adapter.validate_json(json.dumps([data]), by_alias=True, by_name=True)[0]
    return loaded


def _unserializable(
    what: str, typ: object, error: Exception, got: type | None = None
) -> OutputUnserializableError:
    of_type = "" if got is None else f" of type {got.__name__}"
    failure = OutputUnserializableError(
        f"{what}: a value{of_type} cannot be stored as {_name(typ)}: {_reason(error)}"
    )
    return with_cause(failure, cause_to_show(error))


def _reason(error: Exception) -> str:
    """Describe the error without quoting the value."""
    if isinstance(error, UnicodeDecodeError):
        return (
            'it contains bytes that are not UTF-8; set ser_json_bytes="base64" and '
            'val_json_bytes="base64" in the model_config of the pydantic model that contains them'
        )
    details = getattr(error, "errors", None)
    found: Any
    try:
        found = details(include_url=False, include_input=False) if callable(details) else []
    except TypeError:
        found = []
    lines = [
        f"{'.'.join(map(str, each['loc'][1:])) or 'the value'}: {each['msg']}" for each in found[:5]
    ]
    return "; ".join(lines) or type(error).__name__


def _name(typ: object) -> str:
    if typ is UNSET:
        return "JSON"
    return typ.__name__ if isinstance(typ, type) and not typing.get_args(typ) else str(typ)


@cached_by_type
def _adapter_of(typ: Any) -> pydantic.TypeAdapter[Any]:
    import pydantic

    # The tuple makes the configuration apply to standard dataclasses and typed dicts.
    config = pydantic.ConfigDict(
        ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants"
    )
    if typing.get_origin(typ) in (Iterable, Iterator):  # pydantic's iterator works only once
        typ = types.GenericAlias(list, typing.get_args(typ))
    around: Any = tuple
    return pydantic.TypeAdapter(around[typ], config=config)


@cached_by_type
def codec_of_annotation(typ: object) -> Codec:
    """Return how to store the output of a handler with the return annotation ``typ``."""
    return PLAIN if _is_plain(typ) else Codec(typ=typ)


@cached_by_type
def _is_plain(typ: object) -> bool:
    """Return whether values of this type are JSON values, which need no conversion."""
    return _walk(typ, ())


def _is_one_of(typ: object, known: set[object]) -> bool:
    try:
        return typ in known
    except TypeError:  # not hashable
        return False


def _walk(typ: object, seen: tuple[object, ...]) -> bool:
    if any(typ is each for each in seen):
        return True
    seen = (*seen, typ)
    if _is_one_of(typ, _PLAIN):
        return True
    if isinstance(typ, TypeAliasType):
        return _walk(typ.__value__, seen)
    supertype = getattr(typ, "__supertype__", None)  # typing.NewType
    if supertype is not None:
        return _walk(supertype, seen)
    if typing.get_origin(typ) is Annotated:
        return _walk(typing.get_args(typ)[0], seen)
    if is_typeddict(typ):
        try:
            fields = typing.get_type_hints(typ)
        except Exception:
            return False
        return all(_walk(each, seen) for each in fields.values())
    origin, args = typing.get_origin(typ), typing.get_args(typ)
    if typ is dict or typ is list or origin in (Union, types.UnionType):
        return all(_walk(each, seen) for each in args)
    if origin is Literal:
        return all(type(each) in (str, int, bool, types.NoneType) for each in args)
    if origin in _PLAIN_MAPPINGS:
        return args[0] is str and _walk(args[1], seen)
    return origin in _PLAIN_CONTAINERS and all(_walk(each, seen) for each in args)


__all__ = ["PLAIN", "Codec", "codec_of_annotation"]
