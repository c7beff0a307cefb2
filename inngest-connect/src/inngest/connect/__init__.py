"""Run Inngest functions over a WebSocket that the app opens itself.

    worker = inngest.connect.connect([(client, [greet])])
    asyncio.run(worker.start())

The app needs no address of its own. The worker keeps its connection up through outages,
restarts and drains, and hands over every reply that it owes.
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
    """Make a worker for the functions of one or more apps. ``start()`` starts it.

    Making it opens nothing and takes no signal.

    :param apps: clients with their functions. All speak to one server, in one environment,
        with one signing key.
    :param instance_id: tells this worker from others; the name of the host by default.
    :param rewrite_gateway_endpoint: gives the URL to use instead of a gateway's, such as
        that of a proxy.
    :param shutdown_signals: what closes the worker while it runs: SIGINT and SIGTERM unless
        given; an empty list for nothing.
    :param max_worker_concurrency: how many calls run at once
        (``INNGEST_CONNECT_MAX_WORKER_CONCURRENCY``); any number by default.
    :raises ConnectError: no apps, or apps that do not go together.
    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises FunctionConfigInvalidError: an app without functions, or with two of one id.
    """
    from inngest.connect._internal.making import make  # protobuf and websockets are for workers

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
