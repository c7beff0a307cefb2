"""``doctor``: find what is misconfigured, and say what to do.

It looks at what an app in this environment would see: variables, the server, installed
distributions, the namespace, plugins, and the functions of an app that it is shown. Each
check stands alone: one that fails itself is a finding, not the end.

Limits: keys are checked for form, not with the server; nothing is registered or sent.
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
    """Print the report; the status is 1 when there is a problem."""
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
    """Lay the report out for people."""
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.level:<8} {finding.subject}: {finding.text}")
        if finding.advice:
            lines.append(f"{'':<8} -> {finding.advice}")
    counts = {level: sum(f.level == level for f in findings) for level in ("problem", "warning")}
    lines += ["", f"problems: {counts['problem']}, warnings: {counts['warning']}"]
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Lay the report out for programs."""
    return json.dumps({"findings": [dataclasses.asdict(f) for f in findings]}, indent=2)


def _run(name: str, check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check())
    except Exception as error:
        text = f"this check failed itself: {type(error).__name__}: {error}"
        found.append(Finding(level="problem", subject=name, text=text))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inngest doctor", description="Find what is misconfigured."
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help="do not ask the server")
    parser.add_argument(
        "--app",
        metavar="MODULE[:NAME]",
        help="look at the functions in this module, or in this list of one",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=5.0,
        metavar="SECONDS",
        help="for the server, and for each plugin to load",
    )
    return parser
