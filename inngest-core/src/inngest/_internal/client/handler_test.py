from __future__ import annotations

import pytest

from inngest._internal.client.client import Inngest
from inngest._internal.client.handler import Handler
from inngest._internal.errors import URLInvalidError
from inngest._internal.function.config import TriggerEvent
from inngest._internal.http.options import ServeOptions


def serve(options: ServeOptions) -> Handler:
    client = Inngest(app_id="app", is_production=False)

    @client.create_function(fn_id="fn", trigger=TriggerEvent(event="a/b"))
    async def fn(ctx: object) -> None: ...

    return Handler(client, [fn], options)


@pytest.mark.parametrize(
    "origin", ["ftp://app.test", "http://", "https://app test", "http://h/?q=1"]
)
def test_an_origin_that_no_server_can_call_is_refused_when_the_app_is_served(origin: str) -> None:
    for options in (
        ServeOptions(framework="test", serve_origin=origin, environ={}),
        ServeOptions(framework="test", environ={"INNGEST_SERVE_ORIGIN": origin}),
    ):
        with pytest.raises(URLInvalidError, match=r"^serve_origin") as caught:
            serve(options)
        assert origin not in caught.value.message


@pytest.mark.parametrize("origin", [None, "https://app.test", "app.test", "http://localhost:8000/"])
def test_other_origins_are_served(origin: str | None) -> None:
    serve(ServeOptions(framework="test", serve_origin=origin, environ={}))
