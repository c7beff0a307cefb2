"""What a worker tells gateways about itself and its apps. Pure, except for its defaults."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp

from inngest import Function
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import SDK_LANGUAGE, VERSION, capabilities

FRAMEWORK = "connect"
APP_URL = "wss://connect"
"""The URL in registrations. The server requires one but never uses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppIdentity:
    """An app of the worker."""

    app_id: str
    version: str | None
    functions: bytes
    """The JSON of their registrations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What is the same for all connections of a worker."""

    instance_id: str
    apps: tuple[AppIdentity, ...]
    env: str | None = None
    max_concurrency: int | None = None
    started_at: float = field(default_factory=time.time)

    @property
    def app_ids(self) -> frozenset[str]:
        """The ids of the worker's apps."""
        return frozenset(app.app_id for app in self.apps)

    def connect_request(
        self, start: wire.StartResponse, *, is_routable: bool
    ) -> wire.WorkerConnectRequestData:
        """Return the WORKER_CONNECT message for a gateway that the API assigned."""
        return wire.WorkerConnectRequestData(
            connection_id=start.connection_id,
            instance_id=self.instance_id,
            auth_data=wire.AuthData(session_token=start.session_token, sync_token=start.sync_token),
            capabilities=json.dumps(capabilities()).encode(),
            apps=[
                wire.AppConfiguration(
                    app_name=app.app_id, app_version=app.version, functions=app.functions
                )
                for app in self.apps
            ],
            worker_manual_readiness_ack=not is_routable,
            system_attributes=system_attributes(),
            environment=self.env,
            framework=FRAMEWORK,
            sdk_version=VERSION,
            sdk_language=SDK_LANGUAGE,
            started_at=_timestamp(self.started_at),
            max_worker_concurrency=self.max_concurrency,
        )


def function_configs(functions: Sequence[Function[object]]) -> bytes:
    """Return the registrations of functions and their failure handlers, as JSON."""
    configs = [each for one in functions for each in one.configs(APP_URL, runtime="ws")]
    return json.dumps(configs, allow_nan=False).encode("ascii")


def system_attributes() -> wire.SystemAttributes:
    """Return the machine's attributes; 0 for what the system does not provide."""
    return wire.SystemAttributes(
        cpu_cores=os.cpu_count() or 0, mem_bytes=_memory(), os=sys.platform
    )


def _memory() -> int:
    if sys.platform != "win32":  # it has no os.sysconf
        with suppress(OSError, ValueError):
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0


def _timestamp(seconds: float) -> Timestamp:
    whole = int(seconds)
    return Timestamp(seconds=whole, nanos=int((seconds - whole) * 1_000_000_000))
