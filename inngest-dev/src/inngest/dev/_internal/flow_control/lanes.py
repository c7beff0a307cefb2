"""Lanes: the groups that concurrency limits count in. A run, or each call, takes a place. Pure.

A lane holds the runs or calls, of one function or of all, that have the same value of the
limit's key.
"""

from __future__ import annotations

from dataclasses import dataclass

from inngest.dev._internal.flow_control.keys import key_in
from inngest.dev._internal.function.options import Concurrency
from inngest.dev._internal.model.values import Function, Run

QUEUE = "\x1e"
"""Separates the name of a lane from the limit of one of its queues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    name: str
    limit: int
    whole_runs: bool
    """Whether it counts runs, from their first call to their end, or calls under way."""

    @property
    def queue(self) -> str:
        """Return the queue where items blocked by this limit are parked.

        Functions that share a lane may limit it differently. Each limit has its own queue, as a
        lower one may block while there is room under a higher one.
        """
        return f"{self.name}{QUEUE}{self.limit}"


def lanes(function: Function, run: Run) -> list[Lane]:
    """Return the lanes in which a run or its calls take places."""
    found: dict[str, Lane] = {}
    for limit in function.options.concurrency:
        name = _name(function, limit, key_in(run, limit.key))
        known = found.get(name)
        if known is None or limit.limit < known.limit:
            found[name] = Lane(name=name, limit=limit.limit, whole_runs=limit.whole_runs)
    return list(found.values())


def run_lane(function: Function, run: Run) -> str | None:
    """Return the lane in which the run itself takes a place, if its function limits runs."""
    found = [lane.name for lane in lanes(function, run) if lane.whole_runs]
    return found[0] if found else None


def _name(function: Function, limit: Concurrency, value: str) -> str:
    owner = function.id if limit.scope == "fn" else ""
    what = () if limit.whole_runs else ("calls",)  # stored runs lack a suffix
    return "\x1f".join((limit.scope, owner, limit.key or "", value, *what))
