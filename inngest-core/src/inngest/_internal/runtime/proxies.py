"""HTTP clients that use the environment's proxy, even if its configuration is invalid.

For example, ``ALL_PROXY=socks5://…`` without a SOCKS library makes HTTPX's constructors fail.
Here, local requests, which bypass the proxy, work nevertheless, and each other request fails, as
it does if a proxy is unreachable.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import httpx

from inngest._internal.hosts import THIS_MACHINE
from inngest._internal.runtime.secret_urls import unmask, unmask_async

ClientT = TypeVar("ClientT", httpx.Client, httpx.AsyncClient)

_DIRECT: Final = {f"all://{f'[{host}]' if ':' in host else host}": None for host in THIS_MACHINE}
"""Local servers, such as the Dev Server, are never reached through a proxy."""
_UNMASKING: Final[dict[type, Any]] = {httpx.Client: unmask, httpx.AsyncClient: unmask_async}
_FAILURES: Final = (ImportError, ValueError, httpx.InvalidURL)


class _Unusable(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Replaces the proxy: each request fails."""

    def __init__(self, error: Exception) -> None:
        self._message = f"the environment's proxy cannot be used: {error}"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ProxyError(self._message, request=request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ProxyError(self._message, request=request)


def new_client(kind: type[ClientT], limits: httpx.Limits) -> ClientT:
    """Create a sync or an async client."""
    hooks = {"request": [_UNMASKING[kind]]}
    try:
        return kind(mounts=_DIRECT, limits=limits, event_hooks=hooks)
    except _FAILURES as error:
        mounts: dict[str, Any] = {"all://": _Unusable(error), **_DIRECT}
        return kind(trust_env=False, mounts=mounts, limits=limits, event_hooks=hooks)


__all__ = ["new_client"]
