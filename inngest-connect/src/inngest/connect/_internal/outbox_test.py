from __future__ import annotations

from inngest.connect._internal.outbox import Outbox


def test_an_outbox_over_its_limit_evicts_the_oldest_reply() -> None:
    outbox = Outbox(max_bytes=25)
    assert outbox.add("a", b"x" * 10, 0) == []
    assert outbox.add("b", b"x" * 10, 0) == []
    assert outbox.add("c", b"x" * 10, 0) == ["a"]
    assert [entry.request_id for entry in outbox.due(0)] == ["b", "c"]


def test_a_single_reply_is_never_evicted() -> None:
    outbox = Outbox(max_bytes=5)
    assert outbox.add("a", b"x" * 10, 0) == []
    assert "a" in outbox


def test_a_second_reply_to_a_call_replaces_the_first() -> None:
    outbox = Outbox(max_bytes=25)
    for _ in range(10):
        assert outbox.add("a", b"x" * 10, 0) == []
    assert len(outbox) == 1


def test_unacknowledged_replies_on_a_lost_connection_are_due() -> None:
    outbox = Outbox()
    for name, link in (("a", 1), ("b", 2)):
        outbox.add(name, b"", 0)
        entry = outbox.get(name)
        assert entry is not None
        outbox.sent(entry, link, 100)
    assert outbox.due(50) == []
    assert outbox.next_due == 100
    outbox.connection_lost(1, 50)
    assert [entry.request_id for entry in outbox.due(50)] == ["a"]
    assert outbox.awaits_ack_on(2) and not outbox.awaits_ack_on(3)


def test_a_reply_is_not_due_during_its_flush() -> None:
    outbox = Outbox()
    outbox.add("a", b"", 0)
    (entry,) = outbox.due(0)
    assert outbox.due(1000) == []
    assert outbox.next_due is None
    outbox.flush_failed(entry, 5)
    assert outbox.next_due == 5


def test_a_duplicate_acknowledgement_changes_nothing() -> None:
    outbox = Outbox()
    outbox.add("a", b"", 0)
    outbox.remove("a")
    outbox.remove("a")
    assert "a" not in outbox and outbox.next_due is None
