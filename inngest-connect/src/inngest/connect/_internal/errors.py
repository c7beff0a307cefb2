"""Why a worker ends by itself. Everything else it sits out."""

from __future__ import annotations

from inngest.errors import Error


class ConnectError(Error):
    """The worker cannot go on."""

    code = "connect_failed"


class ConnectAuthenticationError(ConnectError):
    """The server has refused every signing key, and has never accepted one."""

    code = "connect_authentication_failed"


class ConnectRefusedError(ConnectError):
    """The gateway does not accept what the worker says of itself or of its functions."""

    code = "connect_refused"


class ForkedError(ConnectError):
    """The worker was made in another process than the one that uses it."""

    code = "connect_forked"
