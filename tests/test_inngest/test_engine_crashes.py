"""`kill -9` of the engine loses no event that it acknowledged, and repeats no finished step.

The engine works on a file and is killed at points drawn from a seed: while it is sent events,
while the app works for it, while it takes the app's answer, while it starts. Every run has to
complete. CRASH_RUNS=100 plays that many runs at least instead of a few, with as many kills.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import httpx
import pytest

import inngest
import inngest.wsgi
from inngest.errors import SendEventsError

from .ports import free_port
from .transports import on_thread

SEED = 31
RUNS = int(os.environ.get("CRASH_RUNS", "12"))
"""At least, and as many kills."""
LIMIT = 5
"""Times as many runs may be needed until all kills have found their points."""
WAVE = 12
KINDS = ("steps", "checkpointed", "parallel", "invoke", "sleep", "batch")
POINTS = ("sent", "called", "working", "answering", "answered", "starting")
DELAYS = (0.0, 0.0, 0.001, 0.003, 0.008)
"""Seconds from a point to the kill: the engine works on what it was just told."""
STARTED = 60.0
SECONDS = 60.0 + RUNS
ENGINE = Path(__file__).with_name("crash_engine.py")


class AppServer(ThreadingMixIn, WSGIServer):
    """Serves the app, and knows which of its connections are open."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, app: Any) -> None:
        super().__init__(("127.0.0.1", 0), Quiet)
        self.set_app(app)
        self._open: set[Any] = set()
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/inngest"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def drain(self) -> None:
        """Until the calls of an engine that is dead are over.

        Connections are accepted in their order: once a new one is served, all are known.
        """
        httpx.get(self.url, trust_env=False, timeout=STARTED)
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, STARTED)

    @contextmanager
    def running(self) -> Iterator[None]:
        with on_thread(lambda: self.serve_forever(0.02), self.shutdown):
            yield
        self.server_close()


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002


@dataclass
class Engine:
    """The engine's process, and the kills that are to come."""

    origin: str
    process: subprocess.Popen[str]
    app: AppServer
    kills: deque[tuple[str, int, float]]
    """A kill is due at the n-th time that a point is reached since the one before."""
    killed: list[str] = field(default_factory=list)
    life: int = 0
    """Raised while the engine is dead and none of its calls is under way."""
    _pid: int | None = None
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def follow(self) -> None:
        """Read what the supervisor says, to its end."""
        assert self.process.stdout is not None and self.process.stdin is not None
        for line in self.process.stdout:
            if line.startswith("engine "):
                with self._changed:
                    self._pid = int(line.split()[1])
                    self._changed.notify_all()
                self.reach("starting")
            elif line.startswith("killed"):
                self.app.drain()
                self.life += 1
                with suppress(BrokenPipeError):  # the test is over
                    self.process.stdin.write("go\n")
                    self.process.stdin.flush()

    def reach(self, point: str) -> None:
        """Kill the engine if the plan says so."""
        with self._changed:
            if self._pid is None or not self.kills or self.kills[0][0] != point:
                return
            _, left, delay = self.kills[0]
            self.kills[0] = (point, left - 1, delay)
            if left > 0:
                return
            self.kills.popleft()
            pid, self._pid = self._pid, None
        time.sleep(delay)
        self.killed.append(point)
        os.kill(pid, signal.SIGKILL)

    def wait(self) -> None:
        """Until it listens, in this life or the next one."""
        deadline = time.monotonic() + STARTED
        while time.monotonic() < deadline:
            with self._changed:
                self._changed.wait_for(lambda: self._pid is not None, 1)
            try:
                httpx.get(f"{self.origin}/health", trust_env=False)
            except httpx.HTTPError:
                time.sleep(0.005)
            else:
                return
        pytest.fail("the engine did not start again")

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Answered by whatever life of the engine can."""
        deadline = time.monotonic() + STARTED
        while time.monotonic() < deadline:
            try:
                answer = httpx.request(method, self.origin + path, trust_env=False, **options)
            except httpx.HTTPError:
                self.wait()
            else:
                assert answer.status_code == 200, answer.text
                return answer.json()
        pytest.fail("the engine does not answer")


def plan(seed: int) -> Iterator[tuple[str, int, float]]:
    rng = random.Random(seed)
    for number in range(RUNS):
        point = POINTS[number % len(POINTS)]
        # it starts once in a life, and is sent a wave at a time
        nth = 0 if point in ("starting", "sent") else rng.randrange(8)
        delay = rng.uniform(0, 0.15) if point == "starting" else rng.choice(DELAYS)
        yield point, nth, delay


@contextmanager
def supervised(folder: Path, port: int, app: AppServer) -> Iterator[Engine]:
    command = [sys.executable, str(ENGINE), "--db", str(folder / "engine.db"), "--port", str(port),
               "--backoff", "0.01", "--url", app.url]  # fmt: skip
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        engine = Engine(f"http://127.0.0.1:{port}", process, app, deque(plan(SEED)))
        reader = threading.Thread(target=engine.follow)
        reader.start()
        try:
            yield engine
            assert process.poll() is None, (folder / "errors").read_text()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STARTED)
            reader.join(2 * STARTED)
            assert not reader.is_alive(), "somebody holds the pipe, or a call does not end"
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()


@dataclass
class App:
    """Functions that note what they do, with the life of the engine that had called them."""

    engine: Engine | None = None
    log: list[tuple[str, str, int]] = field(default_factory=list)

    def reach(self, point: str) -> None:
        if self.engine is not None:
            self.engine.reach(point)

    @property
    def life(self) -> int:
        return 0 if self.engine is None else self.engine.life

    def declare(self, client: inngest.Inngest) -> list[inngest.Function[Any]]:
        def function(
            kind: str, **options: Any
        ) -> Callable[[Callable[[Any, Work], Any]], inngest.Function[Any]]:
            def decorate(body: Callable[[Any, Work], Any]) -> inngest.Function[Any]:
                def handler(ctx: inngest.ContextSync) -> Any:
                    return body(ctx, Work(self, str(ctx.event.data["key"]), self.life))

                trigger = inngest.TriggerEvent(event=f"crash/{kind}")
                return client.create_function(fn_id=kind, trigger=trigger, **options)(handler)

            return decorate

        def serial(ctx: inngest.ContextSync, work: Work) -> int:
            return sum(
                work.saw(name, ctx.step.run(name, work.do, name, ctx.attempt)) for name in "abcd"
            )

        steps = function("steps", checkpointing=False)(serial)
        checkpointed = function("checkpointed", checkpointing=True)(serial)

        @function("parallel")
        def parallel(ctx: inngest.ContextSync, work: Work) -> int:
            branches = [lambda name=name: ctx.step.run(name, work.do, name) for name in "abc"]
            found = ctx.group.parallel(tuple(branches))
            total = sum(work.saw(name, each) for name, each in zip("abc", found, strict=True))
            return total + work.saw("d", ctx.step.run("d", work.do, "d"))

        @function("child")
        def child(ctx: inngest.ContextSync, work: Work) -> int:
            return work.saw("child", ctx.step.run("child", work.do, "child"))

        @function("invoke")
        def invoke(ctx: inngest.ContextSync, work: Work) -> int:
            total = work.saw("a", ctx.step.run("a", work.do, "a"))
            total += int(ctx.step.invoke("child", function=child, data={"key": work.key}))
            return total + 2 * work.saw("b", ctx.step.run("b", work.do, "b"))

        @function("sleep")
        def sleep(ctx: inngest.ContextSync, work: Work) -> int:
            total = 2 * work.saw("a", ctx.step.run("a", work.do, "a"))
            ctx.step.sleep("nap", timedelta(milliseconds=80))
            never = ctx.step.wait_for_event("wait", event="crash/never", timeout=1000)
            assert never is None
            return total + 2 * work.saw("b", ctx.step.run("b", work.do, "b"))

        @function("batch", batch_events=inngest.Batch(max_size=3, timeout=timedelta(seconds=1)))
        def batch(ctx: inngest.ContextSync, work: Work) -> int:
            return 4 * work.saw("a", ctx.step.run("a", work.do, "a"))

        return [steps, checkpointed, parallel, child, invoke, sleep, batch]

    def wsgi(self, client: inngest.Inngest) -> Callable[..., Any]:
        inner: Any = inngest.wsgi.serve(client, self.declare(client))

        def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
            self.reach("called")
            body = b"".join(inner(environ, start_response))
            self.reach("answering")
            yield body
            self.reach("answered")

        return app


@dataclass(frozen=True)
class Work:
    """One call of a function: what it does, and what it is told of earlier calls."""

    app: App
    key: str
    life: int

    def do(self, name: str, attempt: int = 1) -> int:
        self.app.reach("working")
        if name == "c" and attempt == 0:
            raise ConnectionError("at first it does not work")
        self.app.log.append(("ran", f"{self.key} {name}", self.life))
        return 1

    def saw(self, name: str, result: int) -> int:
        self.app.log.append(("saw", f"{self.key} {name}", self.life))
        return result


def check(log: list[tuple[str, str, int]]) -> None:
    """A step runs again only for a later life of the engine, and never once it was seen."""
    seen: dict[str, int] = {}
    ran: dict[str, set[int]] = {}
    for what, step, life in log:
        if what == "saw":
            seen.setdefault(step, life)
        else:
            assert life not in ran.get(step, ()), f"step {step} ran twice without a crash"
            assert life <= seen.get(step, life), f"step {step} ran after it was finished"
            ran.setdefault(step, set()).add(life)
    assert set(seen) == set(ran)


def expected(events: list[inngest.Event]) -> Counter[str]:
    """Which function is to run for which event."""
    keys = Counter(str(event.data["key"]) + " " + event.name[6:] for event in events)
    return keys + Counter(f"{key[:-7]} child" for key in keys if key.endswith("invoke"))


def completed(engine: Engine, wanted: Counter[str]) -> list[dict[str, Any]]:
    """The runs, once those for all events have ended."""
    listed: list[dict[str, Any]] = []
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        listed = engine.ask("GET", "/v0/runs", params={"limit": 1000})["data"]
        if all(run["ended_at"] for run in listed):
            runs = [engine.ask("GET", f"/v0/runs/{run['run_id']}/export") for run in listed]
            if sum(len(run["events"]) for run in runs) >= wanted.total():
                return runs
        time.sleep(0.05)
    pytest.fail(f"not all runs ended: {Counter(run['status'] for run in listed)}")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the supervisor forks")
def test_nothing_that_was_acknowledged_is_lost_or_repeated(tmp_path: Path) -> None:
    app, sent, port = App(), list[inngest.Event](), free_port()
    client = inngest.Inngest(
        app_id="crash",
        is_production=False,
        api_base_url=f"http://127.0.0.1:{port}",
        event_api_base_url=f"http://127.0.0.1:{port}",
    )
    server = AppServer(app.wsgi(client))
    with closing(client), server.running(), supervised(tmp_path, port, server) as engine:
        registered(engine)
        app.engine = engine
        for first in range(0, LIMIT * RUNS, WAVE):
            if first >= RUNS and not engine.kills:
                break
            for key in range(first, first + WAVE):
                kind = KINDS[key % len(KINDS)]
                event = inngest.Event(name=f"crash/{kind}", data={"key": key}, id=f"id {key}")
                send(client, event, engine)
                sent.append(event)
            completed(engine, expected(sent))
        runs = completed(engine, expected(sent))
        history = {run["run_id"]: engine.ask("GET", f"/v0/runs/{run['run_id']}/history")["data"]
                   for run in runs}  # fmt: skip
        app.engine = None
    check(app.log)
    started = Counter(
        f"{event['data']['key']} {run['function_id'].removeprefix('crash-')}"
        for run in runs
        for event in run["events"]
    )
    assert started == expected(sent), "each event started its function once"
    for run in history.values():
        assert run["status"] == "Completed", run
        assert {step["state"] for step in run["steps"]} == {"completed"}, run
        assert run["output"] == (1 if run["function_id"] == "crash-child" else 4), run
    assert len(engine.killed) == RUNS and set(engine.killed) == set(POINTS)


def registered(engine: Engine) -> None:
    deadline = time.monotonic() + STARTED
    while time.monotonic() < deadline:
        if len(engine.ask("GET", "/dev")["functions"]) > len(KINDS):
            return
        time.sleep(0.01)
    pytest.fail("the app was not registered")


def send(sender: inngest.Inngest, event: inngest.Event, engine: Engine) -> None:
    """Until it is acknowledged: an event that was taken unseen starts nothing twice."""
    deadline = time.monotonic() + STARTED
    while time.monotonic() < deadline:
        try:
            sender.send_sync(event)
        except SendEventsError:
            engine.wait()
        else:
            engine.reach("sent")
            return
    pytest.fail("an event cannot be sent")


@pytest.mark.parametrize(
    "log",
    [
        [("ran", "1 a", 0), ("ran", "1 a", 0)],
        [("ran", "1 a", 0), ("saw", "1 a", 1), ("ran", "1 a", 2)],
        [("saw", "1 a", 1)],
    ],
)
def test_the_check_sees_what_must_not_happen(log: list[tuple[str, str, int]]) -> None:
    with pytest.raises(AssertionError):
        check(log)
