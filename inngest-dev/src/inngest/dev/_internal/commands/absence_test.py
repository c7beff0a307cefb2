from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import make_server

import httpx
import pytest

from inngest.dev import DevServer
from inngest.dev._internal.commands import absence as absence_module
from inngest.dev._internal.commands.absence import Absence
from inngest.dev._internal.conftest import config

LIMIT = 60.0


class App:
    """Answers a call when it is told to."""

    def __init__(self) -> None:
        self.is_called, self.may_answer = threading.Event(), threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.is_called.set()
        assert self.may_answer.wait(LIMIT)
        start_response("200 OK", [("x-inngest-sdk", "test")])
        return [b'"done"']


@contextmanager
def served(app: App) -> Iterator[str]:
    with make_server("127.0.0.1", 0, app) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(LIMIT)


def test_calls_that_are_under_way_end_before_an_app_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = App()
    server = DevServer(port=0)
    is_calling = server.is_calling

    def answered_by_then(url: str) -> bool:
        found = is_calling(url)
        app.may_answer.set()
        return found

    monkeypatch.setattr(server, "is_calling", answered_by_then)
    monkeypatch.setattr(absence_module, "CALLS_SECONDS", LIMIT)
    absence = Absence(server, [], is_hosting=False)
    with served(app) as origin, server:
        functions = [config("shop-fn", "go", url=f"{origin}/api/inngest")]
        app_of_it = {"appName": "shop", "url": origin, "functions": functions}
        assert (
            httpx.post(f"{server.origin}/fn/register", json=app_of_it, timeout=LIMIT).status_code
            == 200
        )
        (sent,) = httpx.post(f"{server.origin}/e/x", json={"name": "go"}, timeout=LIMIT).json()[
            "ids"
        ]
        assert app.is_called.wait(LIMIT)
        try:
            absence.begins(origin)
            assert not is_calling(origin)
        finally:
            app.may_answer.set()
        assert server.wait_for_run(sent)["output"] == "done"
