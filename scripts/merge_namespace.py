"""Lay all portions of the namespace into one folder of links, as installed wheels lie.

Pyright takes the first ``inngest`` on its path for the whole package, so it needs to see
the workspace the way a user's site-packages shows it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "namespace" / "inngest"


def main() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    for portion in sorted(ROOT.glob("inngest-*/src/inngest")):
        for entry in portion.iterdir():
            if entry.name != "__pycache__":
                (TARGET / entry.name).symlink_to(entry)


if __name__ == "__main__":
    main()
