"""Which calls may be made now, and who may try next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from inngest.dev._internal.flow_control.admission import Admission, Admitted, Blocked
from inngest.dev._internal.flow_control.keys import keys_of
from inngest.dev._internal.flow_control.lanes import QUEUE, run_lane
from inngest.dev._internal.function.options import Options, read_options
from inngest.dev._internal.model.values import Event, Function, Json, Run
from inngest.dev._internal.store.store import Store


def function(name: str = "fn", **config: Json) -> Function:
    options = read_options(config)
    assert isinstance(options, Options), options
    return Function(id=f"app-{name}", uuid=name, app="app", name=name, url="http://x",
                    max_attempts=1, triggers=(), options=options)  # fmt: skip


def run_of(of: Function, name: str, *, started: bool = False, **data: Any) -> Run:
    body = {"name": "x", "data": data, "id": name, "ts": 0}
    event = Event(internal_id=name, received_at=0, body=body)
    run = Run(id=name, function_id=of.id, events=(event,), status="Scheduled", created_at=0,
              keys=keys_of(of.options, event, 0), started_at=0 if started else None)  # fmt: skip
    run.lane = run_lane(of, run)
    return run


class Gatekeeper:
    """Admits calls against a real store, and applies what follows."""

    def __init__(self) -> None:
        self.store, self.admission = Store(), Admission()

    def ask(self, run: Run, of: Function, now: int = 0) -> Admitted | Blocked:
        verdict = self.admission.admit(run.id, run, of, self.store, now)
        if isinstance(verdict, Admitted):
            with self.store.transaction():
                self.store.add_event(run.event)
                self.store.apply(verdict.change)
        return verdict


@pytest.fixture
def keeper() -> Iterator[Gatekeeper]:
    keeper = Gatekeeper()
    yield keeper
    keeper.store.close()


def test_a_call_without_limits_starts_its_run(keeper: Gatekeeper) -> None:
    of = function(timeouts={"finish": "1m"})
    run = run_of(of, "r")
    verdict = keeper.ask(run, of, now=5)
    assert isinstance(verdict, Admitted)
    assert (run.status, run.started_at) == ("Running", 5)
    assert [(i.kind, i.due) for i in verdict.change.items] == [("finish_timeout", 60_005)]


def test_a_place_is_given_back_when_the_call_is_over(keeper: Gatekeeper) -> None:
    of = function(concurrency=1)
    one, two = run_of(of, "1"), run_of(of, "2")
    first = keeper.ask(one, of)
    assert isinstance(first, Admitted)
    blocked = keeper.ask(two, of)
    assert isinstance(blocked, Blocked)
    assert two.started_at is None, "a blocked run has not started"
    (lane,) = keeper.admission.leave("1")
    assert blocked.at == f"{lane}{QUEUE}1"
    assert isinstance(keeper.ask(two, of), Admitted)
    assert keeper.admission.leave("never") == []


def test_who_is_blocked_lets_others_try_where_there_is_room(keeper: Gatekeeper) -> None:
    of = function(concurrency=[{"limit": 1, "key": "event.data.k"}, {"limit": 2}])
    assert isinstance(keeper.ask(run_of(of, "1", k="a"), of), Admitted)
    same = keeper.ask(run_of(of, "2", k="a"), of)
    other = keeper.ask(run_of(of, "3", k="b"), of)
    assert isinstance(same, Blocked)
    assert isinstance(other, Admitted)
    assert same.at not in same.next_at
    (open_lane,) = same.next_at
    assert open_lane in other.next_at
    third = keeper.ask(run_of(of, "4", k="c"), of)
    assert isinstance(third, Blocked)
    assert third.at == open_lane


def test_a_place_for_a_whole_run_is_taken_by_its_start_and_kept(keeper: Gatekeeper) -> None:
    of = function(concurrency={"fn": [{"limit": 1}]})
    one = run_of(of, "1")
    assert isinstance(keeper.ask(one, of), Admitted)
    keeper.admission.leave("1")
    assert isinstance(keeper.ask(run_of(of, "2"), of), Blocked), "it is not ended"
    assert isinstance(keeper.ask(one, of), Admitted), "later calls of the run go on"


def test_a_throttle_says_when_the_next_chance_is(keeper: Gatekeeper) -> None:
    of = function(throttle={"limit": 1, "period": "3s"})
    assert isinstance(keeper.ask(run_of(of, "1"), of), Admitted)
    assert keeper.admission.next_chance() is None
    blocked = keeper.ask(run_of(of, "2"), of, now=1)
    assert isinstance(blocked, Blocked)
    assert keeper.admission.next_chance() == 3000
    assert keeper.admission.chances(2999) == []
    assert keeper.admission.chances(3000) == [blocked.at]
    assert keeper.admission.next_chance() is None
    assert isinstance(keeper.ask(run_of(of, "2"), of, now=3000), Admitted)
    assert isinstance(keeper.ask(run_of(of, "1", started=True), of, now=3000), Admitted)


def test_lanes_are_shared_by_scope(keeper: Gatekeeper) -> None:
    limit = {"limit": 1, "key": "event.data.k"}
    own = [function(name, concurrency=[limit]) for name in "ab"]
    shared = [function(name, concurrency=[{**limit, "scope": "env"}]) for name in "cd"]
    assert all(isinstance(keeper.ask(run_of(f, f.name, k=1), f), Admitted) for f in own)
    verdicts = [keeper.ask(run_of(f, f.name, k=1), f) for f in shared]
    assert [type(each) for each in verdicts] == [Admitted, Blocked]


def test_nothing_is_kept_of_places_that_nobody_takes(keeper: Gatekeeper) -> None:
    of = function(concurrency=[{"limit": 2, "key": "event.data.user"}])
    for user in ("ada", "bob"):
        for n in range(2):
            keeper.ask(run_of(of, f"{user} {n}", user=user), of)
    for user in ("ada", "bob"):
        assert len(keeper.admission.leave(f"{user} 0")) == 1
    assert len(keeper.admission._under_way) == 2
    for user in ("ada", "bob"):
        keeper.admission.leave(f"{user} 1")
    assert len(keeper.admission._under_way) == 0
