"""Where a WSGI app answers."""

from __future__ import annotations

from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

import inngest
import inngest.wsgi


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
