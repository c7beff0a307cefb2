"""Test durable functions in this process: virtual time, stubs, recordings, no sockets.

It calls the production handler and serializer. Needs no test framework; with pytest, the
fixture `inngest_engine` and the timelines of failed tests come by themselves.
"""

from inngest.dev._internal.machine.fetching import Inbound, Outbound
from inngest.dev._internal.testing.engines import AsyncVirtualEngine, VirtualEngine
from inngest.dev._internal.testing.factory import EngineFactory
from inngest.dev._internal.testing.history import NonDeterminismError, check_history
from inngest.dev._internal.testing.logs import RecordedLog
from inngest.dev._internal.testing.records import (
    RecordedError,
    RecordedEvent,
    RecordedRun,
    RecordedStep,
    RunStateError,
)
from inngest.dev._internal.testing.session import RefusedError
from inngest.dev._internal.testing.stubs import Stub

__all__ = [
    "AsyncVirtualEngine",
    "EngineFactory",
    "Inbound",
    "NonDeterminismError",
    "Outbound",
    "RecordedError",
    "RecordedEvent",
    "RecordedLog",
    "RecordedRun",
    "RecordedStep",
    "RefusedError",
    "RunStateError",
    "Stub",
    "VirtualEngine",
    "check_history",
]
