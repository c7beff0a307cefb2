"""Create a worker from the arguments of ``connect()`` and the environment."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

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

_MAX_INT64 = 2**63 - 1
"""The maximum of the protobuf field, an int64."""

_HANDLEABLE = frozenset(signal.valid_signals()) - {
    getattr(signal, name, None) for name in ("SIGKILL", "SIGSTOP")
}

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
    """Create a worker. Tests pass their own ``timing``."""
    _check_types(apps)
    _check_consistency(apps)
    if instance_id is not None and not isinstance(cast(object, instance_id), str):
        raise ConnectError(f"instance_id: must be a string, not {instance_id!r}")
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
        signals=DEFAULT if shutdown_signals is None else _signals(shutdown_signals),
        timing=timing,
    )


def _check_types(apps: object) -> None:
    if not apps:
        raise ConnectError("no apps provided")
    pairs: Sequence[object] = apps if isinstance(apps, (list, tuple)) else ()
    if not (pairs and all(map(_is_pair, pairs))):
        raise ConnectError(
            "apps: must be a list of pairs, each a client and its functions, as in "
            "connect([(client, [greet])])"
        )


def _is_pair(given: object) -> bool:
    return isinstance(given, (tuple, list)) and len(given) == 2 and isinstance(given[0], Inngest)


def _signals(given: Iterable[object]) -> list[signal.Signals]:
    found: list[signal.Signals] = []
    for one in given:
        if not isinstance(one, int) or one not in _HANDLEABLE:
            raise ConnectError(
                "shutdown_signals: must be signals that a process can handle, such as "
                f"signal.SIGTERM, not {one!r}"
            )
        found.append(cast(signal.Signals, one))  # real-time signals are no members
    return found


def _check_consistency(apps: Apps) -> None:
    traits: dict[str, Callable[[Inngest], object]] = {
        "API base URL": lambda client: client.api_origin.rstrip("/"),
        "env": lambda client: client.env,
        "mode": lambda client: client.is_production,
        "signing key": lambda client: (client.signing_key, client.signing_key_fallback),
    }
    for name, trait in traits.items():
        if len({trait(client) for client, _ in apps}) > 1:
            raise ConnectError(f"inconsistent app config: {name}")
    if len({client.app_id for client, _ in apps}) < len(apps):
        raise ConnectError("two apps have the same app_id; each needs its own")
    for client, functions in apps:
        if not functions:
            raise FunctionConfigInvalidError(f'the app "{client.app_id}" has no functions')


def _concurrency(given: object, environ: Mapping[str, str]) -> int | None:
    name = "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY"
    if given is None:
        text = environ.get(name, "").strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MAX_INT64):
            logging.getLogger("inngest.connect").warning(
                "connect: %s is ignored: it must be a positive whole number", name
            )
            return None
        return int(text)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 < given <= _MAX_INT64:
        raise ConnectError(
            f"max_worker_concurrency: must be a positive whole number, not {given!r}"
        )
    return given
