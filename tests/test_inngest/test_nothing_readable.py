"""With encryption on, nothing readable leaves the process, by whatever way: every byte is searched."""

from __future__ import annotations

import asyncio
import datetime
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pydantic
import pytest

import inngest
from inngest.connect._internal.sockets import Socket
from inngest.dev import DevServer, Engine, VirtualClock

from .connect_platform import Platform, eventually, made, working
from .live import KINDS, TRANSPORTS, BrokenError, Embedded, World, fails
from .tap import Tap, tapped

KEY = "a passphrase"
PLAIN = "readable-secret"
"""It is in all values of the functions here, and in nothing else."""


class Listening(Embedded):
    """An engine behind a tap, which also puts a tap in front of the app."""

    def __init__(self, server: DevServer, stack: ExitStack) -> None:
        super().__init__(server)
        self._stack = stack
        self.events = stack.enter_context(tapped(server.origin))
        self.calls: Tap | None = None
        self.origin = self.events.origin

    def sync(self, url: str) -> tuple[int, str]:
        origin, _, path = url.partition("/api/")
        self.calls = self._stack.enter_context(tapped(origin))
        return super().sync(f"{self.calls.origin}/api/{path}")


class Card(pydantic.BaseModel):
    number: str


def find(number: str) -> Card:
    return Card(number=f"{PLAIN} {number}")


async def find_async(number: str) -> Card:
    return find(number)


def declare(world: Any, seen: list[Any]) -> None:
    """Declare functions that pass a secret through every kind of value."""

    def child(ctx: Any) -> Any:
        seen.append(ctx.event.data["encrypted"])
        return (yield ctx.step.run("in child", world.step("child", lambda: f"{PLAIN} of child")))

    def branch(name: str) -> Any:
        return lambda ctx: (
            yield ctx.step.run(name, world.step(name, lambda: {"branch": f"{PLAIN} {name}"}))
        )

    def body(ctx: Any) -> Any:
        seen.append(ctx.event.data["encrypted"])
        card = yield ctx.step.run("find", find_async if world.is_async else find, "1")
        assert isinstance(card, Card)
        yield ctx.step.sleep("nap", datetime.timedelta(milliseconds=50))
        data = {"encrypted": {"secret": f"{PLAIN} invoked"}}
        of_child = yield ctx.step.invoke("call", function=invoked, data=data)
        branches = tuple(world.branch(branch(name), ctx) for name in "ab")
        both = yield ctx.group.parallel(branches)
        event = inngest.Event(
            name=world.event("more"), data={"id": 7, "encrypted": f"{PLAIN} event"}
        )
        yield ctx.step.send_event("send", event)
        found = yield ctx.step.wait_for_event(
            "wait", event=world.event("told"), timeout=datetime.timedelta(days=1)
        )
        seen.append(found.data["encrypted"])
        yield ctx.step.run("broken", world.step("broken", lambda: fails(BrokenError("sorry"))))
        return [card.number, of_child, *both]

    def cleanup(ctx: Any) -> Any:
        seen.append(ctx.event.data["event"]["data"]["encrypted"])
        return (yield ctx.step.run("clean", world.step("clean", lambda: f"{PLAIN} cleaned")))

    def more(ctx: Any) -> Any:
        seen.append(ctx.event.data["encrypted"])
        return f"{PLAIN} result"

    invoked = world.function("child", child, trigger=inngest.TriggerEvent(event="never"))
    world.function("secret", body, on_failure=cleanup, retries=1)
    world.function("more", more)


SEEN = [
    f"{PLAIN} start",
    {"secret": f"{PLAIN} invoked"},
    f"{PLAIN} event",
    f"{PLAIN} told",
]


@pytest.fixture(autouse=True, params=["encrypted", "in clear"])
def is_encrypted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Without encryption the same search must find the secret, which proves that it works."""
    monkeypatch.delenv("INNGEST_ENCRYPTION_KEY", raising=False)
    if request.param == "encrypted":
        monkeypatch.setenv("INNGEST_ENCRYPTION_KEY", KEY)
    return bool(request.param == "encrypted")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(db=str(tmp_path / "engine.db"), clock=VirtualClock())


def kept(folder: Path) -> bytes:
    """Return everything that the engine has stored on disk."""
    return b"\n".join(file.read_bytes() for file in sorted(folder.glob("engine.db*")))


@pytest.mark.parametrize("checkpointing", [False, True], ids=["call by call", "checkpoints"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_encrypted_is_readable_nowhere_over_http(
    kind: str, checkpointing: bool, is_encrypted: bool, engine: Engine, tmp_path: Path
) -> None:
    seen: list[Any] = []
    with ExitStack() as stack:
        server = stack.enter_context(DevServer(port=0, engine=engine))
        listening = Listening(server, stack)
        world = World(listening, TRANSPORTS["flask"], kind == "async")
        world.client._checkpointing = checkpointing
        declare(world, seen)
        with world.serving():
            started = world.send("secret", encrypted=f"{PLAIN} start")
            server.advance(datetime.timedelta(minutes=5))
            world.send("told", encrypted=f"{PLAIN} told")
            (run,) = listening.runs(started)
        assert run.status == "Failed"
        assert [seen[0], seen[-1]] == [f"{PLAIN} start"] * 2  # the handler of failures, last
        assert all(each in seen for each in SEEN)
        assert {"child", "a", "b", "broken", "clean"} <= set(world.calls)
        assert listening.calls is not None
        calls, events = listening.calls.heard, listening.events.heard
    assert (b"/v1/checkpoint/" in events) is checkpointing
    assert b"in child" in (events if checkpointing else calls), "ids are not encrypted"
    assert b"sorry" in calls, "errors are not encrypted"
    for heard in (calls, events, kept(tmp_path)):
        assert (PLAIN.encode() in heard) is not is_encrypted


class Worker:
    """Runs the functions on a Connect worker."""

    def __init__(self, client: inngest.Inngest, is_async: bool) -> None:
        self.client, self.is_async = client, is_async
        self.functions: list[inngest.Function[Any]] = []

    event = World.event
    function = World.function
    handler = World.handler
    branch = World.branch
    step = World.step
    app_id = "app"


def is_waiting(platform: Platform) -> bool:
    """Return whether the run waits for the event, which it would otherwise miss."""
    histories = platform.do(
        lambda hub: [
            platform.server.engine.history(run["run_id"]) for run in platform.server.engine.runs()
        ]
    )
    return any(
        step["op"] == "WaitForEvent" and step["state"] == "waiting"
        for history in histories
        for step in history["steps"]
    )


def have_ended(platform: Platform, count: int) -> bool:
    return sum(bool(run["ended_at"]) for run in platform.server.runs()) == count


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_encrypted_is_readable_nowhere_over_a_websocket(
    kind: str, is_encrypted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[bytes] = []
    send = Socket.send

    def keep(self: Socket, data: bytes, *, is_large: bool = False) -> None:
        """Unmask what a worker sends over its WebSocket."""
        frames.append(data)
        send(self, data, is_large=is_large)

    monkeypatch.setattr(Socket, "send", keep)
    seen: list[Any] = []

    async def main(platform: Platform, tap: Tap) -> dict[str, Any]:
        client = inngest.Inngest(
            app_id="app",
            api_base_url=tap.origin,
            event_api_base_url=tap.origin,
            is_production=False,
        )
        worker = Worker(client, kind == "async")
        worker.calls = []  # type: ignore[attr-defined]
        declare(worker, seen)

        def through_the_tap(url: str) -> str:
            return url.replace(platform.origin.partition("//")[2], tap.origin.partition("//")[2])

        connection = made(client, *worker.functions, rewrite_gateway_endpoint=through_the_tap)
        async with working(connection):
            event = inngest.Event(name="app/secret", data={"encrypted": f"{PLAIN} start"})
            (started,) = await client.send(event)
            await eventually(lambda: is_waiting(platform), "the step that waits")
            told = inngest.Event(name="app/told", data={"encrypted": f"{PLAIN} told"})
            await client.send(told)
            run = await platform.ended(started)
            await eventually(lambda: have_ended(platform, 4), "the handler of failures")
        await client.aclose()
        return run

    with Platform(db=tmp_path / "engine.db", backoff=[0.01]) as platform:
        with tapped(platform.origin) as tap:
            run = asyncio.run(asyncio.wait_for(main(platform, tap), 60))
        heard = tap.heard
    assert run["status"] == "Failed"
    assert all(each in seen for each in SEEN)
    assert any(b"sorry" in frame for frame in frames), "errors are not encrypted"
    for each in (b"".join(frames), heard, kept(tmp_path)):
        assert (PLAIN.encode() in each) is not is_encrypted
