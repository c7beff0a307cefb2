"""Arguments of a step that somebody edited before a rerun: JSON, where the code had values."""

from __future__ import annotations

from inngest._internal.errors import OutputUnserializableError
from inngest._internal.op import StepCall
from inngest._internal.serialization.annotations import parameter_types
from inngest._internal.serialization.codec import Codec
from inngest._internal.serialization.text import encode


def typed_input(
    call: StepCall, args: tuple[object, ...]
) -> tuple[object, ...] | OutputUnserializableError:
    """Read ``args`` as the handler's parameters say; without annotations they stay JSON."""
    assert call.handler is not None
    read: list[object] = []
    for typ, arg in zip(parameter_types(call.handler, len(args)), args, strict=True):
        value = Codec(typ=typ).load(arg, f'the edited input of step "{call.id}"')
        if isinstance(value, OutputUnserializableError):
            return value
        read.append(value)
    return tuple(read)


def shown_input(args: tuple[object, ...]) -> dict[str, object]:
    """The part of a step's options that shows its arguments, as far as JSON can say them."""
    types = [type(arg) for arg in args]
    dumped = [Codec(typ=typ).dump(arg, "input") for typ, arg in zip(types, args, strict=True)]
    return {"input": dumped} if isinstance(encode(dumped, "input"), str) else {}


__all__ = ["shown_input", "typed_input"]
