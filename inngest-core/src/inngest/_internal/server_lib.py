"""Names that published packages import from here, such as middleware for encryption."""

from inngest._internal.event import Event
from inngest._internal.function.registration import FunctionConfig
from inngest._internal.op import Opcode
from inngest._internal.types import ServerKind

__all__ = ["Event", "FunctionConfig", "Opcode", "ServerKind"]
