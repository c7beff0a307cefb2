from __future__ import annotations

import itertools

import pytest

from inngest.connect._internal.conftest import Driver, excluded
from inngest.connect._internal.connector import Connector
from inngest.connect._internal.effects import Open, Start
from inngest.connect._internal.errors import ConnectAuthenticationError
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.wire import connect_pb2 as wire


def test_one_connection_attempt_at_a_time() -> None:
    connector = Connector((), (1, 2), lambda: 0.5)
    assert not connector.begin(0)
    connector.request(0)
    assert connector.begin(0) and not connector.begin(0)
    connector.request(0)
    assert connector.due is None
    assert connector.failed(0) == 1
    connector.request(0)
    assert connector.due == 1


def test_no_gateway_is_excluded_once_connected() -> None:
    connector = Connector((), (1,), lambda: 0.5)
    for group in ("a", "b", "a", ""):
        connector.exclude(group)
    assert connector.excluded == ["a", "b"]
    connector.connected()
    assert connector.excluded == []


def test_attempts_are_repeated_with_backoff_through_a_long_outage(driver: Driver) -> None:
    moments: list[float] = []
    for _ in range(60):
        assert len(driver.take(Start)) == 1
        moments.append(driver.now)
        driver.do(driver.machine.start_failed, "status 500")
        due = driver.machine.next_due
        assert due is not None
        driver.wait(due - driver.now)
    gaps = [round(b - a) for a, b in itertools.pairwise(moments)]
    assert gaps[:9] == [1, 2, 5, 10, 20, 30, 60, 120, 300]
    assert set(gaps[9:]) == {300}
    assert moments[-1] - moments[0] > 4 * 3600
    assert driver.stopped is None
    driver.connect()
    assert driver.is_in(ConnectionState.ACTIVE)


def test_delays_have_jitter(driver: Driver) -> None:
    found = set()
    for random in (0.0, 0.5, 0.999):
        made = Driver(random=lambda random=random: random)
        made.do(made.machine.start)
        made.do(made.machine.start_failed, "no")
        assert made.machine.next_due is not None
        found.add(round(made.machine.next_due - made.now, 1))
    assert found == {0.5, 1.0, 1.5}


def test_retry_after_extends_the_delay(driver: Driver) -> None:
    driver.do(driver.machine.start_failed, "status 429", 77.0)
    assert driver.machine.next_due == driver.now + 77 + 1


def test_retry_after_has_jitter() -> None:
    found = set[float]()
    for number in (0.0, 0.5, 1.0):
        made = Driver(random=lambda number=number: number)
        made.do(made.machine.start)
        made.do(made.machine.start_failed, "status 429", 77.0)
        assert made.machine.next_due is not None
        found.add(round(made.machine.next_due - made.now, 1))
    assert found == {77.5, 78.0, 78.5}


def test_a_rejected_key_is_replaced_by_the_other_one() -> None:
    driver = Driver(authorizations=("Bearer a", "Bearer b"))
    driver.do(driver.machine.start)
    assert [one.authorization for one in driver.take(Start)] == ["Bearer a"]
    driver.do(driver.machine.refused, 401)
    assert [one.authorization for one in driver.take(Start)] == ["Bearer b"]
    driver.connect()
    driver.do(driver.machine.closed, 1, 1006, "")
    driver.wait(1)
    assert [one.authorization for one in driver.take(Start)] == ["Bearer b"]


def test_keys_that_were_never_accepted_end_the_worker() -> None:
    driver = Driver(authorizations=("Bearer a", "Bearer b"))
    driver.do(driver.machine.start)
    tried = 0
    while driver.stopped is None and tried < 20:
        tried += len(driver.take(Start))
        driver.do(driver.machine.refused, 401)
        driver.wait(5)
    assert tried == 6
    assert driver.stopped is not None
    assert isinstance(driver.stopped.error, ConnectAuthenticationError)


@pytest.mark.parametrize(
    ("authorizations", "told"),
    [((), "none is sent in dev mode: leave INNGEST_DEV unset"), (("Bearer a",), "check INNGEST_")],
)
def test_the_error_for_a_missing_key_differs_from_that_for_a_wrong_one(
    authorizations: tuple[str, ...], told: str
) -> None:
    driver = Driver(authorizations=authorizations)
    driver.do(driver.machine.start)
    for _ in range(3):
        driver.do(driver.machine.refused, 401)
        driver.wait(5)
    assert driver.stopped is not None and told in str(driver.stopped.error)


def test_keys_that_were_accepted_once_are_retried_without_limit(active: Driver) -> None:
    active.do(active.machine.closed, 1, 1006, "")
    for _ in range(50):
        active.wait(600)
        assert len(active.take(Start)) == 1
        active.do(active.machine.refused, 401)
    assert active.stopped is None


def test_a_response_without_a_gateway_is_retried(driver: Driver) -> None:
    for body in (b"", b"\xff\xff", b"<html>"):
        driver.take(Start)
        driver.do(driver.machine.started, body)
        assert driver.take(Open) == []
        driver.wait(10)
        assert len(driver.take(Start)) == 1


def test_no_gateway_is_excluded_if_there_is_no_other(active: Driver) -> None:
    active.receive(1, wire.GATEWAY_CLOSING)
    active.take(Start)
    active.do(active.machine.started, wire.StartResponse().SerializeToString())
    active.wait(2)
    (start,) = active.take(Start)
    assert excluded(start) == []


def test_gateways_that_always_drain_are_retried_with_backoff(active: Driver) -> None:
    starts = []
    for link in range(1, 30):
        active.receive(link, wire.GATEWAY_CLOSING)
        for _ in range(1000):
            if active.take(Start):
                break
            active.wait(1)
        starts.append(active.now)
        assert active.connect(f"g{link + 1}", f"c{link + 1}") == link + 1
    pauses = [after - before for before, after in itertools.pairwise(starts)]
    assert (starts[0], pauses[:4], pauses[-1]) == (100.0, [2, 5, 10, 20], 300)
    active.live(25, 30)
    active.receive(30, wire.GATEWAY_CLOSING)
    assert len(active.take(Start)) == 1


def test_unstable_gateways_are_retried_with_backoff(active: Driver) -> None:
    starts = []
    for link in range(1, 6):
        active.do(active.machine.closed, link, 1011, "")
        for _ in range(1000):
            if active.take(Start):
                break
            active.wait(1)
        starts.append(active.now)
        active.connect(f"g{link + 1}", f"c{link + 1}")
        active.live(5, link + 1)
    pauses = [after - before for before, after in itertools.pairwise(starts)]
    assert pauses == [7, 10, 15, 25]
    active.live(25, 6)
    active.do(active.machine.closed, 6, 1011, "")
    active.wait(1)
    assert len(active.take(Start)) == 1
