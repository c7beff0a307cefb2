from __future__ import annotations

import pytest

from inngest.connect._internal.conftest import Driver, excluded, payload_of, start_answer
from inngest.connect._internal.effects import Close, Start
from inngest.connect._internal.errors import ConnectRefusedError
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.wire import connect_pb2 as wire


def test_a_worker_connects_and_sends_a_heartbeat_at_once(driver: Driver) -> None:
    driver.take(Start)
    assert driver.connect() == 1
    hello, beat = driver.frames()
    assert hello.kind == wire.WORKER_CONNECT and beat.kind == wire.WORKER_HEARTBEAT
    said = payload_of(hello)
    assert (said.connection_id, said.instance_id) == ("c1", "i")
    assert said.auth_data.session_token == "token"
    assert not said.worker_manual_readiness_ack
    assert [app.app_name for app in said.apps] == ["app"]
    assert driver.is_in(ConnectionState.ACTIVE)


def test_a_handshake_that_times_out_is_retried_with_another_gateway(driver: Driver) -> None:
    driver.take(Start)
    driver.do(driver.machine.started, start_answer("g1"))
    driver.wait(11)
    assert [close.link for close in driver.take(Close)] == [1]
    (again,) = driver.take(Start)
    assert excluded(again) == ["g1"]
    assert driver.is_in(ConnectionState.CONNECTING)
    assert driver.machine.reconnects == 0


def test_other_messages_during_a_handshake_are_ignored(driver: Driver) -> None:
    driver.do(driver.machine.started, start_answer())
    driver.do(driver.machine.opened, 1)
    for kind in (wire.GATEWAY_HEARTBEAT, wire.WORKER_PAUSE, 99):
        driver.receive(1, kind)
    assert driver.take(Close) == []


@pytest.mark.parametrize(
    "reason",
    ["connect_worker_hello_invalid_payload", "connect_too_many_apps_per_connection"],
)
def test_a_wrong_configuration_is_fatal(driver: Driver, reason: str) -> None:
    driver.do(driver.machine.started, start_answer())
    driver.do(driver.machine.closed, 1, 1008, reason)
    assert driver.stopped is not None and isinstance(driver.stopped.error, ConnectRefusedError)
    assert reason in str(driver.stopped.error)


def test_a_sync_failure_on_the_first_connection_is_fatal(driver: Driver) -> None:
    driver.do(driver.machine.started, start_answer())
    driver.do(driver.machine.opened, 1)
    driver.receive(1, wire.GATEWAY_HELLO)
    driver.receive(1, wire.SYNC_FAILED, wire.SystemError(code="c", message="bad cron"))
    assert driver.stopped is not None and "bad cron" in str(driver.stopped.error)


def test_a_sync_failure_on_a_later_connection_is_retried(active: Driver) -> None:
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(1)
    active.do(active.machine.started, start_answer("g2"))
    active.do(active.machine.opened, 2)
    active.receive(2, wire.GATEWAY_HELLO)
    active.receive(2, wire.SYNC_FAILED, wire.SystemError(code="c", message="no database"))
    assert active.stopped is None
    active.take(Start)
    active.wait(10)
    assert len(active.take(Start)) == 1


def test_a_sync_failure_after_the_handshake_closes_the_connection(active: Driver) -> None:
    active.receive(1, wire.SYNC_FAILED, wire.SystemError(code="c", message="no database"))
    assert [close.link for close in active.take(Close)] == [1]
    (told,) = [entry for entry in active.logged if entry.event == "disconnected"]
    assert told.fields["reason"] == "sync failed: no database"
    assert active.is_in(ConnectionState.RECONNECTING)
