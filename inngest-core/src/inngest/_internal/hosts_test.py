from __future__ import annotations

import pytest

from inngest._internal.hosts import is_foreign_page, is_host


@pytest.mark.parametrize(
    ("origin", "host", "is_foreign"),
    [
        (None, "app.example", False),
        ("http://localhost:3000", "127.0.0.1:8000", False),
        ("http://[::1]:3000", "localhost:8000", False),
        ("https://shop.localhost", "localhost:8000", False),
        ("http://192.168.1.5:3000", "192.168.1.5:8000", False),
        ("http://App:3000", "app:8000", False),
        ("https://SHOP.test", "shop.test", False),
        ("http://app.docker.internal:3000", "app.docker.internal:8000", False),
        ("http://app.example:8000", "app.example:8000", True),
        ("http://app.example.", "app.example.", True),
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


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("", True),
        ("app.example", True),
        ("app_1:8000", True),
        ("[::1]:8000", True),
        ("app.example/api/inngest?", False),
        ("me@app.example", False),
        ("app.example#", False),
        ("a b", False),
        ("[", False),
        ("app.example\n", False),
    ],
)
def test_a_host_is_no_other_part_of_a_url(text: str, is_one: bool) -> None:
    assert is_host(text) is is_one
