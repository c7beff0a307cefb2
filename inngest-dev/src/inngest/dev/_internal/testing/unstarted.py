"""Explain why an event has not started a run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from inngest.dev._internal.machine.starting import held_by

if TYPE_CHECKING:
    from inngest.dev._internal.model.values import Event, Function, Item, Trigger
    from inngest.dev._internal.testing.session import Session

MILLISECOND = timedelta(milliseconds=1)


def is_held_back(session: Session, event_id: str, function_id: str | None) -> bool:
    """Return whether a batch or debounce holds the event, and will start a run with it."""
    return session.read(
        lambda: any(
            _timer(session, function, event_id) is not None
            for function in session.engine.store.functions()
            if function_id in (None, function.id)
        )
    )


def nothing_started(session: Session, event_id: str, function_id: str | None) -> str:
    """Return a line for each function: its triggers, and what may have prevented a run."""
    return session.read(lambda: "\n".join(_lines(session, event_id, function_id)))


def _lines(session: Session, event_id: str, function_id: str | None) -> Iterator[str]:
    event = session.engine.store.event(event_id)
    what = f'event "{event.name}"' if event else "it"
    wanted = f" of {function_id}" if function_id else ""
    yield f"{what} started no run{wanted}. Triggers:"
    for function in session.engine.store.functions():
        triggers = ", ".join(map(_name, function.triggers)) or "none"
        timer = _timer(session, function, event_id)
        if timer is not None:
            wait = (timer.due - session.clock.now()) * MILLISECOND
            note = f" (its {timer.kind} has the event for another {wait}: advance the clock)"
        else:
            against = list(_against(function, event))
            note = f" (what may have prevented it: {', '.join(against)})" if against else ""
        yield f"  {function.id}: {triggers}{note}"


def _timer(session: Session, function: Function, event_id: str) -> Item | None:
    store = session.engine.store
    for kind in ("batch", "debounce"):
        for timer in store.timers_of([function.id], kind):
            if event_id in held_by(timer, store):
                return timer
    return None


def _against(function: Function, event: Event | None) -> Iterator[str]:
    """Yield what may have kept an event from starting a function that it triggers."""
    fitting = [each for each in function.triggers if event and each.event == event.name]
    if not fitting:
        return
    if any(each.expression for each in fitting):
        yield "the trigger's condition"
    options = function.options
    if options.rate_limit is not None:
        yield "the rate limit or idempotency"
    if options.singleton is not None:
        yield "a run of the singleton"
    if options.debounce is not None:
        yield "a later event, by the debounce"
    yield "an earlier event with this id"


def _name(trigger: Trigger) -> str:
    condition = f" if {trigger.expression}" if trigger.expression else ""
    return f"{trigger.event or f'cron {trigger.cron}'}{condition}"
