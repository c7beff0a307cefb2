"""Check installed distributions: exclusive ownership of the namespace, and equal versions."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from inngest._internal.cli.finding import Finding
from inngest._internal.plugins.names import canonical
from inngest._internal.version import VERSION
from inngest._internal.wheels import MODULES

CORE = "inngest-core"
FAMILY = tuple(sorted([CORE, *MODULES.values()]))
"""The distributions that have the same version."""
OWNED = "inngest/__init__.py"


def check_installation() -> Iterator[Finding]:
    """Check the metadata of all installed distributions."""
    import importlib_metadata

    versions: dict[str, list[str]] = {}
    owners: dict[str, str] = {}
    for distribution in importlib_metadata.distributions():
        name, record = canonical(distribution.name or ""), distribution.read_text("RECORD") or ""
        if not name.startswith("inngest") and OWNED not in record:
            continue
        versions.setdefault(name, []).append(distribution.version)
        if name != CORE and any(line.partition(",")[0] == OWNED for line in record.splitlines()):
            owners[name] = distribution.version
    # The RECORD of an editable installation does not list its files.
    if "inngest" in versions:
        owners.setdefault("inngest", versions["inngest"][0])
    python = f"Python {platform.python_version()}"
    yield Finding(level="ok", subject="installation", text=f"inngest-core {VERSION} on {python}")
    yield from _conflicts(owners, [name for name in FAMILY if name in versions])
    yield from _mixed(versions)


def _conflicts(owners: dict[str, str], ours: list[str]) -> Iterator[Finding]:
    for name, version in sorted(owners.items()):
        yield Finding(
            level="problem",
            subject="conflict",
            text=f"{name} {version} owns {OWNED} too, and one of the two has overwritten the other",
            advice=f"pip uninstall {name}; it also removes files of inngest-core, so restore them: "
            f"pip install --force-reinstall --no-deps {' '.join(ours)}",
        )


def _mixed(versions: dict[str, list[str]]) -> Iterator[Finding]:
    for name in sorted(versions):
        if len(versions[name]) > 1:
            yield Finding(
                level="warning",
                subject="installation",
                text=f"{name} is installed {len(versions[name])} times: {', '.join(versions[name])}",
                advice="the first on sys.path is used; uninstall the others",
            )
    for name in FAMILY:
        found = versions.get(name, [VERSION])[0]
        if found != VERSION:
            yield Finding(
                level="problem",
                subject="installation",
                text=f"{name} is {found}, but {CORE} is {VERSION}: they must be the same version",
                advice=f"pip install {name}=={VERSION}",
            )
