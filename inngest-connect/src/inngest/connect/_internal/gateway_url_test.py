from __future__ import annotations

from typing import Any

import pytest

from inngest.connect._internal.conftest import Driver, start_answer
from inngest.connect._internal.effects import Open, Start
from inngest.connect._internal.wire import connect_pb2 as wire


def test_a_rewrite_that_raises_is_fatal() -> None:
    def rewrite(url: str) -> str:
        raise KeyError(url)

    driver = Driver(rewrite=rewrite)
    driver.do(driver.machine.start)
    driver.do(driver.machine.started, start_answer())
    assert driver.stopped is not None and "rewrite_gateway_endpoint" in str(driver.stopped.error)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        5,
        "http://proxy",
        "proxy:8289",
        "ws://",
        "wss://[::1",
        "ws://proxy:no",
        "ws://\x00",
        "ws://a b/",
    ],
)
def test_a_rewrite_to_an_invalid_url_is_fatal(url: Any) -> None:
    driver = Driver(rewrite=lambda _: url)
    driver.do(driver.machine.start)
    driver.do(driver.machine.started, start_answer())
    assert driver.stopped is not None and driver.take(Open) == []
    assert f"rewrite_gateway_endpoint returned {url!r}" in str(driver.stopped.error)


def test_an_invalid_url_from_the_api_is_retried(driver: Driver) -> None:
    driver.take(Start)
    named = wire.StartResponse(connection_id="c1", gateway_endpoint="gateway:8289")
    driver.do(driver.machine.started, named.SerializeToString())
    assert driver.stopped is None and driver.take(Open) == []
    driver.wait(60)
    assert len(driver.take(Start)) == 1


def test_a_url_is_rewritten() -> None:
    driver = Driver(rewrite=lambda url: url.replace("g1", "proxy"))
    driver.do(driver.machine.start)
    driver.do(driver.machine.started, start_answer())
    assert [one.url for one in driver.take(Open)] == ["ws://proxy"]


@pytest.mark.parametrize(
    ("is_api_encrypted", "endpoint", "is_told"),
    [
        (True, "ws://gw.test:8289/x?token=SECRET", True),
        (True, "wss://gw.test/x", False),
        (True, "ws://127.0.0.1:8289", False),
        (False, "ws://gw.test:8289", False),
    ],
)
def test_a_gateway_without_tls_is_logged_if_the_api_has_it(
    is_api_encrypted: bool, endpoint: str, is_told: bool
) -> None:
    driver = Driver(is_api_encrypted=is_api_encrypted)
    driver.do(driver.machine.start)
    named = wire.StartResponse(connection_id="c1", gateway_endpoint=endpoint)
    driver.do(driver.machine.started, named.SerializeToString())
    told = [entry for entry in driver.logged if entry.event == "gateway_without_tls"]
    assert [entry.fields["gateway"] for entry in told] == ["gw.test:8289"] * is_told
    assert "SECRET" not in str(driver.logged)
