"""``plugins``: list the installed plugins, their distributions, and why any is not loaded.

By default it reads metadata and source code and imports no plugin. With ``--check`` it loads each
plugin in a separate process, with a timeout, and reports the result.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence

from inngest._internal.cli.probe import Probed, probe_all, seconds
from inngest._internal.cli.table import table
from inngest._internal.plugins.host import PluginHost
from inngest._internal.plugins.listing import Listed


def main(argv: Sequence[str]) -> int:
    """Print the listing; with ``--check``, return 1 if a plugin fails."""
    options = _parser().parse_args(argv)
    rows = PluginHost().listing()
    probed: dict[str, Probed] = {}
    if options.check:
        enabled = [row.name for row in rows if row.state == "enabled"]
        probed = probe_all(enabled, options.timeout)
        rows = [_after(row, probed) for row in rows]
    print(as_json(rows, probed) if options.json else as_text(rows, probed))
    return int(any(row.state == "failed" for row in rows))


def as_text(rows: Sequence[Listed], probed: dict[str, Probed]) -> str:
    """Format the listing for people."""
    if not rows:
        return "no plugin is installed; pip install inngest-flask, for example"
    lines = table(
        ("name", "distribution", "version", "state", "hooks"),
        [
            (
                row.name,
                row.distribution or "-",
                row.version or "-",
                row.state,
                "?"
                if row.hooks is None
                else " ".join(h.removeprefix("inngest_") for h in row.hooks),
            )
            for row in rows
        ],
    )
    reasons = [f"{row.name} ({row.distribution}): {row.reason}" for row in rows if row.reason]
    order = middleware_order(probed)
    return "\n".join(
        [
            *lines,
            *(["", *reasons] if reasons else []),
            *(["", f"middleware runs in this order: {', '.join(order)}"] if order else []),
        ]
    )


def as_json(rows: Sequence[Listed], probed: dict[str, Probed]) -> str:
    """Format the listing as JSON."""
    found = [
        {
            **dataclasses.asdict(row),
            **({"offers": probed[row.name].offers} if _is_probed(row, probed) else {}),
        }
        for row in rows
    ]
    return json.dumps({"plugins": found}, indent=2)


def middleware_order(probed: dict[str, Probed]) -> list[str]:
    """Return the names of all middleware, in the order in which it runs."""
    entries = [
        (entry["order"], entry["name"], name)
        for name, found in probed.items()
        for entry in found.offers.get("middleware", [])
    ]
    return [f"{name} ({order})" for order, name, _ in sorted(entries)]


def _after(row: Listed, probed: dict[str, Probed]) -> Listed:
    if not _is_probed(row, probed):
        return row
    found = probed[row.name]
    hooks = row.hooks if found.hooks is None else tuple(found.hooks)
    return dataclasses.replace(row, state=found.state, reason=found.reason, hooks=hooks)


def _is_probed(row: Listed, probed: dict[str, Probed]) -> bool:
    """Return whether a result is of this row: names are unique except for unusable plugins."""
    return row.state not in ("unusable", "off") and row.name in probed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inngest plugins",
        description="List the plugins that are installed, and say why one is not loaded.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--check", action="store_true", help="load each plugin, in a separate process"
    )
    parser.add_argument(
        "--timeout", type=seconds, default=10.0, metavar="SECONDS", help="per plugin, with --check"
    )
    return parser
