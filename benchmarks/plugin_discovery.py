"""What finding plugins costs a client, in an environment with 500 distributions.

Each round is a process of its own, since what is measured happens once in each. The
measure beside it is `importlib_metadata.entry_points`, which finds the same. Rounds
alternate between the two; medians are compared. Target: under 15 ms for the first client,
nothing for the next.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 15
DISTRIBUTIONS = 500
PLUGINS = 5

OURS = """
import inngest, json, time
from inngest._internal.plugins.host import PluginHost
from inngest._internal.plugins.installed import scan
client = inngest.Inngest(app_id="bench", is_production=False)
def timed(work):
    started = time.perf_counter()
    result = work()
    return (time.perf_counter() - started) * 1000, result
first, found = timed(scan)
# Those of the family are left aside: what they import is theirs to answer for.
fakes = ",".join(plugin.name for plugin in found.plugins if plugin.name.startswith("fake"))
host = PluginHost(environ={"INNGEST_PLUGINS": fakes})
load, _ = timed(lambda: host.middleware(client))
again, _ = timed(scan)
kept, _ = timed(lambda: host.middleware(client))
names = sorted(plugin.name for plugin in found.plugins)
print(json.dumps({"first": first, "load": load, "again": again, "kept": kept, "names": names}))
"""

THEIRS = """
import inngest, json, time
started = time.perf_counter()
import importlib_metadata
imported = time.perf_counter()
found = importlib_metadata.entry_points(group="inngest")
first = (time.perf_counter() - imported) * 1000
print(json.dumps({"first": first, "import": (imported - started) * 1000,
                  "names": sorted(entry.name.replace("_", "-") for entry in found)}))
"""


def install(folder: Path) -> None:
    """Write distributions as pip leaves them: a quarter has entry points, a few have ours."""
    for number in range(DISTRIBUTIONS):
        info = folder / f"fake_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: fake-{number}\nVersion: 1.0\n"
        )
        (info / "RECORD").write_text("")
        if number < PLUGINS:
            (folder / f"fake_{number}.py").write_text(
                "class Plugin:\n    api_version = 1\n\nplugin = Plugin()\n"
            )
            text = f"[inngest]\nfake-{number} = fake_{number}:plugin\n"
            (info / "entry_points.txt").write_text(text)
        elif number % 4 == 0:
            (info / "entry_points.txt").write_text("[console_scripts]\nfake = fake:main\n")


def measure(program: str, folder: str) -> dict[str, float]:
    env = {**os.environ, "PYTHONPATH": folder}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        measure(OURS, folder)  # warms the file system and the compiled files
        rounds = [(measure(OURS, folder), measure(THEIRS, folder)) for _ in range(ROUNDS)]
    assert all(ours["names"] == theirs["names"] for ours, theirs in rounds)

    def median(side: int, key: str) -> float:
        return statistics.median(pair[side][key] for pair in rounds)

    first, theirs = median(0, "first"), median(1, "first")
    print(f"{DISTRIBUTIONS} distributions, medians of {ROUNDS} processes, in ms")
    print(f"  first look                       {first:8.2f}")
    print(f"  importlib_metadata.entry_points  {theirs:8.2f}   ratio {theirs / first:.1f}")
    print(f"  ... and importing it             {median(1, 'import'):8.2f}")
    print(f"  a later look, of another client  {median(0, 'again'):8.3f}")
    print(f"  loading {PLUGINS} plugins, and pluggy     {median(0, 'load'):8.2f}")
    print(f"  asking again                     {median(0, 'kept'):8.3f}")


if __name__ == "__main__":
    main()
