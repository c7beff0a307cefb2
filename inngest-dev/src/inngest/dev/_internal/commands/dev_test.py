"""`dev` as a process: it serves an app, starts it again when it changes, and ends cleanly."""

from __future__ import annotations

import errno
import os
import queue
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from inngest.dev import DevServer
from inngest.dev._internal.commands import hosted, sending
from inngest.dev._internal.commands.dev import main
from inngest.dev._internal.commands.hosted import HostedApp
from inngest.dev._internal.commands.syncing import sync_failure
from inngest.dev._internal.conftest import URL, config

APP = """
import inngest, inngest.asgi

client = inngest.Inngest(app_id="shop")

@client.create_function(fn_id="{name}", trigger=inngest.TriggerEvent(event="go"))
def fn(ctx: inngest.ContextSync) -> str:
    return ctx.step.run("work", lambda: "{name}")

app = inngest.asgi.serve(client, [fn])
"""
LIMIT = 60.0


class Dev:
    """The process, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def hear(self, text: str) -> str:
        """Wait for a line with this text."""
        while True:
            try:
                line = self._lines.get(timeout=LIMIT)
            except queue.Empty:
                raise AssertionError(f"did not say {text!r}: {self.said}") from None
            self.said.append(line)
            if text in line:
                return line

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def end(self) -> int:
        """End it, unless it has ended: its apps let go of the pipe a moment later."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        assert not self._reader.is_alive(), "an app still holds the pipe"
        return status


@contextmanager
def running(directory: Path, *arguments: str, own_group: bool = False) -> Iterator[Dev]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INNGEST_")}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "inngest", "dev", "--port", "0", *arguments],
        cwd=directory,
        env={**environment, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=own_group,
    )
    dev = Dev(process)
    try:
        yield dev
    finally:
        dev.end()
        assert process.stdout is not None
        process.stdout.close()


def change(path: Path, text: str, seconds: int) -> None:
    """Write a file, with a time of its own: two writes may be too close for the clock.

    It changes once: who looks meanwhile finds neither half of it nor another time.
    """
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    os.utime(draft, (seconds, seconds))
    draft.replace(path)


def until_it_naps(origin: str) -> None:
    """Until the engine knows of the nap of its only run."""
    deadline = time.monotonic() + LIMIT
    with httpx.Client(base_url=origin, timeout=LIMIT, trust_env=False) as http:
        while True:
            (run,) = http.get("/v0/runs").json()["data"]
            history = http.get(f"/v0/runs/{run['run_id']}/history").json()["data"]
            if any(step["name"] == "nap" for step in history["steps"]):
                return
            assert time.monotonic() < deadline, history
            time.sleep(0.02)


def an_hour_passes(db: Path) -> None:
    """For an engine that does not run: what was due within an hour is due."""
    with closing(sqlite3.connect(db)) as store, store:
        store.execute("UPDATE items SET due = due - 3600000")


def origin_of(line: str) -> str:
    found = re.search(r"http://[\d.:]+", line)
    assert found is not None
    return found[0]


def free_port() -> int:
    app = HostedApp("app:app", {})
    app.close()
    return app.port


@contextmanager
def served(directory: Path, engine: str, port: int | None = None) -> Iterator[str]:
    """The app of a directory, as its developer serves it: the URL of its endpoint."""
    app = HostedApp("app:app", {"INNGEST_DEV": engine})
    app.port = port or app.port
    try:
        assert app.start(lambda: False, directory) is None
        yield f"{app.origin}/api/inngest"
    finally:
        app.close()


def send(origin: str, capsys: pytest.CaptureFixture[str]) -> str:
    status = sending.send(["go", "--engine", origin, "--wait", "60"])
    told = capsys.readouterr()
    assert status == 0, told
    return told.out


def test_an_app_is_found_served_and_started_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = tmp_path / "app.py"
    change(app, APP.format(name="first"), 1000)
    with running(tmp_path) as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("dashboard:")
        dev.hear(": 1 function")
        dev.hear("shop-first  on go")
        assert '"first"' in send(origin, capsys)
        dev.hear("✓ work")
        dev.hear("shop-first  Completed")

        change(app, APP.format(name="second"), 2000)
        dev.hear("app.py changed: starting app:app again")
        dev.hear("shop-second  on go")
        assert '"second"' in send(origin, capsys)

        change(app, "import inngest\napp = 1 / 0\n", 3000)
        dev.hear("cannot serve app:app: app cannot be imported")
        dev.hear("ZeroDivisionError")
        dev.hear("waiting for a change of its code")
        change(app, APP.format(name="third"), 4000)
        dev.hear("shop-third  on go")
        assert dev.end() == 0
        dev.hear("stopped")


def test_an_app_that_has_got_another_id_takes_the_place_of_its_former_self(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = tmp_path / "app.py"
    change(app, APP.format(name="fn"), 1000)
    with running(tmp_path) as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("shop-fn  on go")
        change(app, APP.format(name="fn").replace('"shop"', '"store"'), 2000)
        dev.hear("store-fn  on go")
        dev.hear("shop is forgotten: it is not served any more")
        assert '"fn"' in send(origin, capsys)
        assert len(httpx.get(f"{origin}/v0/runs", trust_env=False).json()["data"]) == 1


NAPPING = """
import inngest, inngest.wsgi

client = inngest.Inngest(app_id="shop")

@client.create_function(fn_id="nap", trigger=inngest.TriggerEvent(event="go"), retries=0)
def nap(ctx: inngest.ContextSync) -> str:
    ctx.step.sleep("nap", int(ctx.event.data["ms"]))
    return ctx.step.run("work", lambda: "done")

app = inngest.wsgi.serve(client, [nap])
"""


def test_runs_wait_for_an_app_that_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """None of them fails, though none has a second attempt."""
    app = tmp_path / "app.py"
    change(app, NAPPING, 1000)
    with running(tmp_path, "--db", "runs.db", "--no-ui") as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("shop-nap  on go")
        nap = ["go", "--data", '{"ms": 1}', "--engine", origin]
        assert sending.send(["go", "--data", '{"ms": 3000000}', "--engine", origin]) == 0
        until_it_naps(origin)
        assert dev.end() == 0
    an_hour_passes(tmp_path / "runs.db")  # the app is not there yet when the engine is
    with running(tmp_path, "--db", "runs.db", "--no-ui") as dev:
        nap[-1] = origin = origin_of(dev.hear("is listening"))
        dev.hear("✓ nap")
        dev.hear("Completed")
        change(app, NAPPING + "\n", 2000)
        for _ in range(8):
            assert sending.send(nap) == 0
            time.sleep(0.1)
        dev.hear("starting app:app again")
        dev.hear("shop-nap  on go")
        assert sending.send([*nap, "--wait", "60"]) == 0, capsys.readouterr()
        assert dev.end() == 0
        assert not [line for line in dev.said if "Failed" in line]


def test_a_keyed_engine_gives_the_app_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "signkey-test-" + "ab" * 32
    change(tmp_path / "app.py", APP.format(name="signed"), 1000)
    with running(tmp_path, "--signing-key", key, "--app", "app:app", "--no-ui") as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("shop-signed  on go")
        arguments = ["go", "--engine", origin, "--signing-key", key, "--wait", "60"]
        assert sending.send(arguments) == 0, capsys.readouterr()
        dev.hear("Completed")
        assert not any("dashboard" in line for line in dev.said)


def test_functions_that_the_engine_refuses_are_named(tmp_path: Path) -> None:
    bad = 'TriggerEvent(event="go", expression="event.data.(")'
    text = APP.format(name="bad").replace('TriggerEvent(event="go")', bad)
    change(tmp_path / "app.py", text, 1000)
    with running(tmp_path) as dev:
        line = dev.hear("could not sync")
        assert "shop-bad" in line, line


def test_an_endpoint_that_is_elsewhere_is_asked_for(tmp_path: Path) -> None:
    change(tmp_path / "app.py", APP.format(name="fn"), 1000)
    with running(tmp_path, "--path", "/elsewhere") as dev:
        assert "--path" in dev.hear("could not sync")


TWO_CLIENTS = """
import inngest, inngest.asgi

def served(name):
    client = inngest.Inngest(app_id=name)

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
    def fn(ctx: inngest.ContextSync) -> None: ...

    return inngest.asgi.serve(client, [fn], serve_path=f"/{name}")

one, two = served("one"), served("two")

async def app(scope, receive, send):
    await (one if scope["path"] == "/one" else two)(scope, receive, send)
"""


def test_an_app_of_two_clients_is_synced_at_both_paths(tmp_path: Path) -> None:
    change(tmp_path / "app.py", TWO_CLIENTS, 1000)
    with running(tmp_path, "--app", "app:app", "--path", "/one", "--path", "two") as dev:
        dev.hear("one-fn  on go")
        dev.hear("two-fn  on go")


def test_an_app_that_is_started_after_the_engine_is_synced(tmp_path: Path) -> None:
    change(tmp_path / "app.py", APP.format(name="late"), 1000)
    port = free_port()
    with running(tmp_path, "--url", f"http://127.0.0.1:{port}/api/inngest") as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("could not sync: nobody answers at")
        dev.hear("is asked again until it answers")
        with served(tmp_path, origin, port):
            dev.hear("shop-late  on go")


def test_an_app_that_knows_another_engine_is_told_of_this_one(tmp_path: Path) -> None:
    change(tmp_path / "app.py", APP.format(name="fn"), 1000)
    with (
        DevServer(port=0) as other,
        served(tmp_path, other.origin) as url,
        running(tmp_path, "--url", url) as dev,
    ):
        origin = origin_of(dev.hear("is listening"))
        said = dev.hear("could not sync")
        assert f"registered elsewhere. Start the app with INNGEST_DEV={origin}" in said


def test_what_a_sync_failed_of_is_said_with_what_to_do() -> None:
    def told(status: int, text: str, option: str = "--url") -> str:
        return sync_failure(status, text, "http://app", option, "http://engine")

    lost = '{"code": "server_unreachable", "message": "no answer came"}'
    hint = "Start the app with INNGEST_DEV=http://engine"
    assert told(500, lost) == f"http://app: no answer came. {hint}"
    assert told(500, '{"message": "no"}') == "http://app: no"
    other = '{"code": "server_kind_mismatch", "message": "expected Cloud"}'
    assert told(400, other) == f"http://app: expected Cloud. {hint}"
    keyed = sync_failure(400, other, "http://app", "--url", "http://engine", is_keyed=True)
    assert "without INNGEST_DEV, with INNGEST_BASE_URL=http://engine and the" in keyed
    assert told(404, "").endswith("Say --url.")
    assert told(404, "", "--path").endswith("Say --path.")
    assert told(502, "down") == "http://app answered 502: down"


def test_an_app_that_cannot_be_read_is_started_once_it_can(tmp_path: Path) -> None:
    change(tmp_path / "app.py", "import inngest\napp = (\n", 1000)
    with running(tmp_path) as dev:
        dev.hear("SyntaxError")
        change(tmp_path / "app.py", APP.format(name="mended"), 2000)
        dev.hear("shop-mended  on go")


LIFESPAN = """
import contextlib, starlette.applications

@contextlib.asynccontextmanager
async def lifespan(app):
    raise ConnectionError("no database")
    yield

import inngest
app = starlette.applications.Starlette(lifespan=lifespan)
"""


def test_an_app_whose_startup_fails_is_started_once_it_can(tmp_path: Path) -> None:
    change(tmp_path / "app.py", LIFESPAN, 1000)
    with running(tmp_path) as dev:
        dev.hear("no database")
        dev.hear("cannot serve app:app: its startup has failed")
        change(tmp_path / "app.py", APP.format(name="mended"), 2000)
        dev.hear("shop-mended  on go")


@pytest.mark.parametrize(
    ("arguments", "is_open"),
    [
        (["--host", "0.0.0.0"], True),
        (["--host", "0.0.0.0", "--signing-key", "abcd"], True),
        (["--host", "0.0.0.0", "--signing-key", "abcd", "--event-key", "k"], False),
        (["--host", "localhost"], False),
        ([], False),
    ],
)
def test_an_engine_that_is_open_to_others_says_so(
    tmp_path: Path, arguments: list[str], is_open: bool
) -> None:
    with running(tmp_path, *arguments) as dev:
        dev.hear("no app found here")
    assert any("whoever reaches it" in line for line in dev.said) is is_open


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_ctrl_c_ends_all_of_it_without_a_traceback(tmp_path: Path, kind: str) -> None:
    change(tmp_path / "app.py", APP.format(name="fn").replace("asgi", kind), 1000)
    with running(tmp_path, own_group=True) as dev:
        dev.hear("shop-fn  on go")
        os.killpg(dev.process.pid, signal.SIGINT)  # as a terminal does: to the app, too
        dev.hear("stopped")
        assert dev.process.wait(LIMIT) == 0
        assert "Traceback" not in "".join(dev.said)


GO_ON = "go-on"
UNTIL_IT_MAY_GO_ON = f"""
import pathlib, time
until = time.monotonic() + {LIMIT}
while not pathlib.Path({GO_ON!r}).exists():
    assert time.monotonic() < until, "nobody said so"
    time.sleep(0.01)
"""
NAPS = """
import inngest, inngest.asgi

client = inngest.Inngest(app_id="shop")

@client.create_function(fn_id="naps", trigger=inngest.TriggerEvent(event="go"), retries=0)
def naps(ctx: inngest.ContextSync) -> str:
    ctx.step.run("first", lambda: 1)
    ctx.step.sleep("nap", int(ctx.event.data.get("ms", 3_000_000)))
    return ctx.step.run("last", lambda: "done")

app = inngest.asgi.serve(client, [naps])
"""


def test_no_attempt_is_spent_on_an_app_that_is_being_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = tmp_path / "app.py"
    change(app, NAPS, 1000)
    with running(tmp_path, "--db", "runs.db") as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("shop-naps  on go")
        assert sending.send(["go", "--engine", origin]) == 0, capsys.readouterr()
        dev.hear("✓ first")
        until_it_naps(origin)
        dev.process.kill()
        dev.process.wait(LIMIT)
    an_hour_passes(tmp_path / "runs.db")  # the app is not there yet when the engine is
    change(app, f"{NAPS}\napp = (", 2000)
    with running(tmp_path, "--db", "runs.db") as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("waiting for a change of its code")
        change(app, NAPS, 3000)
        dev.hear("shop-naps  Completed")
        change(app, f"{NAPS}{UNTIL_IT_MAY_GO_ON}", 4000)
        dev.hear("app.py changed: starting app:app again")
        nap = ["go", "--data", '{"ms": 1}', "--engine", origin]
        assert sending.send(nap) == 0, capsys.readouterr()
        (tmp_path / GO_ON).touch()
        dev.hear("shop-naps  Completed")
        assert not any("Failed" in line for line in dev.said)


AS_ON_WINDOWS = """
import asyncio, subprocess

def add_signal_handler(*_):
    raise NotImplementedError

subprocess.Popen.terminate = subprocess.Popen.kill
asyncio.SelectorEventLoop.add_signal_handler = add_signal_handler
"""
SLOW = """
import inngest, {module}

client = inngest.Inngest(app_id="shop")

@client.create_function(fn_id="slow", trigger=inngest.TriggerEvent(event="go"), retries=0)
def slow(ctx: inngest.ContextSync) -> str:
    return ctx.step.run("work", work)

def work() -> str:
    print("working", flush=True)
    {until_it_may_go_on}
    return "done"

{serve}
"""


@pytest.mark.parametrize(
    ("module", "serve"),
    [
        ("inngest.asgi", "app = inngest.asgi.serve(client, [slow])"),
        ("inngest.wsgi", "app = inngest.wsgi.serve(client, [slow])"),
        (
            "inngest.tornado, tornado.web",
            "app = tornado.web.Application()\ninngest.tornado.serve(app, client, [slow])",
        ),
    ],
    ids=["asgi", "wsgi", "tornado"],
)
def test_a_call_that_is_under_way_ends_before_the_app_is_started_again(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    serve: str,
) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(AS_ON_WINDOWS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    app = tmp_path / "app.py"
    until_it_may_go_on = textwrap.indent(UNTIL_IT_MAY_GO_ON, "    ")
    text = SLOW.format(module=module, serve=serve, until_it_may_go_on=until_it_may_go_on)
    change(app, text, 1000)
    with running(tmp_path) as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("shop-slow  on go")
        assert sending.send(["go", "--engine", origin]) == 0, capsys.readouterr()
        dev.hear("working")
        os.utime(app, (2000, 2000))
        dev.hear("starting app:app again")
        (tmp_path / GO_ON).touch()
        dev.hear("✓ work")
        dev.hear("shop-slow  Completed")
        dev.hear(": 1 function")
        assert not any("↻" in line or "Failed" in line for line in dev.said)


def test_no_attempt_is_spent_on_an_app_that_never_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(tmp_path / "app.py", NAPS, 1000)
    port = free_port()
    arguments = "--db", "runs.db", "--url", f"http://127.0.0.1:{port}/api/inngest"
    with running(tmp_path, *arguments) as dev:
        origin = origin_of(dev.hear("is listening"))
        with served(tmp_path, origin, port):
            dev.hear("shop-naps  on go")
            assert sending.send(["go", "--engine", origin]) == 0, capsys.readouterr()
            dev.hear("✓ first")
            until_it_naps(origin)
            dev.process.kill()
            dev.process.wait(LIMIT)
    an_hour_passes(tmp_path / "runs.db")
    with running(tmp_path, *arguments) as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("is asked again until it answers")
        with served(tmp_path, origin, port):
            dev.hear("shop-naps  Completed")
        assert not any("Failed" in line for line in dev.said)


def test_an_app_ends_with_an_engine_that_was_killed(tmp_path: Path) -> None:
    change(tmp_path / "app.py", APP.format(name="fn"), 1000)
    with running(tmp_path) as dev:
        port = int(origin_of(dev.hear("synced")).rpartition(":")[2])
        dev.process.kill()
        deadline = time.monotonic() + LIMIT
        while hosted._listens(port):
            assert time.monotonic() < deadline, "the app goes on"
            time.sleep(0.02)


def test_it_ends_when_nobody_reads_any_more(tmp_path: Path) -> None:
    change(tmp_path / "app.py", APP.format(name="fn"), 1000)
    process = subprocess.Popen(
        [sys.executable, "-m", "inngest", "dev", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(LIMIT) in (0, 1)


def test_an_app_that_registers_of_its_own_accord_is_told_of(tmp_path: Path) -> None:
    """As a worker of Connect does, each time that it connects: once for what it has."""
    absent = f"http://127.0.0.1:{free_port()}/api/inngest"
    with running(tmp_path, "--no-ui", "--url", absent) as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("is asked again until it answers")

        def register(*names: str) -> None:
            body = {"appName": "shop", "url": URL, "functions": [config(n, "go") for n in names]}
            answer = httpx.post(f"{origin}/fn/register", json=body, timeout=LIMIT)
            assert answer.status_code == 200

        register("shop-one")
        dev.hear("shop registered: 1 function")
        dev.hear("shop-one  on go")
        register("shop-one")
        endpoint = {"domain": "http://shop.test", "method": "POST", "path": "/pay"}
        request = {"name": "inngest/http.request", "data": endpoint}
        begun = {"run_id": "01HZZZZZZZZZZZZZZZZZZZZZZZ", "event": request, "request_version": 2}
        answer = httpx.post(f"{origin}/v1/checkpoint", json=begun, timeout=LIMIT)
        assert answer.status_code == 200, answer.text
        register("shop-one", "shop-two")
        dev.hear("shop registered: 2 functions")
        dev.hear("shop-two  on go")
        assert dev.end() == 0
        dev.hear("stopped")
    assert sum(" registered" in line for line in dev.said) == 2, "an endpoint's run tells of it"


def test_without_an_app_it_says_how_to_name_one(tmp_path: Path) -> None:
    with running(tmp_path) as dev:
        line = dev.hear("no app found")
        assert "--app module:app" in line and "worker of Connect" in line


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--port", "70000"], ["--backoff", "-1"]])
def test_wrong_arguments_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_no_connection_is_given_the_port_of_an_app_that_is_started_again() -> None:
    app = HostedApp("app:app", {})
    try:
        assert 1024 < app.port < 32_768, "Linux gives these to nobody; others begin higher"
    finally:
        app.close()


def test_a_file_that_is_no_database_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.db"
    path.write_text("this is no database, but a text that is long enough to be read as one")
    assert main(["--port", "0", "--db", str(path)]) == 1
    assert "cannot use the database" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "value", "said"),
    [
        ("--port", "70000", "a port is a number from 0 to 65535"),
        ("--port", "http", "a port is a number from 0 to 65535"),
        ("--backoff", "1,soon", "delays are seconds from 0 to 86400"),
        ("--url", "localhost", "a URL is like http://127.0.0.1:8000/api/inngest"),
        ("--url", "http://[", "a URL is like http://127.0.0.1:8000/api/inngest"),
    ],
)
def test_options_that_cannot_be_used_are_named(
    argument: str, value: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([argument, value])
    error = capsys.readouterr().err
    assert argument in error
    assert said in error


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN])
def test_an_address_of_another_machine_is_said(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def create_server(*_: object, **_options: object) -> None:
        raise OSError(number, "cannot bind")

    monkeypatch.setattr(socket, "create_server", create_server)
    assert main(["--host", "elsewhere", "--port", "0"]) == 1
    assert "is no address of this machine" in capsys.readouterr().err
