"""``doctor``: find misconfigurations and explain how to fix them.

It checks what an app in this environment would use: environment variables, the server,
installed distributions, the namespace package, plugins, and the functions of a given app. Checks
are independent: one that raises results in a finding.

Limits: keys are checked for their format only; nothing is registered or sent.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from inngest._internal.cli.environment import check_environment
from inngest._internal.cli.finding import Finding
from inngest._internal.cli.functions import check_app
from inngest._internal.cli.installation import check_installation
from inngest._internal.cli.namespace import check_namespace
from inngest._internal.cli.plugin_checks import check_plugins
from inngest._internal.cli.probe import seconds
from inngest._internal.cli.server import check_server

Check = Callable[[], Iterable[Finding]]


def main(argv: Sequence[str]) -> int:
    """Print the report; return 1 if there is a problem, else 0."""
    options = _parser().parse_args(argv)
    if "" not in sys.path and os.getcwd() not in sys.path:  # noqa: PTH109
        sys.path.insert(0, "")
    checks: dict[str, Check] = {
        "environment": partial(check_environment, os.environ),
        "server": partial(check_server, os.environ, options.timeout),
        "installation": check_installation,
        "namespace": check_namespace,
        "plugins": partial(check_plugins, os.environ, options.timeout),
        "app": partial(check_app, options.app),
    }
    if options.offline:
        del checks["server"]
    findings = [finding for name, check in checks.items() for finding in _run(name, check)]
    print(as_json(findings) if options.json else as_text(findings))
    return int(any(finding.level == "problem" for finding in findings))


def as_text(findings: Sequence[Finding]) -> str:
    """Format the report for people."""
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.level:<8} {finding.subject}: {finding.text}")
        if finding.advice:
            lines.append(f"{'':<8} -> {finding.advice}")
    counts = {level: sum(f.level == level for f in findings) for level in ("problem", "warning")}
    lines += ["", f"problems: {counts['problem']}, warnings: {counts['warning']}"]
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Format the report as JSON."""
    return json.dumps({"findings": [dataclasses.asdict(f) for f in findings]}, indent=2)


def _run(name: str, check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check())
    except Exception as error:
        text = f"the check itself failed: {type(error).__name__}: {error}"
        found.append(Finding(level="problem", subject=name, text=text))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inngest doctor", description="Find what is misconfigured."
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help="do not contact the server")
    parser.add_argument(
        "--app",
        metavar="MODULE[:NAME]",
        help="check the functions in this module, or in this object of it",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=5.0,
        metavar="SECONDS",
        help="for requests to the server, and for loading each plugin",
    )
    return parser
