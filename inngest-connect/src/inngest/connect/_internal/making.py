"""Make a worker from what its owner says and what the environment says."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any

from inngest import Function, Inngest
from inngest.connect._internal.connection import Connection
from inngest.connect._internal.errors import ConnectError
from inngest.connect._internal.identity import (
    FRAMEWORK,
    AppIdentity,
    Identity,
    function_configs,
)
from inngest.connect._internal.signals import DEFAULT
from inngest.connect._internal.timing import Timing
from inngest.errors import FunctionConfigInvalidError
from inngest.transport import Handler, ServeOptions

_MOST = 2**63 - 1
"""What fits its field of the handshake."""

Apps = list[tuple[Inngest, list[Function[Any]]]]


def make(
    apps: Apps,
    *,
    instance_id: str | None = None,
    rewrite_gateway_endpoint: Callable[[str], str] | None = None,
    shutdown_signals: list[signal.Signals] | None = None,
    max_worker_concurrency: int | None = None,
    timing: Timing | None = None,
) -> Connection:
    """Make a worker; tests bring their own ``timing``."""
    _check(apps)
    client = apps[0][0]
    handlers = {
        each.app_id: Handler(each, functions, ServeOptions(framework=FRAMEWORK))
        for each, functions in apps
    }
    identity = Identity(
        instance_id=instance_id or socket.gethostname(),
        apps=tuple(
            AppIdentity(
                app_id=each.app_id,
                version=each.app_version,
                functions=function_configs(handlers[each.app_id].functions),
            )
            for each, _ in apps
        ),
        env=client.env,
        max_concurrency=_concurrency(max_worker_concurrency, os.environ),
    )
    return Connection(
        handlers,
        identity,
        api_origin=client.api_origin,
        rewrite=rewrite_gateway_endpoint or str,
        signals=DEFAULT if shutdown_signals is None else shutdown_signals,
        timing=timing,
    )


def _check(apps: Apps) -> None:
    if not apps:
        raise ConnectError("no apps provided")
    traits: dict[str, Callable[[Inngest], object]] = {
        "API base URL": lambda client: client.api_origin,
        "env": lambda client: client.env,
        "mode": lambda client: client.is_production,
        "signing key": lambda client: (client.signing_key, client.signing_key_fallback),
    }
    for name, trait in traits.items():
        if len({trait(client) for client, _ in apps}) > 1:
            raise ConnectError(f"inconsistent app config: {name}")
    if len({client.app_id for client, _ in apps}) < len(apps):
        raise ConnectError("two apps have the same app_id")
    for client, functions in apps:
        if not functions:
            raise FunctionConfigInvalidError(f'the app "{client.app_id}" has no functions')


def _concurrency(given: object, environ: Mapping[str, str]) -> int | None:
    name = "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY"
    if given is None:
        text = environ.get(name, "").strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST):
            logging.getLogger("inngest.connect").warning(
                "connect: %s is not a positive whole number; it is ignored", name
            )
            return None
        return int(text)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 < given <= _MOST:
        raise ConnectError(f"max_worker_concurrency: a positive whole number, not {given!r}")
    return given
