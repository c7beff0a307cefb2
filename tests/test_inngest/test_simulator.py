"""`inngest.experimental.digital_ocean_simulator`: a web function behind a Flask app."""

from __future__ import annotations

import json
import sys

import flask
import pytest

import inngest
import inngest.digital_ocean
from inngest.dev import DevServer
from inngest.digital_ocean import simulator
from inngest.experimental.digital_ocean_simulator import FULL_PATH, DigitalOceanSimulator
from inngest.testing.bench import call_body

client = inngest.Inngest(app_id="app", is_production=False)


@client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
def fn(ctx: inngest.ContextSync) -> str:
    return "done"


def test_a_function_is_called_through_flask() -> None:
    app = DigitalOceanSimulator(inngest.digital_ocean.serve(client, [fn])).app
    assert isinstance(app, flask.Flask)
    asking = app.test_client()
    answer = asking.post(f"{FULL_PATH}?fnId=app-fn&stepId=step", data=call_body())
    assert (answer.status_code, answer.json) == (200, "done")
    assert json.loads(asking.get(FULL_PATH).text)["function_count"] == 1
    assert asking.delete(FULL_PATH).status_code == 405
    assert asking.get("/elsewhere").status_code == 404


def test_the_event_is_that_of_the_platform() -> None:
    def main(event: dict[str, object], context: object) -> dict[str, object]:
        return {"body": json.dumps(event["http"]), "headers": {"X-Own": "1"}, "statusCode": 201}

    asking = DigitalOceanSimulator(main).app.test_client()
    answer = asking.put(f"{FULL_PATH}/below?a=1&a=2", data="text", headers={"X-Sent": "yes"})
    assert (answer.status_code, answer.headers["X-Own"]) == (201, "1")
    http = json.loads(answer.text)
    assert (http["method"], http["path"]) == ("PUT", "/below")
    assert (http["queryString"], http["body"]) == ("a=1&a=2", "text")
    assert http["headers"]["x-sent"] == "yes"


def test_a_status_that_has_no_name_is_passed_on() -> None:
    result = {"body": "slow down", "statusCode": 460}
    asking = DigitalOceanSimulator(lambda event, context: result).app.test_client()
    answer = asking.get(FULL_PATH)
    assert (answer.status_code, answer.text) == (460, "slow down")


def test_a_result_may_say_no_more_than_its_body() -> None:
    asking = DigitalOceanSimulator(lambda event, context: {"body": "x"}).app.test_client()
    answer = asking.get(FULL_PATH)
    assert (answer.status_code, answer.text) == (200, "x")


def test_the_app_registers_where_it_is_reached() -> None:
    with DevServer(port=0) as server:
        own = inngest.Inngest(app_id="app", is_production=False, api_base_url=server.origin)
        app = DigitalOceanSimulator(inngest.digital_ocean.serve(own, [fn])).app
        assert app.test_client().put(FULL_PATH).status_code == 200
        registered = server.functions(f"http://localhost{FULL_PATH}")
        assert [function.id for function in registered] == ["app-fn"]
        own.close()


def test_the_path_is_that_of_the_simulator_without_flask() -> None:
    assert FULL_PATH == simulator.FULL_PATH


@pytest.mark.parametrize("missing", ["flask", "inngest.digital_ocean.simulator"])
def test_what_is_not_installed_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ModuleNotFoundError, match="pip install inngest-digitalocean flask"):
        DigitalOceanSimulator(lambda event, context: {})
