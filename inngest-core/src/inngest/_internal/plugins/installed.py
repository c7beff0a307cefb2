"""Find the plugins that are installed, by their metadata. Imports no plugin.

What ``importlib_metadata.entry_points(group="inngest")`` finds, several times as fast: in
a folder, only files that hold the group are read to the end, and nothing is parsed that
does not. Zip files and the finders of other importers are left to importlib_metadata,
which is not imported where there are none.
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
"""What the distributions of this family are called by, before the plugin's name."""
MONOLITH: Final = "inngest"
"""The distribution that has the whole package for itself."""

_HEADER: Final = f"[{GROUP}]".encode()
_EXTRAS = re.compile(r"\s*\[[^\]]*\]\s*$")
_COMMENT = re.compile(r"\s+[#;].*$")
_VERSION = re.compile(rb"^Version:[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A plugin that some distribution announces, or that the app handed over."""

    name: str
    distribution: str | None
    version: str | None
    target: str
    """``module:attribute``, or what stands for it."""
    load: Callable[[], object]

    @property
    def owner(self) -> str:
        """The distribution, for messages."""
        if self.distribution is None:
            return "the app"
        return f"{self.distribution} {self.version}" if self.version else self.distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A plugin that cannot be used, or is switched off: known without importing it."""

    plugin: Installed
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """All that is installed, one plugin a name, by name."""

    plugins: tuple[Installed, ...]
    unusable: tuple[LeftOut, ...]
    has_monolith: bool = False
    """Whether there is a distribution that owns the package's files, too."""


Scanner: TypeAlias = "Callable[[], Scan]"
"""Finds what is installed."""


class CachedScan:
    """Looks at ``sys.path``, and again only when it, or a folder on it, has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: object = None
        self._scan = Scan(plugins=(), unusable=())

    def __call__(self) -> Scan:
        """Look."""
        finders, paths = _other_finders(), search_path()
        key = (tuple(map(id, finders)), tuple((path, _changed(path)) for path in paths))
        with self._lock:
            if self._key != key:
                announced, owners = _announced(paths, finders)
                self._scan = replace(settle(announced), has_monolith=MONOLITH in owners)
                self._key = key
            return self._scan


scan = CachedScan()
"""What all clients of a process share."""


def settle(announced: Sequence[Installed]) -> Scan:
    """Keep one plugin of each name: the family's own first, then by distribution.

    Nothing here depends on the order in which distributions were installed or found.
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
    """Return what Python heeds of ``sys.path``: a ``Path`` in it is passed over by imports."""
    given: list[object] = [*sys.path]
    return [path for path in given if isinstance(path, str)]


def load_target(target: str) -> object:
    """Import what an entry point names."""
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
    """The plugins, and the names of all distributions."""
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
    """What only importlib_metadata can read, and what it finds that we do not know of."""
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
    """Importers, beside Python's own, that know of distributions."""
    known = ("PathFinder", "MetadataPathFinder")
    return [
        finder
        for finder in sys.meta_path
        if getattr(finder, "find_distributions", None) is not None
        and getattr(finder, "__name__", type(finder).__name__) not in known
    ]
