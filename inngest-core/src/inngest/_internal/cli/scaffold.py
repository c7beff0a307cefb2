"""``new-plugin NAME``: create a plugin project whose tests pass.

Either all files are written or none; nothing existing is modified.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from string import Template

from inngest._internal.cli.installation import FAMILY
from inngest._internal.cli.templates import FILES
from inngest._internal.errors import PluginConfigInvalidError
from inngest._internal.plugins.names import canonical, is_canonical, squashed
from inngest._internal.version import VERSION


def main(argv: Sequence[str]) -> int:
    """Create a project and print the next steps."""
    options = _parser().parse_args(argv)
    found = write_project(options.name, Path(options.into))
    if isinstance(found, PluginConfigInvalidError):
        print(f"{found.code}: {found.message}", file=sys.stderr)
        return 2
    print(f"wrote {found}; next:\n\n  cd {found}\n  pip install -e . pytest\n  pytest")
    return 0


def write_project(name: str, into: Path) -> Path | PluginConfigInvalidError:
    """Create the project of plugin ``name`` in a new directory in ``into``; return its path."""
    plugin = canonical(name).removeprefix("inngest-")
    distribution = f"inngest-{plugin}"
    if not is_canonical(plugin) or plugin[0].isdigit():  # also the name of a class and a variable
        return PluginConfigInvalidError(
            f"{name!r} is not a name for a plugin; use letters, digits and hyphens, a letter first"
        )
    taken = {squashed(one): one for one in FAMILY}.get(squashed(distribution))
    if taken is not None:
        return PluginConfigInvalidError(f"{taken} is taken; choose another name")
    target = into / distribution
    if target.exists():
        return PluginConfigInvalidError(f"{target} exists; choose another name, or --into")
    if not into.is_dir():
        return PluginConfigInvalidError(f"{into} is not a folder")
    values = {
        "plugin": plugin,
        "distribution": distribution,
        "package": distribution.replace("-", "_"),
        "cls": "".join(part.capitalize() for part in plugin.split("-")),
        "variable": f"{plugin.upper().replace('-', '_')}_LOG_LEVEL",
        "version": VERSION,
    }
    with tempfile.TemporaryDirectory(dir=into, prefix=".new-plugin-") as folder:
        draft = Path(folder) / distribution
        for path, text in FILES.items():
            file = draft / Template(path).substitute(values)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(Template(text).substitute(values), encoding="utf-8")
        shutil.move(draft, target)
    return target


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inngest new-plugin", description="Create a plugin project."
    )
    parser.add_argument("name", metavar="NAME", help="the plugin's name, such as audit-log")
    parser.add_argument(
        "--into", default=".", metavar="FOLDER", help="parent directory (default: the current one)"
    )
    return parser
