"""Isolate all tests from the environment of the machine."""

from __future__ import annotations

import os

SETTINGS = ("INNGEST_", "DEV_SERVER_", "OTEL_", "RAILWAY_GIT_", "RENDER_GIT_", "VERCEL_GIT_")
KEPT = "INNGEST_DEV_SERVER"
"""Names the server that tests of all engines run against."""
HERE = "127.0.0.1,localhost"

for name in [*os.environ]:
    if name.startswith(SETTINGS) and name != KEPT:
        del os.environ[name]
for name in ("NO_PROXY", "no_proxy"):  # a proxy is for the index of packages
    os.environ[name] = ",".join(filter(None, (os.environ.get(name), HERE)))
