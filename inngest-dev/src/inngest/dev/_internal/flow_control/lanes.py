"""The places that concurrency limits: what a run needs, and how many there are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from inngest.dev._internal.flow_control.keys import key_in
from inngest.dev._internal.function.options import Concurrency
from inngest.dev._internal.model.values import Function, Run

QUEUE = "\x1e"
"""Between the name of a lane and the limit of one of its queues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    name: str
    limit: int
    whole_runs: bool

    @property
    def queue(self) -> str:
        """Where those wait whom this limit keeps out. A lower one may do so while others go in."""
        return f"{self.name}{QUEUE}{self.limit}"


def lanes(function: Function, run: Run) -> list[Lane]:
    """What the run takes places in. Equal keys of a scope share their lane."""
    found: dict[str, Lane] = {}
    for limit in function.options.concurrency:
        name = _name(function, limit, key_in(run, limit.key))
        known = found.get(name)
        if known is None or limit.limit < known.limit:
            found[name] = Lane(name=name, limit=limit.limit, whole_runs=limit.whole_runs)
    return list(found.values())


def run_lane(function: Function, run: Run) -> str | None:
    found = [lane.name for lane in lanes(function, run) if lane.whole_runs]
    return found[0] if found else None


def _name(function: Function, limit: Concurrency, value: str) -> str:
    owner = function.id if limit.scope == "fn" else ""
    what = () if limit.whole_runs else ("calls",)  # runs are stored with the names of theirs
    return "\x1f".join((limit.scope, owner, limit.key or "", value, *what))
