"""List the installed plugins and their states. Imports no plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from inngest._internal.plugins.installed import Installed, LeftOut
from inngest._internal.plugins.selection import Selection
from inngest._internal.plugins.source import declared_hooks

if TYPE_CHECKING:
    from inngest._internal.plugins.admission import Admitted, Refusal

State = Literal["enabled", "loaded", "not configured", "off", "unusable", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One plugin's row of the listing."""

    name: str
    distribution: str | None
    version: str | None
    target: str
    hooks: tuple[str, ...] | None
    """The implemented hooks; before loading, as the source shows; ``None`` if unknown."""
    state: State
    """``enabled`` is not loaded yet; ``not configured`` is loaded, but adds no middleware."""
    reason: str | None


def list_plugins(
    selection: Selection,
    states: Mapping[str, Admitted | Refusal],
    not_configured: Mapping[str, str],
) -> list[Listed]:
    """Return all plugins, sorted by name, and by distribution if several have the same name."""
    rows = [
        _row(plugin, states.get(name), not_configured.get(name))
        for name, plugin in selection.chosen.items()
    ]
    rows += [list_off(one) for one in selection.off]
    rows += [_unloaded(one.plugin, "unusable", one.reason) for one in selection.unusable]
    return sorted(rows, key=lambda row: (row.name, row.state == "unusable", row.distribution or ""))


def list_off(one: LeftOut) -> Listed:
    """Return the row of a plugin that is switched off."""
    return _unloaded(one.plugin, "off", one.reason)


def _row(plugin: Installed, state: Admitted | Refusal | None, unconfigured: str | None) -> Listed:
    if state is None:
        return _unloaded(plugin, "enabled", None)
    from inngest._internal.plugins.admission import Refusal  # imported already, if there is a state

    if isinstance(state, Refusal):
        return _unloaded(plugin, "failed", state.reason)
    return Listed(
        name=plugin.name,
        distribution=plugin.distribution,
        version=plugin.version,
        target=plugin.target,
        hooks=state.hooks,
        state="not configured" if unconfigured else "loaded",
        reason=unconfigured,
    )


def _unloaded(plugin: Installed, state: State, reason: str | None) -> Listed:
    return Listed(
        name=plugin.name,
        distribution=plugin.distribution,
        version=plugin.version,
        target=plugin.target,
        hooks=declared_hooks(plugin.target),
        state=state,
        reason=reason,
    )
