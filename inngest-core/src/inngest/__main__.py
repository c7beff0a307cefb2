"""The command line: ``python -m inngest COMMAND``."""

from __future__ import annotations

import sys

DAMAGED = """\
inngest-core is damaged: {missing} is missing.
Uninstalling the distribution called inngest takes files of this one along. Put them back:
    pip install --force-reinstall --no-deps inngest-core
and the same for the other wheels of the family, such as inngest-flask.
"""


def main() -> int:
    """Run the command line, or say what is missing of it."""
    try:
        from inngest._internal.cli.main import main as command_line
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "inngest":
            raise
        sys.stderr.write(DAMAGED.format(missing=error.name))
        return 1
    except KeyboardInterrupt:
        return 130  # how a shell counts what was ended by Ctrl-C
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
