"""Run Inngest functions over an outbound WebSocket.

    worker = inngest.connect.connect([(client, [greet])])
    asyncio.run(worker.start())

The app needs no public address. The worker reconnects after outages, server restarts and gateway
drains, and delivers every reply.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from inngest import Function, Inngest
from inngest.connect._internal.contract import WorkerConnection
from inngest.connect._internal.errors import (
    ConnectAuthenticationError,
    ConnectError,
    ConnectRefusedError,
    ForkedError,
)
from inngest.connect._internal.state import ConnectionState, WorkerStatus


def connect(
    apps: list[tuple[Inngest, list[Function[Any]]]],
    *,
    instance_id: str | None = None,
    rewrite_gateway_endpoint: Callable[[str], str] | None = None,
    shutdown_signals: list[signal.Signals] | None = None,
    max_worker_concurrency: int | None = None,
) -> WorkerConnection:
    """Create a worker for the functions of one or more apps. Call ``start()`` to run it.

    Opens no connection and installs no signal handler.

    :param apps: pairs of a client and its functions. All clients must have the same API base
        URL, environment, mode and signing keys.
    :param instance_id: identifies this worker; the host name by default.
    :param rewrite_gateway_endpoint: takes a gateway's URL and returns the one to connect to, such
        as that of a proxy.
    :param shutdown_signals: the signals that close the running worker, by default SIGINT and
        SIGTERM; an empty list for none.
    :param max_worker_concurrency: the maximum number of calls that run at a time
        (``INNGEST_CONNECT_MAX_WORKER_CONCURRENCY``); unlimited by default.
    :raises ConnectError: an argument is invalid, or the clients' settings differ.
    :raises SigningKeyMissingError: there is no signing key in cloud mode.
    :raises FunctionConfigInvalidError: an app has no functions, or two with the same id.
    """
    from inngest.connect._internal.making import make  # imports protobuf and websockets

    return make(
        apps,
        instance_id=instance_id,
        rewrite_gateway_endpoint=rewrite_gateway_endpoint,
        shutdown_signals=shutdown_signals,
        max_worker_concurrency=max_worker_concurrency,
    )


__all__ = [
    "ConnectAuthenticationError",
    "ConnectError",
    "ConnectRefusedError",
    "ConnectionState",
    "ForkedError",
    "WorkerConnection",
    "WorkerStatus",
    "connect",
]
