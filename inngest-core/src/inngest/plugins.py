"""Plugins: what a wheel can add to this library, and how it says so.

A wheel names an object in the entry-point group ``inngest``. The object has an integer
``api_version`` and methods marked with :data:`hookimpl` that implement hooks of
:class:`HookSpecs`. The hooks return the typed, frozen objects of this page, and nothing
happens by calling one: the host decides what is used, and when.

Limits: a hook is an ordinary function, neither async nor a pluggy wrapper. A plugin is in
with all that its hooks return, or out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pluggy

from inngest._internal.serialization.contract import Serializer

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest
    from inngest._internal.middleware.contract import UninitializedMiddleware

API_VERSION = 1
"""The version of the contract on this page."""

GROUP = "inngest"
"""The entry-point group, and pluggy's project name."""

hookspec: Final = pluggy.HookspecMarker(GROUP)
"""Marks the declaration of a hook."""

hookimpl: Final = pluggy.HookimplMarker(GROUP)
"""Marks a plugin's implementation of a hook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A subcommand of ``python -m inngest``.

    ``run`` is given the arguments after the command's name and returns the exit status.
    """

    name: str
    help: str
    run: Callable[[list[str]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """A way for the Inngest server to reach an app.

    ``accepts`` looks at an app and imports nothing to do so: :func:`instance_of` makes
    one. ``serve`` is called with the app, the client, the functions, and the options of
    the caller; what it returns is what :func:`inngest.serve` returns.
    """

    name: str
    kind: Literal["http", "serverless", "websocket"]
    framework: str
    """The value of the header ``x-inngest-framework``."""
    distribution: str
    """What to ``pip install``."""
    accepts: Callable[[object], bool]
    serve: Callable[..., object]


@dataclass(frozen=True, slots=True, kw_only=True)
class MiddlewareEntry:
    """A middleware that runs for every client of an app that has the wheel installed.

    ``factory`` is called with the client and the framework's request, or ``None``, for
    each request: a middleware class will do. Entries run by ``order``, then by name, and
    before the middleware that the app lists itself; they unwind in reverse.
    """

    name: str
    order: int = 0
    factory: UninitializedMiddleware


@dataclass(frozen=True, slots=True, kw_only=True)
class NotConfigured:
    """What ``inngest_middleware`` returns when it has not been told what it needs.

    ``reason`` says what to set; it is logged once, and shown by ``python -m inngest
    plugins``.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SerializerEntry:
    """A serializer that is chosen by name: ``Inngest(serializer="msgspec")``."""

    name: str
    serializer: Serializer


class HookSpecs:
    """The hooks that a plugin may implement; none is required.

    Each may take fewer arguments than are declared here. They are called in no promised
    order, once for each client, when something is first asked for.
    """

    @hookspec
    def inngest_transports(self) -> Sequence[Transport]:
        """Ways to serve functions: what :func:`inngest.serve` chooses from."""
        raise NotImplementedError

    @hookspec
    def inngest_middleware(
        self, client: Inngest, options: Mapping[str, object], environ: Mapping[str, str]
    ) -> Sequence[MiddlewareEntry] | NotConfigured:
        """Middleware for every function and every event of a client.

        Called when the client is first used. A plugin that has not been told what it
        needs returns :class:`NotConfigured`.

        :param client: the client. It cannot send events yet.
        :param options: what the app passed as ``plugin_options["<name of the plugin>"]``;
            empty if it passed nothing. What a deployment decides rather than the app is
            better read from the plugin's own environment variables.
        :param environ: the environment variables. Those whose names begin with ``INNGEST_``
            are as they were when the client was made, if they were there: an app may clear
            its environment once it has made its clients.
        """
        raise NotImplementedError

    @hookspec
    def inngest_serializers(self) -> Sequence[SerializerEntry]:
        """Serializers that a client, a function or a step can name."""
        raise NotImplementedError

    @hookspec
    def inngest_commands(self) -> Sequence[Command]:
        """Subcommands of ``python -m inngest``."""
        raise NotImplementedError


def instance_of(*names: str) -> Callable[[object], bool]:
    """Make an ``accepts`` that knows apps by their class, without importing it.

    :param names: dotted names such as ``"flask.Flask"``: the top-level module and the
        class; where in the module the class is defined does not matter.
    """
    wanted = {(name.partition(".")[0], name.rpartition(".")[2]) for name in names}

    def accepts(app: object) -> bool:
        return any(
            (base.__module__.partition(".")[0], base.__name__) in wanted
            for base in type(app).__mro__
        )

    return accepts


__all__ = [
    "API_VERSION",
    "Command",
    "GROUP",
    "HookSpecs",
    "MiddlewareEntry",
    "NotConfigured",
    "Serializer",
    "SerializerEntry",
    "Transport",
    "hookimpl",
    "hookspec",
    "instance_of",
]
