"""The errors that end a worker. It recovers from all other failures."""

from __future__ import annotations

from typing import ClassVar

from inngest.errors import Error


class ConnectError(Error):
    """The worker cannot continue."""

    code: ClassVar[str] = "connect_failed"


class ConnectAuthenticationError(ConnectError):
    """The server rejected every signing key, and never accepted one."""

    code: ClassVar[str] = "connect_authentication_failed"


class ConnectRefusedError(ConnectError):
    """The gateway rejects the worker's configuration or its functions."""

    code: ClassVar[str] = "connect_refused"


class ForkedError(ConnectError):
    """The worker is used in a process other than the one that started it."""

    code: ClassVar[str] = "connect_forked"
