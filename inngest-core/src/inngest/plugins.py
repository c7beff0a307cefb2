"""The plugin contract: what an installed distribution can add to this library.

A distribution names an object in the entry-point group ``inngest``. The object has an integer
``api_version`` and methods marked with :data:`hookimpl` that implement hooks of
:class:`HookSpecs`. A hook has no side effects: it returns the frozen objects defined here, and
the host decides which of them to use, and when.

Limits: a hook is an ordinary function, neither async nor a pluggy wrapper. A plugin is
accepted or rejected as a whole.
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
"""The version of this contract."""

GROUP = "inngest"
"""The entry-point group, and pluggy's project name."""

hookspec: Final = pluggy.HookspecMarker(GROUP)
"""Marks the declaration of a hook."""

hookimpl: Final = pluggy.HookimplMarker(GROUP)
"""Marks a plugin's implementation of a hook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A subcommand of ``python -m inngest``.

    ``run`` receives the arguments after the command's name and returns the exit status.
    """

    name: str
    help: str
    run: Callable[[list[str]], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """A way for the Inngest server to reach an app.

    ``accepts`` decides whether an app is of this framework, without importing the framework:
    :func:`instance_of` makes such a predicate. ``serve`` is called with the app, the client,
    the functions, and the caller's options; :func:`inngest.serve` returns its result.
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
    """A middleware for every client of an app in whose environment the plugin is installed.

    ``factory`` is called for each request and each send, with the client and the framework's
    request, which is ``None`` for a send; it may be a middleware class. Entries are sorted by
    ``order``, then ``name``, and run before the middleware that the app lists; they unwind in
    reverse.
    """

    name: str
    order: int = 0
    factory: UninitializedMiddleware


@dataclass(frozen=True, slots=True, kw_only=True)
class NotConfigured:
    """Returned by ``inngest_middleware`` when required configuration is missing.

    ``reason`` says what to set. It is logged once, and listed by ``python -m inngest plugins``.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SerializerEntry:
    """A serializer that can be selected by name: ``Inngest(serializer="msgspec")``."""

    name: str
    serializer: Serializer


class HookSpecs:
    """The hooks that a plugin may implement. All are optional.

    An implementation may declare fewer arguments than the specification. Each hook is called
    once for each client, when its result is first needed; the order is unspecified.
    """

    @hookspec
    def inngest_transports(self) -> Sequence[Transport]:
        """Return the transports that :func:`inngest.serve` can choose from."""
        raise NotImplementedError

    @hookspec
    def inngest_middleware(
        self, client: Inngest, options: Mapping[str, object], environ: Mapping[str, str]
    ) -> Sequence[MiddlewareEntry] | NotConfigured:
        """Return middleware for all functions and events of a client.

        Called when the client is first used.

        :param client: the client. It cannot send events yet.
        :param options: the app's ``plugin_options["<plugin name>"]``, or an empty mapping. For
            settings that differ between deployments prefer environment variables.
        :param environ: the environment variables. Those that begin with ``INNGEST_`` and were
            set when the client was created have the values of that time, because an app may
            clear its environment afterwards.
        :returns: the middleware, or :class:`NotConfigured` if required configuration is missing.
        """
        raise NotImplementedError

    @hookspec
    def inngest_serializers(self) -> Sequence[SerializerEntry]:
        """Return serializers that clients, functions and steps can select by name."""
        raise NotImplementedError

    @hookspec
    def inngest_commands(self) -> Sequence[Command]:
        """Return subcommands of ``python -m inngest``."""
        raise NotImplementedError


def instance_of(*names: str) -> Callable[[object], bool]:
    """Make a predicate that recognizes instances of classes without importing them.

    :param names: dotted names such as ``"flask.Flask"``. Only the top-level package and the
        class name are compared, so the submodule that defines the class does not matter.
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
