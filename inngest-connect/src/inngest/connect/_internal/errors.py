"""Why a worker ends by itself. Everything else it sits out."""

from __future__ import annotations

from typing import ClassVar

from inngest.errors import Error


class ConnectError(Error):
    """The worker cannot go on."""

    code: ClassVar[str] = "connect_failed"


class ConnectAuthenticationError(ConnectError):
    """The server has refused every signing key, and has never accepted one."""

    code: ClassVar[str] = "connect_authentication_failed"


class ConnectRefusedError(ConnectError):
    """The gateway does not accept what the worker says of itself or of its functions."""

    code: ClassVar[str] = "connect_refused"


class ForkedError(ConnectError):
    """The worker was made in another process than the one that uses it."""

    code: ClassVar[str] = "connect_forked"
