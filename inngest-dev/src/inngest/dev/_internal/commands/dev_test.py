"""`dev` as a process: it serves an app, starts it again when it changes, and ends cleanly."""

from __future__ import annotations

import errno
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inngest.dev._internal.commands import sending
from inngest.dev._internal.commands.dev import main
from inngest.dev._internal.commands.hosted import HostedApp

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
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        return status


@contextmanager
def running(directory: Path, *arguments: str) -> Iterator[Dev]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("INNGEST_")}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "inngest", "dev", "--port", "0", *arguments],
        cwd=directory,
        env={**environment, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    dev = Dev(process)
    try:
        yield dev
    finally:
        if process.poll() is None:
            dev.end()
        assert process.stdout is not None
        process.stdout.close()


def change(path: Path, text: str, seconds: int) -> None:
    """Write a file, with a time of its own: two writes may be too close for the clock."""
    path.write_text(text)
    os.utime(path, (seconds, seconds))


def origin_of(line: str) -> str:
    found = re.search(r"http://[\d.:]+", line)
    assert found is not None
    return found[0]


def send(origin: str, capsys: pytest.CaptureFixture[str]) -> str:
    status = sending.send(["go", "--engine", origin, "--wait", "30"])
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


def test_a_keyed_engine_gives_the_app_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "signkey-test-" + "ab" * 32
    change(tmp_path / "app.py", APP.format(name="signed"), 1000)
    with running(tmp_path, "--signing-key", key, "--app", "app:app", "--no-ui") as dev:
        origin = origin_of(dev.hear("is listening"))
        dev.hear("shop-signed  on go")
        arguments = ["go", "--engine", origin, "--signing-key", key, "--wait", "30"]
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


def test_without_an_app_it_says_how_to_name_one(tmp_path: Path) -> None:
    with running(tmp_path) as dev:
        assert "--app module:app" in dev.hear("no app found")


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
