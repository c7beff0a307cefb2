"""The command line: ``python -m inngest COMMAND``. Commands come from plugins."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from inngest._internal.plugins.discovery import commands, load_plugins
from inngest.plugins import Command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ``argv`` names; return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    known = {command.name: command for command in commands(load_plugins())}
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage(list(known.values())))
        return 0
    command = known.get(arguments[0])
    if command is None:
        print(f"no such command: {arguments[0]}\n\n{_usage(list(known.values()))}", file=sys.stderr)
        return 2
    return command.run(arguments[1:])


def _usage(known: Sequence[Command]) -> str:
    lines = ["usage: python -m inngest COMMAND [ARGUMENTS]", ""]
    if not known:
        lines.append("No installed wheel adds a command; try: pip install inngest-dev")
    lines += [f"  {command.name:<12} {command.help}" for command in known]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
