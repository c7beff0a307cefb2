"""The plugins of one client: discovered, filtered, loaded and called lazily.

A plugin that fails is skipped, with one warning and its traceback at debug level. For a plugin
that was requested by name, and for all plugins in strict mode, a failure is an error. Creating a
host imports, scans and calls nothing. All results are cached.

Limits: a host serves one client, whose middleware it requests only once.
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
    """Discovers plugins and calls their hooks.

    :param plugins: ``None`` to follow the environment variables, ``False`` for none, or a list of
        names and plugin objects; objects are for frozen apps, which have no entry points.
    :param options: the ``options`` argument of each plugin's middleware hook, by plugin name.
    :param environ: the environment variables.
    :raises PluginConfigInvalidError: an argument or a variable is invalid.
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
        # Hooks are called later, when the app may have removed secrets from its environment.
        self._saved = {name: text for name, text in environ.items() if name.startswith(_PREFIX)}
        self._registry = Registry(chosen, _options(options), scanner, notices)
        self._notices = notices
        # Held during imports, so that each plugin is imported and called only once.
        self._lock = threading.RLock()
        self._middleware: list[MiddlewareEntry] | None = None
        self._factories: tuple[UninitializedMiddleware, ...] | None = None
        self._is_asking = False

    def verify(self) -> PluginError | None:
        """Load the plugins whose failures are errors; return the first failure.

        These are the plugins that were requested by name or passed as objects, or, in strict mode,
        all. If there are none, nothing is scanned.
        """
        with self._lock:
            loaded = self._registry.load_loud()
        return loaded if isinstance(loaded, PluginError) else None

    def verify_for(self, client: Inngest) -> None:
        """Request the middleware now, if there are plugins whose failures are errors.

        :raises PluginError: such a plugin failed.
        """
        if self._registry.is_loud:
            self.middleware(client)

    def middleware(self, client: Inngest) -> tuple[UninitializedMiddleware, ...]:
        """Return the factories of all plugins' middleware, in the order in which it runs.

        :raises PluginError: a plugin whose failures are errors failed.
        """
        if self._factories is not None:  # the common case: each call of a function gets here
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
                    environ = {**os.environ, **self._saved}
                    entries = self._registry.ask_for_middleware(client, environ)
                    self._middleware = _or_raise(entries)
                    self._factories = tuple(entry.factory for entry in self._middleware)
                    self._saved.clear()
                finally:
                    self._is_asking = False
            return self._factories

    def forgo_middleware(self) -> None:
        """Ignore all plugins' middleware: test kits must not depend on what is installed."""
        with self._lock:
            self._middleware, self._factories = [], ()

    def serializer(self, name: str) -> Serializer | PluginError:
        """Return the serializer with this name, or an error with suggestions.

        A plugin with the same name takes precedence. Otherwise exactly one plugin must provide the
        serializer: installing a distribution must not change how data is stored.
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
        """Return all transports, sorted by name.

        :raises PluginError: a plugin whose failures are errors failed.
        """
        with self._lock:
            loaded = _or_raise(self._registry.load())
        return sorted((t for plugin in loaded for t in plugin.transports), key=lambda t: t.name)

    def transport_for(self, app: object) -> Transport | PluginError:
        """Return the transport that accepts ``app``, or an error that says what to install.

        Plugins named like a package of the app's class are tried first, so that for an app of a
        known framework no other plugin is loaded.
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
        """Return the subcommands of all plugins, sorted by name.

        :raises PluginError: a plugin whose failures are errors failed.
        """
        with self._lock:
            loaded = _or_raise(self._registry.load())
        offers = [
            (canonical(command.name), plugin.installed.name, command)
            for plugin in loaded
            for command in plugin.commands
        ]
        found: dict[str, tuple[str, Command]] = {}
        # A plugin takes precedence for the command with its own name.
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
        """Return a subcommand, or ``None``. If a plugin has the same name, only it is loaded.

        :raises PluginError: a plugin whose failures are errors failed.
        """
        wanted = canonical(name)
        with self._lock:
            namesakes = _or_raise(self._registry.load([wanted]))
        own = [command for plugin in namesakes for command in plugin.commands]
        return _named(wanted, own) or _named(wanted, self.commands())

    def offers(self) -> dict[str, object]:
        """Return the names of everything that plugins offer, by kind; middleware only if requested.

        :raises PluginError: a plugin whose failures are errors failed.
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
        """Return all installed plugins and their states, without loading any.

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
    """Return the serializers by their names, and then by the names of the plugins."""
    found: dict[str, dict[str, Serializer]] = {}
    for plugin in plugins:
        for entry in plugin.serializers:
            found.setdefault(canonical(entry.name), {})[plugin.installed.name] = entry.serializer
    return found


def _left_out(rows: Sequence[Listed], serializer: str) -> list[str]:
    """Name the skipped plugins that may provide a serializer, and why they are skipped."""
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
