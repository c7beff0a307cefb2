"""The command line: ``python -m inngest COMMAND``."""

from __future__ import annotations

import sys

DAMAGED = """\
inngest-core is damaged: {missing} is missing.
Uninstalling the distribution named inngest also removes files of inngest-core. Restore them:
    pip install --force-reinstall --no-deps inngest-core
and likewise for the other inngest-* wheels that you use, such as inngest-flask.
"""


def main() -> int:
    """Run the command line; if one of its modules is missing, explain how to restore it."""
    try:
        from inngest._internal.cli.main import main as command_line
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "inngest":
            raise
        sys.stderr.write(DAMAGED.format(missing=error.name))
        return 1
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, the shell's convention for Ctrl-C
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
