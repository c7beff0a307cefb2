"""Have a browser for the tests of the dashboard: Debian's Chromium and its driver.

Installs them when they are missing and this is root; says what is missing otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NEEDED = ("chromium", "chromedriver")
PACKAGES = ("chromium", "chromium-driver")


def main() -> int:
    if all(shutil.which(name) for name in NEEDED):
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(
            "the dashboard's tests need Chromium and chromedriver: "
            f"apt-get install {' '.join(PACKAGES)}",
            file=sys.stderr,
        )
        return 1
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "--no-install-recommends", *PACKAGES],
    ):
        subprocess.run(command, env=environment, check=True, timeout=900)
    return 0


if __name__ == "__main__":
    sys.exit(main())
