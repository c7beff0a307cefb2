"""Malformed frames of every kind: none makes the machine raise, hang or lose a call."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from inngest.connect._internal.conftest import Driver
from inngest.connect._internal.effects import Close, Send, Start
from inngest.connect._internal.frames import Frame, Malformed, decode, encode
from inngest.connect._internal.state import ConnectionState
from inngest.connect._internal.timing import parse_interval
from inngest.connect._internal.wire import connect_pb2 as wire

KINDS = st.integers(0, 20) | st.integers(-(2**31), 2**31 - 1)


def ready() -> Driver:
    driver = Driver()
    driver.do(driver.machine.start)
    driver.connect()
    driver.call(1, "r1")
    driver.take(Send)
    return driver


def assert_survives(driver: Driver) -> None:
    """Assert that the worker reconnects and replies to its call, whatever it received."""
    driver.do(driver.machine.closed, 1, 1006, "")
    for _ in range(20):
        if driver.take(Start):
            break
        driver.wait(30)
    assert list(driver.machine._links) == []
    link = driver.connect("g2", "c2")
    assert driver.is_in(ConnectionState.ACTIVE)
    driver.take(Send)
    driver.reply("r1")
    sent = driver.kinds(link)
    assert wire.WORKER_REPLY in sent


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=50))
@example(data=b"")
@example(data=b"\xff\xff\xff\xff")
@example(data="text")
@example(data=b"\x08\x03\x12\x05hello")
def test_bytes_of_any_kind(data: bytes | str) -> None:
    driver = ready()
    driver.do(driver.machine.received, 1, data)
    if isinstance(decode(data), Malformed):
        (close,) = driver.take(Close)
        assert close.code == 1007
    assert_survives(driver)


@settings(max_examples=300, deadline=None)
@given(kind=KINDS, payload=st.binary(max_size=100))
def test_messages_of_any_kind_with_any_payload(kind: int, payload: bytes) -> None:
    driver = ready()
    message = wire.ConnectMessage(payload=payload)
    message.kind = kind  # type: ignore[assignment]
    driver.do(driver.machine.received, 1, message.SerializeToString())
    assert_survives(driver)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_good_frame_with_flipped_bits(data: st.DataObject) -> None:
    terms = wire.GatewayConnectionReadyData(heartbeat_interval="10s")
    good = bytearray(encode(wire.GATEWAY_CONNECTION_READY, terms))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    driver = Driver()
    driver.do(driver.machine.start)
    driver.take(Start)
    driver.do(driver.machine.started, _answer())
    driver.do(driver.machine.opened, 1)
    driver.receive(1, wire.GATEWAY_HELLO)
    driver.do(driver.machine.received, 1, bytes(good))
    driver.wait(60)
    assert driver.stopped is None or driver.stopped.error is not None


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200))
def test_decoding_never_raises(data: bytes) -> None:
    assert isinstance(decode(data), Frame | Malformed)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=20))
@example(text="1e400s")
@example(text="²s")
def test_intervals_of_any_kind(text: str) -> None:
    assert 0 <= parse_interval(text, 7.0) <= 24 * 3600


def test_an_interval_is_read_or_the_default_is_taken() -> None:
    read = {"10s": 10, "1m30s": 90, "500ms": 0.5, "0s": 0, "": 7, "s": 7, "10": 7, "1h": 3600}
    assert {text: parse_interval(text, 7) for text in read} == read


def _answer() -> bytes:
    return wire.StartResponse(
        connection_id="c", gateway_endpoint="ws://g", gateway_group="g"
    ).SerializeToString()
