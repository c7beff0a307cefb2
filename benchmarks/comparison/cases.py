"""What is measured, on both packages, by the programs beside."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

MEMOS = (0, 1, 10, 100, 1_000)
STEPS = (1, 10, 100, 1_000)
QUEUEING = 0.15
"""Seconds that a real server was seen to take from one call of a run to the next."""
REAL_SERVER = os.environ.get("INNGEST_DEV_SERVER")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table."""

    name: str
    program: str
    argument: dict[str, object]
    sides: tuple[str, ...] = ("ours", "peer")
    rounds: int = 5
    wanted: float | None = None
    """How many times faster, or smaller, ours is meant to be than the peer."""
    group: str = field(default="", repr=False)
    """Rows of one group are a curve of the plots, by ``size``."""
    size: int = 0


def call(door: str, memos: int, *, is_signed: bool = False, nested_bytes: int = 0) -> Case:
    samples = 200 if memos < 100 else 40 if memos < 1_000 else 10
    mode = "cloud" if is_signed else "dev"
    what = "a nested memo of 1 MB" if nested_bytes else f"{memos} memos"
    wanted = {0: 3.0, 1_000: 8.0}.get(memos) if door == "function" else None
    return Case(
        name=f"call, {what}, {mode}, {door}",
        program="calls",
        argument={
            "door": door,
            "memos": memos,
            "nested_bytes": nested_bytes,
            "is_signed": is_signed,
            "samples": 5 if nested_bytes else samples,
        },
        sides=("ours", "peer", "minimal"),
        wanted=5.0 if nested_bytes else wanted,
        group="" if nested_bytes else f"call, {mode}, {door}",
        size=memos,
    )


def end_to_end(steps: int, server: str, label: str, queueing: float = 0.0) -> Case:
    samples = 3 if steps < 1_000 and not queueing else 1
    return Case(
        name=f"run of {steps} steps, {label}",
        program="end_to_end",
        argument={"server": server, "steps": steps, "samples": samples, "queueing": queueing},
        rounds=3 if steps < 1_000 else 1,
        # The aim is for a real server, which takes its time between calls.
        wanted=20.0 if steps == 100 and (queueing or label == "real server") else None,
        group="" if queueing else f"run, {label}",
        size=steps,
    )


def start(name: str, measure: str, wanted: float | None, samples: int = 3) -> Case:
    argument: dict[str, object] = {"measure": measure, "samples": samples}
    return Case(name=name, program="start", argument=argument, wanted=wanted)


STARTING = [
    start("import inngest", "import", 2.5),
    start("import, and make a client", "use", None),
    start("import pydantic, and make a model", "pydantic", None),
    start("make another client", "client", 50.0, samples=20),
    start("memory of a client", "memory", 10.0),
]
CALLING = [
    *(call("function", memos) for memos in MEMOS),
    *(call("function", memos, is_signed=True) for memos in MEMOS),
    *(call(door, memos) for door in ("flask", "fast_api") for memos in (0, 100, 1_000)),
    call("function", 0, is_signed=True, nested_bytes=1_000_000),
]
SENDING = [
    Case(
        name=f"make and send {count} events",
        program="sending",
        argument={"events": count, "samples": 15},
        wanted=3.0 if count == 5_000 else None,
    )
    for count in (1, 5_000)
]
DISCOVERING = [
    Case(
        name="find 1000 parallel steps",
        program="discovery",
        argument={"steps": 1_000, "samples": 5},
    )
]


def running(embedded: str) -> list[Case]:
    """Runs on the embedded engine, and on a real server if there is one.

    The engine calls at once. In one row each call waits as long as in a real server's queue.
    """
    servers = {"embedded engine": embedded}
    if REAL_SERVER:
        servers["real server"] = REAL_SERVER
    cases = [end_to_end(steps, url, label) for label, url in servers.items() for steps in STEPS]
    label = f"embedded engine, {QUEUEING * 1_000:.0f} ms a call"
    return [*cases, end_to_end(100, embedded, label, QUEUEING)]
