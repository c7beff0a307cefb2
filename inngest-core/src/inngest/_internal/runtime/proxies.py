"""HTTP clients that heed the environment's proxy, and what becomes of one that cannot be used.

Such as that of ``ALL_PROXY=socks5://…`` on a machine without a SOCKS library: to make a client
fails then. What runs on this machine needs no proxy, and is asked all the same; for the rest each
request fails, as it does where a proxy is away.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import httpx

from inngest._internal.hosts import THIS_MACHINE
from inngest._internal.runtime.secret_urls import unveil, unveil_async

ClientT = TypeVar("ClientT", httpx.Client, httpx.AsyncClient)

_DIRECT: Final = {f"all://{f'[{host}]' if ':' in host else host}": None for host in THIS_MACHINE}
"""What runs here, such as a dev server, is not behind the environment's proxy."""
_UNVEILING: Final[dict[type, Any]] = {httpx.Client: unveil, httpx.AsyncClient: unveil_async}
_FAILURES: Final = (ImportError, ValueError, httpx.InvalidURL)


class _Unusable(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """What takes the place of the proxy."""

    def __init__(self, error: Exception) -> None:
        self._message = f"the environment's proxy cannot be used: {error}"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ProxyError(self._message, request=request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ProxyError(self._message, request=request)


def new_client(kind: type[ClientT], limits: httpx.Limits) -> ClientT:
    """Make a client for threads, or one for an event loop."""
    hooks = {"request": [_UNVEILING[kind]]}
    try:
        return kind(mounts=_DIRECT, limits=limits, event_hooks=hooks)
    except _FAILURES as error:
        mounts: dict[str, Any] = {"all://": _Unusable(error), **_DIRECT}
        return kind(trust_env=False, mounts=mounts, limits=limits, event_hooks=hooks)


__all__ = ["new_client"]
