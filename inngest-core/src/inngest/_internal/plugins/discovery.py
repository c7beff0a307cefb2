"""Load plugins from entry points, one by one: a broken one costs a warning, no more."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import pluggy

from inngest.plugins import API_VERSION, GROUP, Command, HookSpecs

logger = logging.getLogger("inngest.plugins")


def load_plugins() -> pluggy.PluginManager:
    """Register every installed plugin that loads."""
    import importlib_metadata

    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(HookSpecs)
    for entry in importlib_metadata.entry_points(group=GROUP):
        problem = _register(manager, entry)
        if problem is not None:
            owner = entry.dist.name if entry.dist is not None else "unknown"
            logger.warning("plugin %r of %s is left out: %s", entry.name, owner, problem)
    return manager


def _register(manager: pluggy.PluginManager, entry: object) -> str | None:
    try:
        plugin = entry.load()  # type: ignore[attr-defined]
        version = getattr(plugin, "api_version", None)
        if version != API_VERSION:
            side = "the plugin" if not isinstance(version, int) or version < API_VERSION else "core"
            return f"it has api_version {version!r}, this core has {API_VERSION}: upgrade {side}"
        name = entry.name  # type: ignore[attr-defined]
        manager.register(plugin, name=name)
    except (Exception, SystemExit) as error:
        logger.debug("plugin failed to load", exc_info=error)
        return f"{type(error).__name__}: {error}"
    return None


def commands(manager: pluggy.PluginManager) -> Sequence[Command]:
    """Every plugin's subcommands, by name."""
    found: Iterable[Sequence[Command]] = manager.hook.inngest_commands()
    return sorted((one for some in found for one in some), key=lambda one: one.name)
