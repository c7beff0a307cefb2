from __future__ import annotations

import io
import json
from typing import Any

import pytest

import flask
import inngest
import inngest.flask
from inngest.testing.bench import call_body

client = inngest.Inngest(app_id="my.app", is_production=False)


@client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
def fn(ctx: inngest.ContextSync) -> Any:
    return [flask.current_app.name, flask.request.path]


def call(app: flask.Flask, path: str) -> Any:
    answer = app.test_client().post(f"{path}?fnId=my.app-fn&stepId=step", data=call_body())
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_blueprint_is_mounted_under_its_prefix() -> None:
    app = flask.Flask("app")
    blueprint = flask.Blueprint("internal", "internal", url_prefix="/internal")
    inngest.flask.serve(blueprint, client, [fn])
    app.register_blueprint(blueprint)
    assert call(app, "/internal/api/inngest") == ["app", "/internal/api/inngest"]


def test_an_extension_serves_every_app_of_a_factory() -> None:
    extension = inngest.flask.InngestExtension(client, [fn], serve_path="/fns")
    for name in ("one", "two"):
        app = flask.Flask(name)
        extension.init_app(app)
        assert call(app, "/fns") == [name, "/fns"]


def test_one_app_may_have_two_endpoints() -> None:
    app = flask.Flask("app")
    for path in ("/a", "/b"):
        inngest.flask.serve(app, client, [fn], serve_path=path)
    assert [call(app, path)[1] for path in ("/a", "/b")] == ["/a", "/b"]


def test_the_endpoint_of_an_app_has_the_name_that_existing_apps_know() -> None:
    app = flask.Flask("app")
    inngest.flask.serve(app, client, [fn])
    inngest.flask.serve(app, client, [fn], serve_path="/b")
    with app.test_request_context():
        assert flask.url_for("inngest_api") == "/api/inngest"
    assert len(app.view_functions) == len({"static", "inngest_api", "the other"})


def test_a_streamed_function_has_an_application_context_that_is_torn_down() -> None:
    app = flask.Flask("app")
    torn: list[str] = []
    app.teardown_appcontext(lambda error: torn.append("torn"))
    inngest.flask.serve(app, client, [fn], streaming=inngest.Streaming.FORCE)
    answer = app.test_client().post("/api/inngest?fnId=my.app-fn", data=call_body())
    assert (answer.status_code, answer.get_json()["status"]) == (201, 200)
    assert answer.get_json()["body"] == '["app","/api/inngest"]'
    assert torn == ["torn", "torn"]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_larger_than_the_app_s_own_views_take_comes_in(is_chunked: bool) -> None:
    app = flask.Flask("app")
    app.config["MAX_CONTENT_LENGTH"] = 1000
    inngest.flask.serve(app, client, [fn])
    body = io.BytesIO(call_body(data={"text": "x" * 5000}))
    length = {} if is_chunked else {"CONTENT_LENGTH": str(len(body.getvalue()))}
    answer = app.test_client().post(
        "/api/inngest?fnId=my.app-fn",
        input_stream=body,
        environ_overrides={"wsgi.input_terminated": is_chunked, **length},
    )
    assert (answer.status_code, answer.json) == (200, ["app", "/api/inngest"])


@pytest.mark.parametrize("read", [flask.Request.get_data, flask.Request.get_json])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hook_that_reads_the_body_takes_nothing_away(when: str, read: Any) -> None:
    app = flask.Flask("app")
    seen: list[Any] = []

    def hook(response: Any = None) -> Any:
        seen.append(read(flask.request))
        return response

    getattr(app, f"{when}_request")(hook)
    inngest.flask.serve(app, client, [fn])
    answer = app.test_client().post(
        "/api/inngest?fnId=my.app-fn", data=call_body(), content_type="application/json"
    )
    assert (answer.status_code, answer.json) == (200, ["app", "/api/inngest"])
    assert seen in ([call_body()], [json.loads(call_body())])


def test_head_and_options_are_as_flask_has_them() -> None:
    app = flask.Flask("app")
    inngest.flask.serve(app, client, [fn])
    head = app.test_client().head("/api/inngest")
    assert (head.status_code, head.data) == (200, b"")
    assert app.test_client().options("/api/inngest").status_code == 200
    assert app.test_client().delete("/api/inngest").status_code == 405
