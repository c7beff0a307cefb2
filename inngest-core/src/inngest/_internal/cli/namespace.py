"""Check the namespace package: one ``inngest/__init__.py``, and all portions importable."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import inngest
from inngest._internal.cli.finding import Finding

SUBJECT = "namespace"


def check_namespace() -> Iterator[Finding]:
    """Check each directory ``inngest`` on ``sys.path``."""
    core = Path(__file__).resolve().parents[2]
    reached = {Path(path).resolve() for path in inngest.__path__}
    before = len(reached)
    yield from inspect(core, reached, sys.path)
    owner = Path(inngest.__file__ or "").resolve().parent
    if owner != core:
        yield Finding(
            level="problem",
            subject=SUBJECT,
            text=f"import inngest finds {owner}, which is not that of inngest-core ({core})",
            advice="remove or rename it",
        )
    if importlib.util.find_spec("inngest.plugins") is None:
        text = "inngest.plugins cannot be found; the installation is damaged"
        advice = "pip install --force-reinstall --no-deps inngest-core"
        yield Finding(level="problem", subject=SUBJECT, text=text, advice=advice)
    yield Finding(level="ok", subject=SUBJECT, text=f"{before} folder(s) make up inngest")


def inspect(core: Path, reached: set[Path], paths: Iterable[str]) -> Iterator[Finding]:
    """Find misplaced directories and files, and portions that cannot be imported."""
    for entry in dict.fromkeys(paths):
        base = Path(entry or ".").resolve()
        if (base / "inngest.py").is_file():
            yield Finding(
                level="problem",
                subject=SUBJECT,
                text=f"{base / 'inngest.py'} may hide the package",
                advice="rename that file",
            )
        portion = base / "inngest"
        if portion == core or not portion.is_dir():
            continue
        if (portion / "__init__.py").is_file():
            yield Finding(
                level="problem",
                subject=SUBJECT,
                text=f"{portion} has an __init__.py, which only inngest-core may have",
                advice="uninstall or remove what put it there",
            )
        elif portion not in reached and any(portion.glob("*/__init__.py")):
            yield Finding(
                level="problem",
                subject=SUBJECT,
                text=f"{portion} is not part of the package: it was added to sys.path too late",
                advice="put it on sys.path before inngest is imported",
            )
