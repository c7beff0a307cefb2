"""Test suites for plugin authors: transports, middleware, serializers, and whole plugins.

Requires pytest and nothing else beyond the core.
"""

try:
    import pytest
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError("inngest.testing needs pytest: pip install pytest") from _error

for _name in ("middleware", "plugin", "runs", "serializer", "streaming", "transport"):
    pytest.register_assert_rewrite(f"inngest.testing.{_name}")

from inngest.testing.exchange import Channel, HTTPChannel, Incoming, Reply, Request
from inngest.testing.middleware import MiddlewareSuite
from inngest.testing.plugin import PluginSuite
from inngest.testing.runs import Ended, play
from inngest.testing.serializer import SerializerSuite
from inngest.testing.transport import TransportSuite

__all__ = [
    "Channel",
    "Ended",
    "HTTPChannel",
    "Incoming",
    "MiddlewareSuite",
    "PluginSuite",
    "Reply",
    "Request",
    "SerializerSuite",
    "TransportSuite",
    "play",
]
