"""Compare the wheels of this tree with the peer on the index, side by side.

    make bench
    make bench BENCH_ARGS="call --rounds 3"      # the rows with "call" in their name

In each round every side runs a program of its own process, one right after the other; a
ratio is the median of the rounds' ratios, so that a slow minute of the machine hits both.
Writes `table.md`, `results.json` and the plots to `build/bench`.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.comparison import cases, environments, report
from benchmarks.comparison.cases import Case

PROGRAMS = Path(__file__).parents[1] / "programs"
SECONDS = 600.0


def measure(case: Case, side: str, python: Path) -> float:
    """Run one program once; the median of what it measured."""
    program = "minimal" if side == "minimal" else case.program
    done = subprocess.run(
        [python, PROGRAMS / f"{program}.py", json.dumps(case.argument)],
        cwd=PROGRAMS,
        env=environments.environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{case.name}, {side}: {done.stdout}{done.stderr}")
    values: list[float]
    (values,) = json.loads(done.stdout).values()
    return statistics.median(values)


def compare(case: Case, pythons: dict[str, Path], rounds: int) -> dict[str, object]:
    """Run all rounds of a case."""
    found: dict[str, list[float]] = {side: [] for side in case.sides}
    for number in range(rounds):
        order = case.sides if number % 2 == 0 else case.sides[::-1]
        for side in order:
            found[side].append(measure(case, side, pythons[side]))
    ours = found["ours"]
    ratios = {
        side: statistics.median(theirs / mine for theirs, mine in zip(values, ours, strict=True))
        for side, values in found.items()
    }
    medians = {side: statistics.median(values) for side, values in found.items()}
    return {**asdict(case), "rounds": found, "medians": medians, "ratios": ratios}


@contextmanager
def engine() -> Iterator[str]:
    """The embedded engine, in a process of its own. It prints each step: to a file."""
    command = [sys.executable, "-m", "inngest", "dev", "--no-ui", "--port", "0"]
    log = environments.BUILD / "engine.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield url_in(log)
    finally:
        process.terminate()
        process.wait(30)


def url_in(log: Path) -> str:
    """The first URL that a program prints."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = re.search(r"http://[\d.]+:\d+", log.read_text())
        if found:
            return found.group()
        time.sleep(0.1)
    sys.exit(f"the engine did not start: {log.read_text()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="only rows that contain this")
    parser.add_argument("--rounds", type=int, help="instead of each row's own number")
    options = parser.parse_args()
    pythons = environments.make()
    results: list[dict[str, object]] = []
    with engine() as url:
        chosen = [
            case
            for case in [
                *cases.STARTING,
                *cases.CALLING,
                *cases.SENDING,
                *cases.DISCOVERING,
                *cases.running(url),
            ]
            if options.name in case.name
        ]
        for case in chosen:
            results.append(compare(case, pythons, options.rounds or case.rounds))
            print(report.line(results[-1]), flush=True)
    report.write(results, environments.BUILD, pythons["plots"])


if __name__ == "__main__":
    main()
