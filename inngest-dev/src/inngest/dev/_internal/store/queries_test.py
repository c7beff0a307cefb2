from __future__ import annotations

import re
from pathlib import Path


def test_no_query_numbers_its_parameters() -> None:
    """Python 3.12.0 to 3.12.3 warn of them, and the suite runs on one Python only."""
    queries = [path for path in Path(__file__).parent.glob("*.py") if "_test" not in path.name]
    assert queries
    assert [path.name for path in queries if re.search(r"\?\d", path.read_text())] == []
