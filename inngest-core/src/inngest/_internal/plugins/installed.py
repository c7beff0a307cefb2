"""Discover installed plugins by their metadata. Imports no plugin.

The result is that of ``importlib_metadata.entry_points(group="inngest")``, several times as fast:
in a directory, only the ``entry_points.txt`` files that contain the group are parsed. Zip files
and other importers' finders are left to importlib_metadata, which is imported only for these.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from inngest._internal.plugins.names import canonical, is_canonical, squashed

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP: Final = "inngest"
FAMILY: Final = "inngest-"
"""The prefix of this project's distributions."""
MONOLITH: Final = "inngest"
"""The distribution from elsewhere that contains the whole package ``inngest``."""

_HEADER: Final = f"[{GROUP}]".encode()
_EXTRAS = re.compile(r"\s*\[[^\]]*\]\s*$")
_COMMENT = re.compile(r"\s+[#;].*$")
_VERSION = re.compile(rb"^Version:[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A plugin that a distribution announces, or that the app passed as an object."""

    name: str
    distribution: str | None
    version: str | None
    target: str
    """``module:attribute``, or a description of an object."""
    load: Callable[[], object]

    @property
    def owner(self) -> str:
        """The distribution's name and version, for messages."""
        if self.distribution is None:
            return "the app"
        return f"{self.distribution} {self.version}" if self.version else self.distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A plugin that is unusable or switched off, as found without importing it."""

    plugin: Installed
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The installed plugins, sorted by name; each name occurs once in ``plugins``."""

    plugins: tuple[Installed, ...]
    unusable: tuple[LeftOut, ...]
    has_monolith: bool = False
    """Whether the distribution ``inngest`` is installed, whose files overlap with ours."""


Scanner: TypeAlias = "Callable[[], Scan]"
"""Returns the installed plugins."""


class CachedScan:
    """Scans ``sys.path``; scans again only if it, or a directory on it, has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: object = None
        self._scan = Scan(plugins=(), unusable=())

    def __call__(self) -> Scan:
        """Return the installed plugins."""
        finders, paths = _other_finders(), search_path()
        key = (tuple(map(id, finders)), tuple((path, _changed(path)) for path in paths))
        with self._lock:
            if self._key != key:
                announced, owners = _announced(paths, finders)
                self._scan = replace(resolve(announced), has_monolith=MONOLITH in owners)
                self._key = key
            return self._scan


scan = CachedScan()
"""The scanner that all clients of a process share."""


def resolve(announced: Sequence[Installed]) -> Scan:
    """Keep one plugin for each name: this project's, else the first by distribution name.

    The result does not depend on the order of installation or discovery.
    """
    kept: dict[str, Installed] = {}
    unusable: list[LeftOut] = []
    for plugin in sorted(announced, key=_rank):
        first = kept.get(plugin.name)
        if not is_canonical(plugin.name):
            reason = f"{plugin.name!r} is not a name; use letters, digits and hyphens"
            unusable.append(LeftOut(plugin=plugin, reason=reason))
        elif first is None:
            kept[plugin.name] = plugin
        else:
            reason = f"{first.owner} announces a plugin of the same name; uninstall one of them"
            unusable.append(LeftOut(plugin=plugin, reason=reason))
    return Scan(plugins=tuple(kept[name] for name in sorted(kept)), unusable=tuple(unusable))


def search_path() -> list[str]:
    """Return ``sys.path`` without entries that Python ignores, such as ``Path`` objects."""
    given: list[object] = [*sys.path]
    return [path for path in given if isinstance(path, str)]


def load_target(target: str) -> object:
    """Import the object that an entry point names."""
    module, _, attributes = target.partition(":")
    found: object = importlib.import_module(module.strip())
    for attribute in filter(None, attributes.strip().split(".")):
        found = getattr(found, attribute)
    return found


def _rank(plugin: Installed) -> tuple[str, bool, str, str]:
    owner = plugin.distribution or ""
    is_familys = squashed(owner) == squashed(FAMILY + plugin.name)  # inngest-fastapi has fast-api
    return (plugin.name, not is_familys, owner, plugin.target)


def _announced(
    paths: Sequence[str], finders: Sequence[object]
) -> tuple[list[Installed], Collection[str]]:
    """Return the announced plugins, and the names of all distributions."""
    seen: set[str] = set()
    found: list[Installed] = []
    others: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            names = os.listdir(path or ".")
        except NotADirectoryError:
            others.append(path)
            continue
        except OSError:
            continue
        if path.endswith(".egg"):
            others.append(path)
            continue
        found += _in_folder(path or ".", names, seen)
    if others or finders:
        found += _elsewhere(others, seen, use_finders=bool(finders))
    return found, seen


def _in_folder(path: str, names: Sequence[str], seen: set[str]) -> list[Installed]:
    found: list[Installed] = []
    here: set[str] = set()
    for name in names:
        if not name.endswith((".dist-info", ".egg-info")):
            continue
        owner = canonical(name.rpartition(".")[0].partition("-")[0])
        here.add(owner)
        text = _read(f"{path}/{name}/entry_points.txt")
        if text is None or _HEADER not in text or owner in seen:
            continue
        version = _version(path, name)
        for plugin, target in _entries(text.decode("utf-8", "replace")):
            found.append(_installed(plugin, owner, version, target))
    seen |= here
    return found


def _elsewhere(paths: Sequence[str], seen: set[str], *, use_finders: bool) -> list[Installed]:
    """Return what only importlib_metadata finds, except for the distributions in ``seen``."""
    import importlib_metadata

    options = {} if use_finders else {"path": list(paths)}
    found: list[Installed] = []
    for distribution in importlib_metadata.distributions(**options):
        owner = canonical(distribution.name or "")
        if not owner or owner in seen:
            continue
        seen.add(owner)
        found += [
            _installed(entry.name, owner, distribution.version, entry.value)
            for entry in distribution.entry_points.select(group=GROUP)
        ]
    return found


def _installed(name: str, owner: str, version: str | None, value: str) -> Installed:
    target = _EXTRAS.sub("", value)
    return Installed(
        name=canonical(name),
        distribution=owner,
        version=version,
        target=target,
        load=partial(load_target, target),
    )


def _entries(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for raw in text.splitlines():
        line = _COMMENT.sub("", raw).strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif section == GROUP and line and line[0] not in "#;":
            name, _, target = line.partition("=")
            yield name.strip(), target.strip()


def _version(path: str, name: str) -> str | None:
    stem, _, kind = name.rpartition(".")
    if kind == "dist-info":
        return stem.partition("-")[2] or None
    text = _read(f"{path}/{name}/PKG-INFO") or b""
    match = _VERSION.search(text)
    return match[1].decode("utf-8", "replace") if match else None


def _read(file: str) -> bytes | None:
    try:
        with open(file, "rb", buffering=0) as stream:
            return stream.read()
    except OSError:
        return None


def _changed(path: str) -> int | None:
    try:
        return os.stat(path or ".").st_mtime_ns
    except OSError:
        return None


def _other_finders() -> list[object]:
    """Return the finders of distributions on ``sys.meta_path`` that are not Python's own."""
    known = ("PathFinder", "MetadataPathFinder")
    return [
        finder
        for finder in sys.meta_path
        if getattr(finder, "find_distributions", None) is not None
        and getattr(finder, "__name__", type(finder).__name__) not in known
    ]
