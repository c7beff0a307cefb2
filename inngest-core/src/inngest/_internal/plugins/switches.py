"""Decide which plugins may be loaded, by argument and environment. Pure: loads nothing.

``Inngest(plugins=...)`` replaces the allow-list ``INNGEST_PLUGINS``. The block-list
``INNGEST_PLUGINS_DISABLED`` always applies: it belongs to the operator, not to the app.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inngest._internal.errors import PluginConfigInvalidError
from inngest._internal.plugins.names import canonical, is_canonical

ALLOWED: Final = "INNGEST_PLUGINS"
DISABLED: Final = "INNGEST_PLUGINS_DISABLED"
STRICT: Final = "INNGEST_PLUGINS_STRICT"
ARGUMENT: Final = "Inngest(plugins=...)"

_ON = ("1", "true", "yes", "on")
_OFF = ("", "0", "false", "no", "off")
_BETWEEN = re.compile(r"[,\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The parsed configuration."""

    names: tuple[str, ...] | None
    """The allowed plugins, by canonical name; ``None`` for all that are installed."""
    source: str | None
    """The argument or variable that lists them, for messages."""
    objects: tuple[tuple[str, object], ...]
    """The names of plugins that were passed as objects, and the objects."""
    disabled: tuple[str, ...]
    strict: bool

    @property
    def needs_metadata(self) -> bool:
        """Whether installed plugins may be loaded at all."""
        return self.names is None or bool(self.names)

    @property
    def are_loud(self) -> bool:
        """Whether any plugin's failure is an error rather than a warning."""
        return self.strict or bool(self.names or self.objects)

    def reason_against(self, name: str) -> str | None:
        """Return why a plugin is switched off, or ``None`` if it is not."""
        if name in self.disabled:
            return f"switched off by {DISABLED}"
        if self.names is None or name in self.names:
            return None
        return f"not among those of {self.source}"


def parse(plugins: object, environ: Mapping[str, str]) -> Switches | PluginConfigInvalidError:
    """Parse the argument ``plugins`` and the environment variables.

    :param plugins: ``None`` or ``True`` to follow the environment variables, ``False`` for none,
        or a list of names and plugin objects.
    """
    strict = flag(environ.get(STRICT, ""), STRICT)
    if isinstance(strict, PluginConfigInvalidError):
        return strict
    disabled = _list(environ.get(DISABLED, ""), DISABLED)
    if isinstance(disabled, PluginConfigInvalidError):
        return disabled
    if plugins is False:
        chosen: _Chosen | PluginConfigInvalidError = _Chosen((), ARGUMENT)
    elif plugins is None or plugins is True:
        chosen = _from_environment(environ)
    else:
        chosen = _from_argument(plugins)
    if isinstance(chosen, PluginConfigInvalidError):
        return chosen
    return Switches(
        names=chosen.names,
        source=chosen.source,
        objects=chosen.objects,
        disabled=disabled,
        strict=strict,
    )


def flag(text: str, variable: str) -> bool | PluginConfigInvalidError:
    """Parse a boolean environment variable."""
    word = text.strip().lower()
    if word in _ON:
        return True
    if word in _OFF:
        return False
    return PluginConfigInvalidError(f"{variable} is a switch: set it to 1 or 0")


@dataclass(frozen=True, slots=True)
class _Chosen:
    names: tuple[str, ...] | None
    source: str | None
    objects: tuple[tuple[str, object], ...] = ()


def _list(text: str, variable: str) -> tuple[str, ...] | PluginConfigInvalidError:
    names = [canonical(word) for word in _BETWEEN.split(text.strip()) if word]
    wrong = [name for name in names if not is_canonical(name)]
    if wrong:
        return PluginConfigInvalidError(
            f"{variable} is a list of plugin names with commas between them; "
            f"{wrong[0]!r} is not a name (python -m inngest plugins lists them)"
        )
    return tuple(dict.fromkeys(names))


def _from_environment(environ: Mapping[str, str]) -> _Chosen | PluginConfigInvalidError:
    text = environ.get(ALLOWED)
    if text is None:
        return _Chosen(None, None)
    names = _list(text, ALLOWED)
    return names if isinstance(names, PluginConfigInvalidError) else _Chosen(names, ALLOWED)


def _from_argument(plugins: object) -> _Chosen | PluginConfigInvalidError:
    if isinstance(plugins, (str, bytes, Mapping)) or not isinstance(plugins, Sequence):
        return PluginConfigInvalidError(
            f"{ARGUMENT} takes a list of names and plugin objects, or False for none; "
            f"it was given {type(plugins).__name__}"
        )
    names: list[str] = []
    objects: list[tuple[str, object]] = []
    for item in plugins:
        name = canonical(item) if isinstance(item, str) else _name_of(item)
        if not is_canonical(name):
            return PluginConfigInvalidError(f"{ARGUMENT}: {name!r} is not the name of a plugin")
        if name in names:
            return PluginConfigInvalidError(f"{ARGUMENT} names the plugin {name!r} twice")
        names.append(name)
        if not isinstance(item, str):
            objects.append((name, item))
    given = {name for name, _ in objects}
    return _Chosen(tuple(n for n in names if n not in given), ARGUMENT, tuple(objects))


def _name_of(plugin: object) -> str:
    """Return a plugin object's ``name``, else the name of its module or class."""
    own = getattr(plugin, "name", None)
    if not isinstance(own, str):
        own = getattr(plugin, "__name__", None)
    if not isinstance(own, str):
        own = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(plugin).__name__.removesuffix("Plugin"))
    return canonical(own.rpartition(".")[2]) or "plugin"
