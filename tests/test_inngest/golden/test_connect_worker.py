"""Recorded gateways against our worker."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

import inngest
from inngest.connect._internal.effects import Close
from inngest.connect._internal.errors import ConnectRefusedError
from inngest.connect._internal.identity import function_configs
from inngest.connect._internal.messages import comm_request
from inngest.connect.protocol import wire
from inngest.transport import CommResponse, Handler, ServeOptions

from .connect_recordings import SESSIONS, START, entries_of
from .connect_worker import RULES, Life, WorkerReplay
from .differences import ABSENT, GENERAL, Rule

CLIENT = inngest.Inngest(
    app_id="rec-connect-session",
    app_version="1.2.3",
    checkpointing=False,  # not supported by the recorded SDK
    is_production=False,
)
HASHED: Final = "98104f3a80e5440b3f22ef0af6da56487fd385a1a8a3163268d7b465adb9d013"


def trigger(name: str) -> inngest.TriggerEvent:
    return inngest.TriggerEvent(event=name)


@CLIENT.create_function(fn_id="fn", trigger=trigger("cs/go"), retries=2)
async def steps(ctx: inngest.Context) -> dict[str, int]:
    first = await ctx.step.run("a", number, 1)
    return {"a": first, "b": await ctx.step.run("b", number, 2)}


@CLIENT.create_function(fn_id="fatal", trigger=trigger("cs/fatal"), retries=1)
async def fatal(ctx: inngest.Context) -> None:
    raise inngest.NonRetriableError("nope")


@CLIENT.create_function(fn_id="retry", trigger=trigger("cs/retry"), retries=1)
async def retry(ctx: inngest.Context) -> str:
    if ctx.attempt == 0:
        raise inngest.RetryAfterError("wait", 2000)
    return "ok"


@CLIENT.create_function(fn_id="slow", trigger=trigger("cs/slow"), retries=0)
async def slow(ctx: inngest.Context) -> str:
    return await ctx.step.run("w", text)


async def number(value: int) -> int:
    return value


async def text() -> str:
    return "slow"


FUNCTIONS = [steps, fatal, retry, slow]


def answer(request: wire.GatewayExecutorRequestData) -> CommResponse:
    handler = Handler(CLIENT, FUNCTIONS, ServeOptions(framework="connect", environ={}))
    return asyncio.run(handler.call_async(comm_request(request)))


AT_ONCE: Final = "ours takes calls as soon as it is connected"
BY_HAND: Final = "the recorded worker was made to try this out"
OTHER_WORKER: Final = "of the other recorded worker"
ASKS_ONCE: Final = "the recorded worker asks for a gateway twice"
NO_HEART: Final = "the recorded worker says nothing more than it was made to try out"
UNHEARD: Final = "a call that the recorded worker ignores"

LIVES: Final = {
    "connect_session": [
        Life(
            first=0,
            last=59,
            answer=answer,
            functions=function_configs(FUNCTIONS),
            terms={"extend_lease_interval": "5s"},
        )
    ],
    "connect_hand_worker": [
        Life(
            first=0,
            last=129,
            skipped={
                **dict.fromkeys((7, 125), AT_ONCE),
                **dict.fromkeys((71, 81, 83, 85, 100, 101), BY_HAND),
                126: "ours has ended before: it has nothing to finish",
            },
            more={"WORKER_REQUEST_ACK 164": UNHEARD, "WORKER_REPLY 164": UNHEARD},
            unlike={"3 worker_manual_readiness_ack": (ABSENT, AT_ONCE)},
        ),
        Life(first=130, last=151),
    ],
    "connect_flush": [
        Life(
            first=0,
            last=13,
            skipped=dict.fromkeys((9, 11, 12, 13), BY_HAND),
            more={"WORKER_HEARTBEAT 0": NO_HEART},
        )
    ],
    "connect_drain": [
        Life(
            first=9,
            last=48,
            sockets={21: 10, 29: 10, 30: 10, 31: 10},
            skipped={
                **dict.fromkeys((20, *range(33, 38)), OTHER_WORKER),
                **dict.fromkeys((24, 27), ASKS_ONCE),
            },
            unlike={"39 exclude_gateways[0]": ("gw-dev", "it has closed; ours remembers that")},
        )
    ],
    "connect_cloud_auth": [
        Life(
            first=0,
            last=7,
            authorizations=("Bearer bad", f"Bearer signkey-test-{HASHED}"),
            skipped={0: "ours has keys", 2: "the recorded driver tries two forms of the key"},
            more={"WORKER_HEARTBEAT 0": NO_HEART},
        )
    ],
}
CASES = [
    pytest.param(name, life, id=f"{name}-{life.first}")
    for name, lives in LIVES.items()
    for life in lives
]


@pytest.mark.parametrize(("name", "life"), CASES)
def test_the_worker_does_what_is_recorded(name: str, life: Life) -> None:
    replay = WorkerReplay(name, life)
    replay.run()
    replay.compare_frames()
    assert not replay.problems, "\n".join(replay.problems)
    assert replay.compared
    assert replay.noted == {*life.more, *life.unlike}


def test_a_recorded_worker_says_goodbye_and_so_does_ours() -> None:
    replay = WorkerReplay("connect_session", LIVES["connect_session"][0])
    replay.run()
    assert replay.closes == [Close(1, 1000, "WORKER_SHUTDOWN")]
    assert replay.stopped is not None and replay.stopped.error is None
    names = [state.value for state in replay.states]
    assert names == ["CONNECTING", "ACTIVE", "CLOSING", "CLOSED"]


def closes(name: str) -> list[Any]:
    found = [e.index for e in entries_of(name) if e.method == "WS-CLOSE" and not e.is_by_worker]
    return [pytest.param(name, index, id=f"{name}-{index}") for index in found]


FATAL: Final = {16, 22, 28, 46, 59, 66, 72, 79}
"""Outcomes of ``connect_errors`` that mean a permanent error of the worker."""


@pytest.mark.parametrize(
    ("name", "close"), [*closes("connect_errors"), *closes("connect_cloud_auth")]
)
def test_only_what_is_wrong_for_good_ends_a_worker(name: str, close: int) -> None:
    entries = entries_of(name)
    start = max(e.index for e in entries[:close] if e.path == START)
    hand_made = {
        e.index: BY_HAND for e in entries[start:close] if e.method == "WS" and e.is_by_worker
    }
    replay = WorkerReplay(name, Life(first=start, last=close, skipped=hand_made))
    replay.run()
    if name == "connect_errors" and close in FATAL:
        assert replay.stopped is not None
        assert isinstance(replay.stopped.error, ConnectRefusedError)
        return
    assert replay.stopped is None
    replay.wait_until(entries[close].at + 5)
    assert len(replay.starts) == 1


def test_every_session_is_played_and_every_rule_is_needed() -> None:
    used: set[Rule] = set()
    for name, lives in LIVES.items():
        for life in lives:
            assert all([*life.skipped.values(), *life.more.values()])
            replay = WorkerReplay(name, life)
            replay.run()
            replay.compare_frames()
            used |= replay.used
    assert [rule.path for rule in RULES if rule not in used and rule not in GENERAL] == []
    assert {*LIVES, "connect_errors"} == set(SESSIONS)
