from __future__ import annotations

import flask
from inngest.flask._convert import from_flask, to_flask
from inngest.transport import MAX_BODY_BYTES, CommResponse

APP = flask.Flask(__name__)


def test_a_request_is_read_as_it_was_sent() -> None:
    with APP.test_request_context(
        "/api/inngest?fnId=a-b&stepId=step",
        method="POST",
        base_url="https://shop.example",
        headers={"X-Inngest-Signature": "t=1&s=ab"},
        data=b"{}",
    ):
        request = from_flask(flask.request)
    assert request.method == "POST"
    assert request.url == "https://shop.example/api/inngest"
    assert request.query == {"fnId": "a-b", "stepId": "step"}
    assert request.headers["x-inngest-signature"] == "t=1&s=ab"
    assert request.body == b"{}"


def test_no_more_of_a_body_is_read_than_could_be_accepted() -> None:
    with APP.test_request_context(method="POST", data=b"x" * (MAX_BODY_BYTES + 1000)):
        assert len(from_flask(flask.request).body) == MAX_BODY_BYTES + 1


def test_a_response_has_one_header_of_each_name() -> None:
    response = to_flask(
        CommResponse(status=206, body=b"[]", headers={"content-type": "application/json"})
    )
    assert (response.status_code, response.data) == (206, b"[]")
    assert response.headers.getlist("content-type") == ["application/json"]
