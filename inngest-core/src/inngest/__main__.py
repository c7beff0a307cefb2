"""The command line: ``python -m inngest COMMAND``."""

from __future__ import annotations

import sys

from inngest._internal.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
