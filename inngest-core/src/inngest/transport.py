"""What an adapter for a web framework is made of.

An adapter turns the framework's request into a :class:`CommRequest`, asks a
:class:`Handler`, and turns the :class:`CommResponse` into the framework's response.
"""

from inngest._internal.client.handler import Handler
from inngest._internal.http.comm import CommRequest, CommResponse
from inngest._internal.http.options import ServeOptions
from inngest._internal.protocol.request import MAX_BODY_BYTES

__all__ = ["MAX_BODY_BYTES", "CommRequest", "CommResponse", "Handler", "ServeOptions"]
