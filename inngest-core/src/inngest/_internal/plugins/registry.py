"""Load the selected plugins, each once, and keep their states.

A failure is a warning; it is an error if the plugin was requested by name, or in strict mode. Not
thread-safe: the caller holds a lock.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from inngest._internal.errors import PluginError, with_cause
from inngest._internal.plugins.installed import Installed, LeftOut, Scanner
from inngest._internal.plugins.listing import Listed, list_off, list_plugins
from inngest._internal.plugins.names import canonical, squashed
from inngest._internal.plugins.notices import Notices
from inngest._internal.plugins.selection import Selection, select
from inngest._internal.plugins.switches import DISABLED, Switches

if TYPE_CHECKING:
    import pluggy

    from inngest._internal.client.client import Inngest
    from inngest._internal.plugins.admission import Admitted, Refusal
    from inngest.plugins import MiddlewareEntry

_TWO_OWNERS = (
    "the distribution inngest is installed beside inngest-core: both contain the same file names, "
    "and one has overwritten the other's files; "
    "`python -m inngest doctor` explains how to separate them"
)


class Registry:
    """The plugins of a host, and their states."""

    def __init__(
        self,
        switches: Switches,
        options: Mapping[str, Mapping[str, object]],
        scanner: Scanner,
        notices: Notices,
    ) -> None:
        self._switches = switches
        self._options = options
        self._scanner = scanner
        self._notices = notices
        self._selection: Selection | None = None
        self._manager: pluggy.PluginManager | None = None
        self._states: dict[str, Admitted | Refusal] = {}
        self._not_configured: dict[str, str] = {}

    @property
    def is_loud(self) -> bool:
        """Whether any plugin's failure is an error rather than a warning."""
        return self._switches.are_loud

    def load(self, names: Iterable[str] | None = None) -> list[Admitted] | PluginError:
        """Load all plugins, or only those with one of these names.

        Word separators in ``names`` are ignored: they may be names of packages.
        """
        selection = self._select()
        if isinstance(selection, PluginError):
            return selection
        if names is not None:
            wanted = {squashed(name) for name in names}
            return self._load(selection, (n for n in selection.chosen if squashed(n) in wanted))
        for one in selection.unusable:
            failure = self._leave_out(one.plugin, one.reason, None, is_loud=self._switches.strict)
            if failure is not None:
                return failure
        return self._load(selection, selection.chosen)

    def load_loud(self) -> list[Admitted] | PluginError:
        """Load the plugins whose failures are errors. If there are none, nothing is scanned."""
        if self._switches.strict:
            return self.load()
        if not self._switches.are_loud:
            return []
        selection = self._select()
        if isinstance(selection, PluginError):
            return selection
        return self._load(selection, (n for n in selection.chosen if n in selection.explicit))

    def ask_for_middleware(
        self, client: Inngest, environ: Mapping[str, str]
    ) -> list[MiddlewareEntry] | PluginError:
        """Request middleware from all plugins; return it in the order in which it runs."""
        from inngest._internal.middleware.owned import OfPlugin
        from inngest._internal.plugins.admission import Refusal, call_middleware

        loaded = self.load()
        if isinstance(loaded, PluginError):
            return loaded
        found: list[tuple[int, str, str, MiddlewareEntry]] = []
        for plugin in loaded:
            name = plugin.installed.name
            if self._manager is None or "inngest_middleware" not in plugin.hooks:
                continue
            options = self._options.get(name, {})
            arguments = {"client": client, "options": options, "environ": environ}
            entries = call_middleware(self._manager, name, arguments)
            if isinstance(entries, Refusal):
                self._manager.unregister(name=name)
                self._states[name] = entries
                failure = self._refuse(plugin.installed, entries)
                if failure is not None:
                    return failure
            elif isinstance(entries, list) and entries:
                named = [replace(e, factory=OfPlugin(e.factory, name)) for e in entries]
                found += [(e.order, canonical(e.name), name, e) for e in named]
            else:
                reason = "it is not configured" if isinstance(entries, list) else entries.reason
                self._not_configured[name] = reason
                if self._is_explicit(name) and client.is_production:
                    # Who names a plugin relies on it, for example for encryption.
                    return self._cannot_be_used(plugin.installed, reason, None)
                text = f"plugin {name!r} adds no middleware: {reason}"
                self._notices.say(logging.INFO, text)
        return [entry for *_, entry in sorted(found, key=lambda each: each[:3])]

    def listing(self) -> list[Listed] | PluginError:
        """Return all installed plugins and their states, without loading any."""
        selection = self._select()
        if isinstance(selection, PluginError):
            return selection
        rows = list_plugins(selection, self._states, self._not_configured)
        if self._switches.needs_metadata:
            return rows
        # The app uses no installed plugins, but the listing shows them nevertheless.
        rest = [
            LeftOut(plugin=plugin, reason=reason)
            for plugin in self._scanner().plugins
            if (reason := self._switches.reason_against(plugin.name)) is not None
        ]
        known = {row.name for row in rows}
        return rows + [list_off(one) for one in rest if one.plugin.name not in known]

    def _select(self) -> Selection | PluginError:
        if self._selection is None:
            selection = select(self._switches, self._options, self._scanner)
            if isinstance(selection, PluginError):
                return selection
            self._selection = selection
            if selection.has_monolith:
                self._notices.say(logging.WARNING, _TWO_OWNERS)
        return self._selection

    def _load(self, selection: Selection, names: Iterable[str]) -> list[Admitted] | PluginError:
        from inngest._internal.plugins.admission import Refusal, admit, new_manager

        if self._manager is None:
            self._manager = new_manager()
        found: list[Admitted] = []
        for name in names:
            plugin = selection.chosen[name]
            state = self._states.get(name)
            if state is None:
                state = self._states[name] = admit(self._manager, plugin)
            if isinstance(state, Refusal):
                failure = self._refuse(plugin, state)
                if failure is not None:
                    return failure
            else:
                found.append(state)
        return found

    def _refuse(self, plugin: Installed, refusal: Refusal) -> PluginError | None:
        is_loud = self._is_explicit(plugin.name) or self._switches.strict
        return self._leave_out(plugin, refusal.reason, refusal.cause, is_loud=is_loud)

    def _is_explicit(self, name: str) -> bool:
        """Return whether a plugin was requested by name, or passed as an object."""
        return self._selection is not None and name in self._selection.explicit

    def _leave_out(
        self, plugin: Installed, reason: str, cause: BaseException | None, *, is_loud: bool
    ) -> PluginError | None:
        if is_loud:
            return self._cannot_be_used(plugin, reason, cause)
        self._notices.say(logging.WARNING, f"{_subject(plugin)} is left out: {reason}", cause)
        return None

    def _cannot_be_used(
        self, plugin: Installed, reason: str, cause: BaseException | None
    ) -> PluginError:
        error = PluginError(
            f"{_subject(plugin)} cannot be used: {reason} "
            f"(to do without it, set {DISABLED}={plugin.name})"
        )
        return with_cause(error, cause)


def _subject(plugin: Installed) -> str:
    return f"plugin {plugin.name!r} of {plugin.owner}"
