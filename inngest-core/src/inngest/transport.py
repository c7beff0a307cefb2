"""The building blocks of a web framework adapter.

An adapter converts the framework's request into a :class:`CommRequest`, passes it to a
:class:`Handler`, and converts the resulting :class:`CommResponse` or :class:`CommStream` into
the framework's response. Test it with ``inngest.testing.TransportSuite``.
"""

from inngest._internal.client.handler import Handler
from inngest._internal.hosts import is_public_name
from inngest._internal.http.comm import CommRequest, CommResponse, CommStream, parse_query
from inngest._internal.http.options import ServeOptions
from inngest._internal.http.streaming import Streaming
from inngest._internal.protocol.introspect import capabilities
from inngest._internal.protocol.request import MAX_BODY_BYTES
from inngest._internal.runtime.drivers import run_coroutine
from inngest._internal.runtime.greenlets import threads_are_greenlets
from inngest._internal.runtime.streams import AsyncStream, SyncStream
from inngest._internal.version import SDK_HEADER, SDK_LANGUAGE, VERSION

__all__ = [
    "MAX_BODY_BYTES",
    "SDK_HEADER",
    "SDK_LANGUAGE",
    "AsyncStream",
    "CommRequest",
    "CommResponse",
    "CommStream",
    "Handler",
    "ServeOptions",
    "Streaming",
    "SyncStream",
    "VERSION",
    "capabilities",
    "is_public_name",
    "parse_query",
    "run_coroutine",
    "threads_are_greenlets",
]
