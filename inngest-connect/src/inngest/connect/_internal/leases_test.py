from __future__ import annotations

from inngest.connect._internal.leases import Leases


def test_leases_are_due_once_per_interval() -> None:
    leases = Leases()
    leases.add("a", "l1", 30)
    assert leases.due(29, 30) == []
    assert leases.due(31, 30) == [("a", "l1")]
    assert leases.next_due == 61
    leases.renew("a", "l2")
    leases.renew("unknown", "l2")
    leases.expedite(40)
    assert leases.due(40, 30) == [("a", "l2")]
    assert leases.drop("a") and not leases.drop("a")
    assert len(leases) == 0
    assert leases.due(1000, 30) == []


def test_nothing_is_due_without_leases() -> None:
    leases = Leases()
    leases.add("a", "l1", 30)
    leases.drop("a")
    assert leases.next_due is None
