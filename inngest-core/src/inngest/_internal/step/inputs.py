"""Step arguments that were edited in the dashboard before a rerun: JSON instead of objects."""

from __future__ import annotations

from inngest._internal.errors import OutputUnserializableError
from inngest._internal.op import StepCall
from inngest._internal.serialization.annotations import parameter_types
from inngest._internal.serialization.codec import Codec
from inngest._internal.serialization.text import encode


def decode_input(
    call: StepCall, args: tuple[object, ...]
) -> tuple[object, ...] | OutputUnserializableError:
    """Convert ``args`` to the types of the handler's parameters, as far as it annotates them."""
    assert call.handler is not None
    values: list[object] = []
    for typ, arg in zip(parameter_types(call.handler, len(args)), args, strict=True):
        value = Codec(typ=typ).load(arg, f'the edited input of step "{call.id}"')
        if isinstance(value, OutputUnserializableError):
            return value
        values.append(value)
    return tuple(values)


def encode_input(args: tuple[object, ...]) -> dict[str, object]:
    """Return step options that contain the arguments, or none if the arguments are not JSON."""
    types = [type(arg) for arg in args]
    dumped = [Codec(typ=typ).dump(arg, "input") for typ, arg in zip(types, args, strict=True)]
    return {"input": dumped} if isinstance(encode(dumped, "input"), str) else {}


__all__ = ["decode_input", "encode_input"]
