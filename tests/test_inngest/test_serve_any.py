"""``inngest.serve`` finds the transport of whatever app it is given, without importing others."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import fastapi
import flask
import pytest
import tornado.web
from django.http import HttpResponse
from django.urls import path

import inngest

from .transports import set_up_django


def served() -> tuple[inngest.Inngest, list[inngest.Function[Any]]]:
    client = inngest.Inngest(app_id="any", is_production=False)

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
    def fn(ctx: inngest.ContextSync) -> None:
        return None

    return client, [fn]


@pytest.mark.parametrize(
    "make", [flask.Flask, fastapi.FastAPI, fastapi.APIRouter, tornado.web.Application]
)
def test_an_app_is_known_by_its_class(make: Any) -> None:
    app = make("any") if make is flask.Flask else make()
    inngest.serve(app, *served(), serve_path="/fns")


@pytest.mark.parametrize("make", [flask.Flask, fastapi.FastAPI, tornado.web.Application])
def test_a_second_client_at_the_same_path_is_not_lost_in_silence(
    make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = make("any") if make is flask.Flask else make()
    inngest.serve(app, *served())
    client, functions = served()
    client.app_id = "other"
    inngest.serve(app, client, functions, serve_path="/other")
    assert caplog.messages == []
    inngest.serve(app, client, functions)
    (line,) = caplog.messages
    assert line.startswith("the functions of 'other' cannot be reached: /api/inngest serves")


def test_a_blueprint_is_served() -> None:
    inngest.serve(flask.Blueprint("any", "any"), *served())


def test_url_patterns_get_one_more() -> None:
    set_up_django()
    urlpatterns: list[Any] = [path("x", lambda request: HttpResponse())]
    inngest.serve(urlpatterns, *served())
    assert [str(one.pattern) for one in urlpatterns] == ["x", "api/inngest"]
    urlpatterns = []
    inngest.serve(urlpatterns, *served())
    assert [str(one.pattern) for one in urlpatterns] == ["api/inngest"]


@pytest.mark.parametrize("module", ["digital_ocean", "django", "fast_api", "flask", "tornado"])
def test_an_adapter_is_imported_without_its_framework(module: str) -> None:
    program = f"""
import sys
import inngest.{module}, inngest.{module}._plugin
frameworks = {{"django", "fastapi", "flask", "starlette", "tornado", "werkzeug"}}
print(sorted(frameworks & set(sys.modules)))
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
