"""Select the installed plugins that the switches allow. Imports no plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inngest._internal.errors import PluginUnknownError
from inngest._internal.plugins.installed import Installed, LeftOut, Scan, Scanner
from inngest._internal.plugins.names import suggestion
from inngest._internal.plugins.switches import DISABLED, Switches
from inngest._internal.wheels import MODULES, module_of

OPTIONS = "Inngest(plugin_options=...)"

_NONE = "no plugin is installed here"
_NOTHING = Scan(plugins=(), unusable=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The plugins that may be loaded, and those that may not."""

    chosen: Mapping[str, Installed]
    off: tuple[LeftOut, ...]
    """Switched off."""
    unusable: tuple[LeftOut, ...]
    """Not switched off, but unusable."""
    explicit: frozenset[str]
    """Requested by name or passed as objects: their failures are errors."""
    has_monolith: bool
    """Whether the distribution ``inngest`` is installed, whose files overlap with ours."""


def select(
    switches: Switches, options: Mapping[str, object], scanner: Scanner
) -> Selection | PluginUnknownError:
    """Select plugins. Nothing is scanned if the switches exclude all installed plugins.

    :param options: plugin options by canonical name; each must belong to a known plugin.
    """
    scanned = scanner() if switches.needs_metadata else _NOTHING
    given = [
        Installed(
            name=name,
            distribution=None,
            version=None,
            target=f"a {type(plugin).__name__} object",
            load=lambda plugin=plugin: plugin,  # type: ignore[misc]
        )
        for name, plugin in switches.objects
    ]
    objects = {plugin.name for plugin in given}
    candidates = {p.name: p for p in (*scanned.plugins, *given)}
    known = {*candidates, *(unusable.plugin.name for unusable in scanned.unusable)}
    unknown = _unknown(
        switches, options, known, nothing_is_on=not (switches.needs_metadata or given)
    )
    if unknown is not None:
        return unknown
    reasons = {
        name: None
        if name in objects and name not in switches.disabled
        else switches.reason_against(name)
        for name in known
    }
    return Selection(
        chosen={n: candidates[n] for n in sorted(candidates) if reasons[n] is None},
        off=tuple(
            LeftOut(plugin=candidates[name], reason=reason)
            for name, reason in sorted(reasons.items())
            if reason is not None and name in candidates
        ),
        unusable=tuple(one for one in scanned.unusable if reasons[one.plugin.name] is None),
        explicit=frozenset({*(switches.names or ()), *objects}),
        has_monolith=scanned.has_monolith,
    )


def _unknown(
    switches: Switches, options: Mapping[str, object], known: set[str], *, nothing_is_on: bool
) -> PluginUnknownError | None:
    if nothing_is_on:
        return None
    mentioned: list[tuple[str | None, Iterable[str]]] = [
        (switches.source, switches.names or ()),
        (OPTIONS, options),
    ]
    if switches.needs_metadata:
        mentioned.append((DISABLED, switches.disabled))
    for source, names in mentioned:
        for name in names:
            if name not in known:
                wheel = MODULES.get(module_of(name) or "")
                hint = f"pip install {wheel}" if wheel else suggestion(name, known, _NONE)
                return PluginUnknownError(
                    f"{source} names the plugin {name!r}, which is not installed; {hint}"
                )
    return None
