from __future__ import annotations

import pytest

from inngest.connect._internal.conftest import Paper, excluded, payload_of, start_answer
from inngest.connect._internal.effects import Close, Start
from inngest.connect._internal.errors import ConnectRefusedError
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.wire import connect_pb2 as wire


def test_a_worker_introduces_itself_and_beats_at_once(paper: Paper) -> None:
    paper.take(Start)
    assert paper.connect() == 1
    hello, beat = paper.frames()
    assert hello.kind == wire.WORKER_CONNECT and beat.kind == wire.WORKER_HEARTBEAT
    said = payload_of(hello)
    assert (said.connection_id, said.instance_id) == ("c1", "i")
    assert said.auth_data.session_token == "token"
    assert not said.worker_manual_readiness_ack
    assert [app.app_name for app in said.apps] == ["app"]
    assert paper.is_in(ConnectionState.ACTIVE)


def test_a_handshake_that_takes_too_long_is_tried_elsewhere(paper: Paper) -> None:
    paper.take(Start)
    paper.do(paper.machine.started, start_answer("g1"))
    paper.wait(11)
    assert [close.link for close in paper.take(Close)] == [1]
    (again,) = paper.take(Start)
    assert excluded(again) == ["g1"]
    assert paper.is_in(ConnectionState.CONNECTING)
    assert paper.machine.reconnects == 0


def test_what_does_not_belong_to_a_handshake_is_ignored(paper: Paper) -> None:
    paper.do(paper.machine.started, start_answer())
    paper.do(paper.machine.opened, 1)
    for kind in (wire.GATEWAY_HEARTBEAT, wire.WORKER_PAUSE, 99):
        paper.hear(1, kind)
    assert paper.take(Close) == []


@pytest.mark.parametrize(
    "reason",
    ["connect_worker_hello_invalid_payload", "connect_too_many_apps_per_connection"],
)
def test_a_wrong_configuration_is_fatal(paper: Paper, reason: str) -> None:
    paper.do(paper.machine.started, start_answer())
    paper.do(paper.machine.closed, 1, 1008, reason)
    assert paper.stopped is not None and isinstance(paper.stopped.error, ConnectRefusedError)
    assert reason in str(paper.stopped.error)


def test_functions_that_are_refused_are_fatal_at_first(paper: Paper) -> None:
    paper.do(paper.machine.started, start_answer())
    paper.do(paper.machine.opened, 1)
    paper.hear(1, wire.GATEWAY_HELLO)
    paper.hear(1, wire.SYNC_FAILED, wire.SystemError(code="c", message="bad cron"))
    assert paper.stopped is not None and "bad cron" in str(paper.stopped.error)


def test_functions_that_were_accepted_before_are_offered_again(active: Paper) -> None:
    active.do(active.machine.closed, 1, 1006, "")
    active.wait(1)
    active.do(active.machine.started, start_answer("g2"))
    active.do(active.machine.opened, 2)
    active.hear(2, wire.GATEWAY_HELLO)
    active.hear(2, wire.SYNC_FAILED, wire.SystemError(code="c", message="no database"))
    assert active.stopped is None
    active.take(Start)
    active.wait(10)
    assert len(active.take(Start)) == 1


def test_functions_that_are_refused_afterwards_end_the_connection(active: Paper) -> None:
    active.hear(1, wire.SYNC_FAILED, wire.SystemError(code="c", message="no database"))
    assert [close.link for close in active.take(Close)] == [1]
    (told,) = [entry for entry in active.logged if entry.event == "disconnected"]
    assert told.fields["reason"] == "sync failed: no database"
    assert active.is_in(ConnectionState.RECONNECTING)
