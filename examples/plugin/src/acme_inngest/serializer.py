"""Values to JSON values and back with msgspec: structs, dataclasses, enums, datetimes…"""

from __future__ import annotations

from typing import Any

import msgspec


def serialize(obj: object) -> object:
    """Return ``obj`` as JSON values."""
    return msgspec.to_builtins(obj)


def deserialize(obj: object, typ: Any) -> object:
    """Return the value of type ``typ`` that ``obj`` stands for; ``object`` is any."""
    return msgspec.convert(obj, Any if typ is object else typ)
