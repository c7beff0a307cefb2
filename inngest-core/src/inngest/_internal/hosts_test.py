from __future__ import annotations

import pytest

from inngest._internal.hosts import is_foreign_page


@pytest.mark.parametrize(
    ("origin", "host", "is_foreign"),
    [
        (None, "app.example", False),
        ("http://localhost:3000", "127.0.0.1:8000", False),
        ("http://[::1]:3000", "localhost:8000", False),
        ("https://shop.localhost", "localhost:8000", False),
        ("http://192.168.1.5:3000", "192.168.1.5:8000", False),
        ("https://APP.example", "app.example", False),
        ("https://evil.example", "localhost:8000", True),
        ("https://localhost.evil.example", "localhost:8000", True),
        ("null", "localhost:8000", True),
        ("null", "", True),
        ("http://[", "localhost", True),
        ("https://evil.example", "[", True),
    ],
)
def test_pages_of_this_machine_and_of_the_same_host_are_not_foreign(
    origin: str | None, host: str, is_foreign: bool
) -> None:
    assert is_foreign_page(origin, host) is is_foreign
