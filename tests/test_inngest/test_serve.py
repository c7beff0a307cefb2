"""`inngest.serve` finds the transport by the app, whatever its framework."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import django.http
import django.urls
import fastapi
import flask
import pytest
import tornado.web

import inngest
from inngest.errors import TransportNotFoundError


def view(request: object) -> django.http.HttpResponse:
    return django.http.HttpResponse()


@pytest.fixture
def client() -> inngest.Inngest:
    return inngest.Inngest(app_id="shop", is_production=False)


@pytest.fixture
def functions(client: inngest.Inngest) -> list[inngest.Function[Any]]:
    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
    def fn(ctx: inngest.ContextSync[Any]) -> int:
        return 1

    return [fn]


def routes(app: Any) -> list[str]:
    match app:
        case flask.Flask():
            return [rule.rule for rule in app.url_map.iter_rules()]
        case fastapi.FastAPI() | fastapi.APIRouter():
            return [getattr(route, "path", "") for route in app.routes]
        case tornado.web.Application():
            return [
                rule.matcher._path
                for group in app.default_router.rules
                for rule in getattr(group.target, "rules", [])
            ]
        case _:
            return [f"/{pattern.pattern}" for pattern in app]


@pytest.mark.parametrize(
    "app",
    [
        flask.Flask("shop"),
        fastapi.FastAPI(),
        fastapi.APIRouter(),
        tornado.web.Application(),
        [django.urls.path("home", view)],
    ],
    ids=lambda app: type(app).__name__,
)
def test_the_app_decides(
    app: object, client: inngest.Inngest, functions: list[inngest.Function[Any]]
) -> None:
    inngest.serve(app, client, functions, serve_path="/hook")
    assert [path for path in routes(app) if path and "/hook" in path]


def test_what_is_not_an_app_is_an_error_that_says_what_to_do(
    client: inngest.Inngest, functions: list[inngest.Function[Any]]
) -> None:
    with pytest.raises(TransportNotFoundError, match="inngest-flask"):
        inngest.serve(object(), client, functions)


PROGRAM = """
import sys, flask, inngest
client = inngest.Inngest(app_id="shop", is_production=False)
@client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
def fn(ctx): return 1
inngest.serve(flask.Flask("shop"), client, [fn])
print(sorted({"django", "fastapi", "tornado", "starlette", "uvicorn"} & set(sys.modules)))
"""


def test_no_framework_is_imported_but_the_apps() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
