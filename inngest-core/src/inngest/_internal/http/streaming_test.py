from __future__ import annotations

import json

import pytest

from inngest._internal.http.comm import CommResponse
from inngest._internal.http.options import DEFAULT_THREADS, ServeOptions
from inngest._internal.http.streaming import Streaming, seal


def test_an_envelope_keeps_the_bytes_of_the_body() -> None:
    body = '{"text":"naïve ✓ \\u0000"}'.encode()
    sealed = json.loads(seal(CommResponse(status=206, body=body, headers={"x-inngest-sdk": "s"})))
    assert sealed == {"status": 206, "headers": {"x-inngest-sdk": "s"}, "body": body.decode()}


@pytest.mark.parametrize(
    ("argument", "named", "expected"),
    [
        (None, None, False),
        (None, "force", True),
        (None, "Allow ", True),
        (None, "disable", False),
        (None, "maybe", False),
        (Streaming.FORCE, "disable", True),
        (Streaming.DISABLE, "force", False),
        ("force", None, True),
        ("disable", "force", False),
    ],
)
def test_the_argument_wins_over_the_environment(
    argument: Streaming | None, named: str | None, expected: bool
) -> None:
    environ = {} if named is None else {"INNGEST_STREAMING": named}
    options = ServeOptions(framework="f", streaming=argument, environ=environ)
    assert options.is_streaming is expected


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("7", 7),
        ("0", 0),
        (" 3 ", 3),
        *((odd, DEFAULT_THREADS) for odd in (None, "", "-1", "many", "²")),
    ],
)
def test_the_number_of_threads(named: str | None, expected: int) -> None:
    environ = {} if named is None else {"INNGEST_THREAD_POOL_MAX_WORKERS": named}
    assert ServeOptions(framework="f", environ=environ).max_threads == expected


@pytest.mark.parametrize(
    ("given", "path"), [("fns", "/fns"), ("/fns", "/fns"), ("", "/api/inngest")]
)
def test_the_path_to_mount_at_begins_with_a_slash(given: str, path: str) -> None:
    assert ServeOptions(framework="f", serve_path=given, environ={}).mount_path == path
