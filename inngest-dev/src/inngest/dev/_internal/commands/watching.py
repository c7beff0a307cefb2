"""Notice changes of Python files, by their times of modification: that needs no library."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

IGNORED = {"__pycache__", "node_modules", "site-packages", "build", "dist", "venv", "env"}
LIMIT = 20_000
STARTS = 5


class Watched:
    """The Python files under a directory, without hidden ones and environments."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._at_starts: dict[str, int] = {}
        self._seen = self._times()

    def changed(self) -> list[str]:
        """The files that have changed, come or gone since this was last called."""
        before, self._seen = self._seen, self._times()
        differ = {path for path, _ in before.items() ^ self._seen.items()}
        return sorted(os.path.relpath(path, self._directory) for path in differ)

    def started(self, changed: Iterable[str]) -> list[str]:
        """Those of the changed files that have changed at `STARTS` starts in a row, once.

        The app may write it itself: then it is started for ever, and only its author can end that.
        """
        self._at_starts = {path: self._at_starts.get(path, 0) + 1 for path in changed}
        return sorted(path for path, starts in self._at_starts.items() if starts == STARTS)

    def _times(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for folder, folders, files in os.walk(self._directory):
            folders[:] = [f for f in folders if f not in IGNORED and not f.startswith(".")]
            for name in files:
                if name.endswith(".py") and len(found) < LIMIT:
                    path = os.path.join(folder, name)  # noqa: PTH118
                    try:
                        found[path] = os.stat(path).st_mtime_ns  # noqa: PTH116
                    except OSError:  # gone since it was listed
                        continue
        return found
