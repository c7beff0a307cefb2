"""Store the functions that apps register, and update queue and runs to match."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Sequence

from inngest.dev._internal.flow_control.keys import single_of
from inngest.dev._internal.flow_control.lanes import run_lane
from inngest.dev._internal.flow_control.late_timers import brought_forward
from inngest.dev._internal.function.registration import Refusal, Registration, read_registration
from inngest.dev._internal.model.ids import stable_uuid
from inngest.dev._internal.model.values import Function, ItemKind, Json, Transition
from inngest.dev._internal.schedules.cron import timetable
from inngest.dev._internal.store.store import Store

_log = logging.getLogger("inngest.dev")


def register(body: Json, store: Store, now: int) -> dict[str, Json] | Refusal:
    """Register the functions of an app, or refuse them all."""
    read = read_registration(body)
    if not isinstance(read, Registration):
        return read
    before = [f for f in store.functions() if f.app == read.app]
    changed = [f for f in read.functions if _limits(store.function(f.id)) != _limits(f)]
    known = [store.function(f.id) for f in read.functions]
    taken_over = [f for f in known if f is not None and f.app != read.app]
    with store.transaction():
        modified = store.register(
            read.app,
            url=read.url,
            sdk=read.sdk,
            checksum=read.checksum,
            functions=read.functions,
            now=now,
        )
        _set_timers([*before, *read.functions], read.functions, store, now)
        _keep_places(changed, store)
        store.unpark_all(now)
    for function in taken_over:
        _log.warning(
            'function "%s" of app "%s" is now one of app "%s": two apps have functions of this id',
            function.id,
            function.app,
            read.app,
        )
    return {
        "ok": True,
        "modified": modified,
        "sync_id": stable_uuid("sync", read.app, str(now), str(random.random())),
        "app_id": stable_uuid("app", read.app),
    }


def resume(store: Store, now: int) -> None:
    """Recompute all timers, at the start and after the clock was set back.

    Also sets the singleton keys of runs, which files of older versions lack.
    """
    store.unpark_all(now)
    with store.transaction():
        _keep_places([f for f in store.functions() if f.options.singleton], store)
        _set_timers(store.functions(), store.functions(), store, now)


def _limits(function: Function | None) -> object:
    """Return the options that decide which lanes and singleton keys a run takes."""
    return function and (function.options.concurrency, function.options.singleton)


def _keep_places(functions: Iterable[Function], store: Store) -> None:
    """Move active runs to the lanes and singleton keys that their functions now define."""
    for function in functions:
        for run in store.active_runs(function.id):
            lane, single = run_lane(function, run), single_of(function.options, run)
            if (lane, single) != (run.lane, run.single):
                store.move_run(run.id, lane, single)


def _set_timers(
    known: Sequence[Function], functions: Sequence[Function], store: Store, now: int
) -> None:
    """Update the timers of all `known` functions to match `functions`, which may lack some."""
    ids = list({function.id for function in known})
    kinds: tuple[ItemKind, ...] = ("batch", "debounce")
    collecting = [item for kind in kinds for item in store.timers_of(ids, kind)]
    store.apply(timetable(functions, store.timers_of(ids, "cron"), now))
    store.apply(Transition(items=[*brought_forward(functions, collecting, now)]))
