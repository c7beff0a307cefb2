"""Embedded Inngest engine: a protocol-compatible local server for development and tests."""

from inngest.dev.clock import Clock, RealClock, VirtualClock
from inngest.dev.driver import Driver
from inngest.dev.engine import Engine
from inngest.dev.in_process import InProcessDriver
from inngest.dev.schema import UnusableDatabaseError
from inngest.dev.server import DevServer

__all__ = [
    "Clock",
    "DevServer",
    "Driver",
    "Engine",
    "InProcessDriver",
    "RealClock",
    "UnusableDatabaseError",
    "VirtualClock",
]
