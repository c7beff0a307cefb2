"""Kits for authors of adapters. They need pytest, and nothing else beside the core."""

import pytest

pytest.register_assert_rewrite("inngest.testing.transport", "inngest.testing.streaming")

from inngest.testing.exchange import Channel, HTTPChannel, Incoming, Reply, Request
from inngest.testing.transport import TransportSuite

__all__ = ["Channel", "HTTPChannel", "Incoming", "Reply", "Request", "TransportSuite"]
