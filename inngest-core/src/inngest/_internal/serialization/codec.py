"""One type's way to JSON and back. The default is by type; a serializer of the user's wins.

A type of plain JSON, such as ``dict[str, int]``, needs no work: the value is stored as it
is. Any other type must fit: what is stored is what comes back.
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
    """How the output of one step or function is stored, and read again.

    ``is_declared`` tells an ``output_type``, which must hold, from a return annotation of
    plain JSON, which is taken as a remark. ``is_settled`` tells that ``serializer`` is what
    its owner has chosen, be it none: another client's has no say.
    """

    typ: object = UNSET
    is_declared: bool = False
    serializer: Serializer | None = None
    is_settled: bool = False

    def dump(self, value: object, what: str) -> object | OutputUnserializableError:
        """Return ``value`` as JSON values. ``what`` names it in the error."""
        try:
            if self.serializer is not None:
                return self.serializer.serialize(value, self._type_to_name)
            adapter = self._adapter()
        except Exception as error:
            return _refused(what, self.typ, error)
        return value if adapter is None else _dump(adapter, value, what, self.typ)

    def dump_result(self, value: object, what: str) -> object | OutputUnserializableError:
        """The same for what a function ends with, which no code of its own reads again.

        JSON as it is does for that: an annotation of it may be wrong, and nobody has noticed.
        """
        dumped = self.dump(value, what)
        if isinstance(dumped, OutputUnserializableError) and self.serializer is None:
            is_json = not self.is_declared and isinstance(encode(value, what), str)
            return value if is_json else dumped
        return dumped

    def load(self, data: object, what: str) -> object | OutputUnserializableError:
        """Return the value that was stored as ``data``."""
        try:
            if self.serializer is not None:
                return self.serializer.deserialize(data, self._type_to_name)
            adapter = self._adapter()
            return data if adapter is None else _load(adapter, data)
        except Exception as error:
            failure = OutputUnserializableError(
                f"what is stored for {what} is not a {_name(self.typ)}: {_reason(error)}"
            )
            return with_cause(failure, cause_to_show(error))

    def using(self, serializer: Serializer) -> Codec:
        """The same type, with a serializer, unless another choice is settled."""
        if self.is_settled:
            return self
        return Codec(typ=self.typ, is_declared=self.is_declared, serializer=serializer)

    @property
    def _type_to_name(self) -> object:
        return object if self.typ is UNSET else self.typ

    def _adapter(self) -> pydantic.TypeAdapter[Any] | None:
        """``None``: the value is stored as it is."""
        if self.typ is UNSET or (not self.is_declared and _is_plain(self.typ)):
            return None
        import pydantic

        try:
            return _adapter_of(self.typ)
        except pydantic.PydanticUserError:  # a class that says nothing of its fields
            if self.is_declared:
                raise
            return None


PLAIN = Codec()
"""Stores plain JSON as it is."""


def _dump(
    adapter: pydantic.TypeAdapter[Any], value: object, what: str, typ: object
) -> object | OutputUnserializableError:
    is_meant = False
    try:
        dumped: object = adapter.dump_python((value,), mode="json", warnings="error")[0]
    except Exception as error:
        if type(value) is list:  # asyncio.gather gives one; to type checkers it is a tuple
            written = _dump(adapter, tuple(value), what, typ)
            if not isinstance(written, OutputUnserializableError):
                return written
        if not isinstance(encode(value, what), str):
            return _refused(what, typ, error, type(value))
        dumped, is_meant = value, True  # plain JSON that may mean such a value
    unfit = encode(dumped, what)
    if isinstance(unfit, OutputUnserializableError):
        return unfit
    try:
        loaded = _load(adapter, dumped)
        again = adapter.dump_python((loaded,), mode="json")[0]
    except Exception as error:
        return _refused(what, typ, error, type(value))
    is_same_kind = dumped is value or _is_same_kind(value, loaded)
    is_whole = _is_same_json(dumped, again) or (is_meant and _holds(again, dumped))
    if not is_same_kind or not is_whole:
        return OutputUnserializableError(
            f"{what} gave a {type(value).__name__}, which would not come back as it is when it "
            f"is read as {_name(typ)}: name the exact type"
        )
    return dumped


def _is_same_json(one: object, other: object) -> bool:
    """Whether two JSON values are equal, or differ only in the order that a set has by chance."""
    return one == other or _unordered(one) == _unordered(other)


def _holds(whole: object, part: object) -> bool:
    """Whether nothing of ``part`` is lost in ``whole``, which has defaults besides."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _holds(whole[key], each) for key, each in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_holds, whole, part))
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
    """Of a generic model without its arguments, which need not be named where one is made."""
    generic = getattr(type(value), "__pydantic_generic_metadata__", None) or {}
    return generic.get("origin") or type(value)


def _load(adapter: pydantic.TypeAdapter[Any], data: object) -> object:
    # JSON mode: a string is no datetime to pydantic's Python mode when a model is strict.
    loaded: object = adapter.validate_json(json.dumps([data]), by_alias=True, by_name=True)[0]
    return loaded


def _refused(
    what: str, typ: object, error: Exception, got: type | None = None
) -> OutputUnserializableError:
    of_type = "" if got is None else f" of type {got.__name__}"
    failure = OutputUnserializableError(
        f"{what} gave a value{of_type} that cannot be stored as {_name(typ)}: {_reason(error)}"
    )
    return with_cause(failure, cause_to_show(error))


def _reason(error: Exception) -> str:
    """What is wrong, without quoting the value."""
    if isinstance(error, UnicodeDecodeError):
        return (
            "it holds bytes that are not UTF-8; the pydantic model around them needs "
            'ser_json_bytes="base64" and val_json_bytes="base64" in its model_config'
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

    # The tuple lets the configuration reach standard dataclasses and typed dicts.
    config = pydantic.ConfigDict(
        ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants"
    )
    if typing.get_origin(typ) in (Iterable, Iterator):  # pydantic would read it but once
        typ = types.GenericAlias(list, typing.get_args(typ))
    around: Any = tuple
    return pydantic.TypeAdapter(around[typ], config=config)


@cached_by_type
def codec_of_annotation(typ: object) -> Codec:
    """How a value is stored whose handler says that it returns ``typ``."""
    return PLAIN if _is_plain(typ) else Codec(typ=typ)


@cached_by_type
def _is_plain(typ: object) -> bool:
    """Whether a JSON value of this type is the value itself."""
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
    supertype = getattr(typ, "__supertype__", None)  # of a NewType
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
