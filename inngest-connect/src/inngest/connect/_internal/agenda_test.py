"""An agenda behaves like a dictionary of times, and does not grow beyond its items."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inngest.connect._internal.agenda import Agenda

names = st.sampled_from("abcde")
times = st.integers(0, 20).map(float)
acts = st.one_of(
    st.tuples(st.just("schedule"), names, times),
    st.tuples(st.just("expedite"), names, times),
    st.tuples(st.just("cancel"), names, times),
    st.tuples(st.just("pop_due"), names, times),
)


@given(st.lists(acts, max_size=60))
def test_an_agenda_behaves_like_a_dictionary_of_times(done: list[tuple[str, str, float]]) -> None:
    agenda, times_of = Agenda(), dict[str, float]()
    for act, name, time in done:
        match act:
            case "schedule":
                agenda.schedule(name, time)
                times_of[name] = time
            case "expedite":
                agenda.expedite(name, time)
                times_of.update({name: min(time, times_of[name])} if name in times_of else {})
            case "cancel":
                agenda.cancel(name)
                times_of.pop(name, None)
            case _:
                due = {one for one, at in times_of.items() if at <= time}
                assert set(agenda.pop_due(time)) == due
                times_of = {one: at for one, at in times_of.items() if one not in due}
        assert agenda.next_due == min(times_of.values(), default=None)


def test_items_due_at_the_same_time_keep_their_order() -> None:
    agenda = Agenda()
    for name, due in (("c", 2), ("b", 1), ("a", 1)):
        agenda.schedule(name, due)
    assert agenda.pop_due(5) == ["b", "a", "c"]


def test_cancelled_items_take_no_memory() -> None:
    agenda = Agenda()
    for number in range(10_000):
        agenda.schedule(str(number), 30.0)
        agenda.cancel(str(number))
    assert len(agenda._heap) < 100
