"""What an adapter for a web framework is made of.

An adapter turns the framework's request into a :class:`CommRequest`, asks a
:class:`Handler`, and turns the :class:`CommResponse` or the :class:`CommStream` that it
gets into the framework's response. ``inngest.testing.TransportSuite`` tests one.
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
