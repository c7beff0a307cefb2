from __future__ import annotations

import pytest

from inngest._internal.http.serve_url import announced_url, serve_url

REQUEST = "http://10.0.0.1:8000/api/inngest?fnId=x#f"


@pytest.mark.parametrize(
    ("origin", "public_path", "expected"),
    [
        (None, None, "http://10.0.0.1:8000/api/inngest"),
        ("https://example.com", None, "https://example.com/api/inngest"),
        ("https://example.com/", None, "https://example.com/api/inngest"),
        ("http://localhost:3000", None, "http://localhost:3000/api/inngest"),
        (None, "/public", "http://10.0.0.1:8000/public"),
        (None, "public/x", "http://10.0.0.1:8000/public/x"),
        ("https://a.b", "/p", "https://a.b/p"),
        ("", "", "http://10.0.0.1:8000/api/inngest"),
    ],
)
def test_what_the_user_knows_wins(
    origin: str | None, public_path: str | None, expected: str
) -> None:
    assert serve_url(REQUEST, origin=origin, public_path=public_path) == expected


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        ("/fns", "/fns"),
        ("/v1/fns", "/v1/fns"),
        ("/other", "/fns"),
        ("/vfns", "/fns"),
        ("", "/fns"),
    ],
)
@pytest.mark.parametrize("serve_path", ["/fns", "fns"])
def test_a_serve_path_never_hides_the_prefix_that_the_app_is_mounted_under(
    requested: str, serve_path: str, expected: str
) -> None:
    url = serve_url(f"http://app{requested}", origin=None, serve_path=serve_path)
    assert url == f"http://app{expected}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"url": "https://shop.example/fns"}', "https://shop.example/fns"),
        (b'{"url": "shop.example"}', None),
        (b'{"url": "ftp://shop.example"}', None),
        (b'{"url": "https://"}', None),
        (b'{"url": "https://[x/"}', None),
        (b'{"url": 1}', None),
        (b"[]", None),
        (b"{", None),
        (b"", None),
    ],
)
def test_a_server_may_say_what_url_it_calls(body: bytes, expected: str | None) -> None:
    assert announced_url(body) == expected
