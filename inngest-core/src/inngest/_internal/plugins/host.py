"""The plugins of one client: found, filtered, loaded and asked, each when first needed.

A plugin that fails is left out with one warning, its traceback at debug level; one that
was asked for by name, and any in strict mode, is an error. Nothing is imported, scanned or
called by making a host, and each answer is kept.

Limits: a host serves one client, whose middleware it asks for once.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from inngest._internal.errors import (
    PluginConfigInvalidError,
    PluginError,
    SerializerUnknownError,
    TransportNotFoundError,
)
from inngest._internal.plugins import switches
from inngest._internal.plugins.frameworks import missing, packages_of, ranked
from inngest._internal.plugins.installed import Scanner, scan
from inngest._internal.plugins.listing import Listed
from inngest._internal.plugins.names import canonical, suggestion
from inngest._internal.plugins.notices import NOTICES, Notices
from inngest._internal.plugins.registry import Registry
from inngest._internal.plugins.selection import OPTIONS

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest
    from inngest._internal.middleware.contract import UninitializedMiddleware
    from inngest._internal.plugins.admission import Admitted
    from inngest.plugins import Command, MiddlewareEntry, Serializer, Transport

T = TypeVar("T")
_PREFIX: Final = "INNGEST_"


class PluginHost:
    """Finds plugins and asks them.

    :param plugins: ``None`` for what the environment says, ``False`` for none, or a list
        of names and plugin objects, which may be all that a frozen app has.
    :param options: for each plugin, by name, what its middleware is to know.
    :param environ: holds the switches, and what plugins are told of the environment.
    :raises PluginConfigInvalidError: one of these cannot be understood.
    """

    def __init__(
        self,
        plugins: Sequence[object] | bool | None = None,
        options: Mapping[str, Mapping[str, object]] | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        scanner: Scanner = scan,
        notices: Notices = NOTICES,
    ) -> None:
        environ = os.environ if environ is None else environ
        chosen = switches.parse(plugins, environ)
        if isinstance(chosen, PluginConfigInvalidError):
            raise chosen
        # Plugins are asked later, when a secret that they need may have been cleared away.
        self._kept = {name: text for name, text in environ.items() if name.startswith(_PREFIX)}
        self._registry = Registry(chosen, _options(options), scanner, notices)
        self._notices = notices
        # Held while plugins are imported, so that each is imported and asked once.
        self._lock = threading.RLock()
        self._middleware: list[MiddlewareEntry] | None = None
        self._factories: tuple[UninitializedMiddleware, ...] | None = None
        self._is_asking = False

    def verify(self) -> PluginError | None:
        """Load what must not fail in silence; return the first failure.

        That is what was asked for by name or handed over; in strict mode, everything.
        Where there is no such thing, nothing is scanned.
        """
        with self._lock:
            loaded = self._registry.load_loud()
        return loaded if isinstance(loaded, PluginError) else None

    def verify_for(self, client: Inngest) -> None:
        """Ask for middleware now, if a plugin that cannot bring it must not fail in silence.

        :raises PluginError: such a plugin failed.
        """
        if self._registry.is_loud:
            self.middleware(client)

    def middleware(self, client: Inngest) -> tuple[UninitializedMiddleware, ...]:
        """Return the factories of all middleware that plugins bring, first to last.

        :raises PluginError: a plugin that must not fail in silence failed.
        """
        if self._factories is not None:  # nearly always: each call of a function asks
            return self._factories
        with self._lock:
            if self._factories is None:
                if self._is_asking:
                    raise PluginError(
                        "a plugin used the client while it was asked for its middleware; "
                        "it may only keep the client for later"
                    )
                self._is_asking = True
                try:
                    environ = {**os.environ, **self._kept}
                    asked = self._registry.ask_for_middleware(client, environ)
                    self._middleware = _or_raise(asked)
                    self._factories = tuple(entry.factory for entry in self._middleware)
                    self._kept.clear()
                finally:
                    self._is_asking = False
            return self._factories

    def forgo_middleware(self) -> None:
        """Have no plugin bring any: a kit tests its author's code, not what else is installed."""
        with self._lock:
            self._middleware, self._factories = [], ()

    def serializer(self, name: str) -> Serializer | PluginError:
        """Return the serializer of this name, or an error that suggests others.

        A plugin of the same name is asked first, and wins; otherwise there must be one
        plugin only that has it, lest installing a wheel change how data is stored.
        """
        wanted = canonical(name)
        with self._lock:
            loaded = self._registry.load([wanted])
            if isinstance(loaded, PluginError):
                return loaded
            offers = _serializers(loaded)
            if wanted not in offers:
                loaded = self._registry.load()
                if isinstance(loaded, PluginError):
                    return loaded
                offers = _serializers(loaded)
        found = offers.get(wanted, {})
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            return SerializerUnknownError(
                f"the plugins {' and '.join(map(repr, sorted(found)))} offer a serializer "
                f"{wanted!r}; name those you do not want in {switches.DISABLED}"
            )
        rows = self._registry.listing()
        hints = [suggestion(wanted, offers, "no plugin here offers any")]
        hints += [] if isinstance(rows, PluginError) else _left_out(rows, wanted)
        return SerializerUnknownError(f"there is no serializer {wanted!r}; {'; '.join(hints)}")

    def transports(self) -> list[Transport]:
        """Return all transports, by name.

        :raises PluginError: a plugin that must not fail in silence failed.
        """
        with self._lock:
            loaded = _or_raise(self._registry.load())
        return sorted((t for plugin in loaded for t in plugin.transports), key=lambda t: t.name)

    def transport_for(self, app: object) -> Transport | PluginError:
        """Return the transport that accepts ``app``, or an error that says what to install.

        Plugins that are called like a package that the app's class comes from are asked
        first: for an app of a known framework no other plugin is loaded.
        """
        packages = packages_of(app)
        with self._lock:
            for names in (packages, None):
                loaded = self._registry.load(names)
                if isinstance(loaded, PluginError):
                    return loaded
                transports = (transport for plugin in loaded for transport in plugin.transports)
                for transport in ranked(transports, packages):
                    if self._accepts(transport, app):
                        return transport
            rows = self._registry.listing()
        if isinstance(rows, PluginError):
            return rows
        return TransportNotFoundError(missing(app, packages, rows))

    def commands(self) -> list[Command]:
        """Return the subcommands that plugins add, by name.

        :raises PluginError: a plugin that must not fail in silence failed.
        """
        with self._lock:
            loaded = _or_raise(self._registry.load())
        offers = [
            (canonical(command.name), plugin.installed.name, command)
            for plugin in loaded
            for command in plugin.commands
        ]
        found: dict[str, tuple[str, Command]] = {}
        # A plugin wins the command of its own name.
        for name, owner, command in sorted(offers, key=lambda o: (o[0], o[0] != o[1], o[1])):
            winner, _ = found.setdefault(name, (owner, command))
            if winner != owner:
                self._notices.say(
                    logging.WARNING,
                    f"the command {name!r} of plugin {owner!r} is left out: "
                    f"plugin {winner!r} has one of that name",
                )
        return [command for _, command in found.values()]

    def command(self, name: str) -> Command | None:
        """Return one subcommand. A plugin of the same name is asked first, alone.

        :raises PluginError: a plugin that must not fail in silence failed.
        """
        wanted = canonical(name)
        with self._lock:
            namesakes = _or_raise(self._registry.load([wanted]))
        own = [command for plugin in namesakes for command in plugin.commands]
        return _named(wanted, own) or _named(wanted, self.commands())

    def offers(self) -> dict[str, object]:
        """Return the names of all that plugins offer, by kind; of middleware, what was asked for.

        :raises PluginError: a plugin that must not fail in silence failed.
        """
        with self._lock:
            loaded = _or_raise(self._registry.load())
            entries = list(self._middleware or ())
        return {
            "transports": [t.name for plugin in loaded for t in plugin.transports],
            "middleware": [{"name": entry.name, "order": entry.order} for entry in entries],
            "serializers": sorted(_serializers(loaded)),
            "commands": [c.name for plugin in loaded for c in plugin.commands],
        }

    def listing(self) -> list[Listed]:
        """Return what is installed and what became of it. Loads nothing.

        :raises PluginUnknownError: a switch names a plugin that is not installed.
        """
        with self._lock:
            return _or_raise(self._registry.listing())

    def _accepts(self, transport: Transport, app: object) -> bool:
        from inngest._internal.plugins.admission import Refusal, guarded

        answer = guarded(lambda: bool(transport.accepts(app)))
        if isinstance(answer, Refusal):
            subject = f"transport {transport.name!r} of {transport.distribution}"
            text = f"{subject} is passed over: it cannot tell what it accepts: {answer.reason}"
            self._notices.say(logging.WARNING, text, answer.cause)
            return False
        return answer


def _named(name: str, commands: Iterable[Command]) -> Command | None:
    return next((command for command in commands if canonical(command.name) == name), None)


def _serializers(plugins: Sequence[Admitted]) -> dict[str, dict[str, Serializer]]:
    """What is offered: by name of the serializer, then of the plugin."""
    found: dict[str, dict[str, Serializer]] = {}
    for plugin in plugins:
        for entry in plugin.serializers:
            found.setdefault(canonical(entry.name), {})[plugin.installed.name] = entry.serializer
    return found


def _left_out(rows: Sequence[Listed], serializer: str) -> list[str]:
    """Say which plugins may have a serializer, and why they are left out."""
    return [
        f"plugin {row.name!r}, which may have it, is left out: {row.reason}"
        for row in rows
        if row.state in ("off", "unusable", "failed")
        and (row.name == serializer or "inngest_serializers" in (row.hooks or ()))
    ]


def _options(
    options: Mapping[str, Mapping[str, object]] | None,
) -> dict[str, Mapping[str, object]]:
    found: dict[str, Mapping[str, object]] = {}
    given: object = {} if options is None else options
    if not isinstance(given, Mapping):
        raise PluginConfigInvalidError(f"{OPTIONS} takes a mapping of plugin names")
    for name, values in given.items():
        if not isinstance(name, str) or not isinstance(values, Mapping):
            raise PluginConfigInvalidError(
                f"{OPTIONS} takes, for each name of a plugin, a mapping of its options; "
                f"for {name!r} it was given {type(values).__name__}"
            )
        found[canonical(name)] = values
    return found


def _or_raise(outcome: T | PluginError) -> T:
    if isinstance(outcome, PluginError):
        raise outcome
    return outcome
