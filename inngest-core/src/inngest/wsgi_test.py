"""The paths at which a WSGI app responds, and how much of a body it reads."""

from __future__ import annotations

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

import inngest
import inngest.wsgi
from inngest.transport import MAX_BODY_BYTES


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/käse", "200 OK"), ("/api/kase", "404 Not Found"), ("/api/k\ufffdse", "404 Not Found")],
)
def test_its_path_may_be_of_any_language(path: str, status: str) -> None:
    client = inngest.Inngest(app_id="app", is_production=False)
    app = inngest.wsgi.serve(client, [], serve_path="/api/käse")
    environ: dict[str, Any] = {"PATH_INFO": path.encode().decode("latin-1")}
    setup_testing_defaults(environ)
    told: list[str] = []
    assert list(app(environ, lambda status, headers: told.append(status)))
    assert told == [status]


@pytest.mark.parametrize(
    ("length", "count"),
    [("5", 5), ("005", 5), ("9" * 5000, MAX_BODY_BYTES + 1), ("-1", 0), ("٣", 0), ("", 0)],
)
def test_it_reads_what_the_length_says_and_no_more_than_can_be_accepted(
    length: str, count: int
) -> None:
    body = b" " * (MAX_BODY_BYTES + 5)
    environ = {"CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(body)}
    assert len(inngest.wsgi.read_body(environ)) == count
