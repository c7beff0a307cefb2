"""The table and the plots of a comparison."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

HEADER = "| work | ours | peer | times | aim | minimal handler | times it |\n|---|---|---|---|---|---|---|"

PLOT = """
import json, sys
import matplotlib
matplotlib.use("svg")
from matplotlib import pyplot
name, curves, unit = json.loads(sys.stdin.read())
figure, axes = pyplot.subplots(figsize=(7, 4.5))
for label, points in curves.items():
    sizes, values = zip(*points)
    axes.plot(sizes, values, marker="o", label=label)
axes.set(xscale="symlog", yscale="log", xlabel="steps", ylabel=unit, title=name)
axes.grid(alpha=0.3)
axes.legend()
figure.tight_layout()
figure.savefig(sys.argv[1])
"""


def quantity(result: dict[str, Any], side: str) -> str:
    value = result["medians"].get(side)
    if value is None:
        return ""
    if result["argument"].get("measure") == "memory":
        return f"{value / 1024:.1f} KiB"
    return f"{value * 1e6:.0f} µs" if value < 1e-3 else f"{value * 1e3:.2f} ms"


def row(result: dict[str, Any]) -> list[str]:
    ratios, aim = result["ratios"], result["wanted"]
    return [
        result["name"],
        quantity(result, "ours"),
        quantity(result, "peer"),
        f"{ratios['peer']:.1f}",
        "" if aim is None else f"{aim:g}",
        quantity(result, "minimal"),
        "" if "minimal" not in ratios else f"{1 / ratios['minimal']:.1f}",
    ]


def line(result: dict[str, Any]) -> str:
    """One row of the table."""
    return f"| {' | '.join(row(result))} |"


def write(results: list[dict[str, Any]], folder: Path, python: Path) -> None:
    """Write the table, the figures, and a plot for each curve."""
    table = "\n".join([HEADER, *map(line, results)])
    (folder / "table.md").write_text(f"{table}\n")
    (folder / "results.json").write_text(json.dumps(results, indent=1))
    for group in sorted({result["group"] for result in results} - {""}):
        curves: dict[str, list[tuple[int, float]]] = {}
        for result in (result for result in results if result["group"] == group):
            for side, value in result["medians"].items():
                curves.setdefault(side, []).append((result["size"], value * 1e3))
        target = folder / f"{re.sub(r'[^a-z_]+', '-', group)}.svg"
        text = json.dumps([group, curves, "milliseconds"])
        subprocess.run([python, "-c", PLOT, target], input=text, text=True, check=True)
    print(f"\n{table}\n\nwritten to {folder}")
