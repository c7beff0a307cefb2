"""The places that concurrency limits: what a run needs, and how many there are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inngest.dev._internal.function.options import Concurrency
from inngest.dev._internal.model.values import Function, Json, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    name: str
    limit: int
    whole_runs: bool


def lanes(function: Function, keys: Mapping[str, Json]) -> list[Lane]:
    """What a run with these keys takes places in. Equal keys of a scope share their lane."""
    values = keys.get("concurrency") or []
    return [
        Lane(name=_name(function, limit, value), limit=limit.limit, whole_runs=limit.whole_runs)
        for limit, value in zip(function.options.concurrency, values, strict=False)
    ]


def run_lane(function: Function, run: Run) -> str | None:
    found = [lane.name for lane in lanes(function, run.keys) if lane.whole_runs]
    return found[0] if found else None


def _name(function: Function, limit: Concurrency, value: str) -> str:
    owner = function.id if limit.scope == "fn" else ""
    return "\x1f".join((limit.scope, owner, limit.key or "", value))
