"""`inngest.experimental.dev_server`: what it starts, and that it ends with all it started.

The real server and npx are stood in for by executables of the test's own; nothing is fetched.
"""

from __future__ import annotations

import itertools
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import inngest
from inngest.errors import Error
from inngest.experimental import dev_server
from inngest.experimental.dev_server import Server

from .ports import free_port

FAKE = """#!{python}
import http.server, json, os, subprocess, sys
said = {{"argv": sys.argv[1:], "name": os.path.basename(sys.argv[0]), "pid": os.getpid()}}
if said["name"] == "npx":  # which starts what it has fetched
    command = [sys.executable, {inner!r}, *sys.argv[1:]]
    sys.exit(subprocess.run(command, env={{**os.environ, "BY_NPX": "1"}}).returncode)
print("listening soon", flush=True)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

said["by_npx"] = os.environ.get("BY_NPX") == "1"
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
FLAGS = ["dev", "--no-discovery", "--no-poll", "--port"]


def executable(folder: Path, name: str, text: str = FAKE) -> None:
    path = folder / name
    path.write_text(text.format(python=sys.executable, inner=str(folder / "_fetched")))
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    executable(tmp_path, "_fetched")
    return tmp_path


@pytest.fixture
def made(folder: Path) -> Iterator[Any]:
    servers: list[Server] = []

    def make(**environ: str) -> Server:
        environ.setdefault("DEV_SERVER_PORT", str(free_port()))
        servers.append(Server({"PATH": str(folder), **environ}))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


def asked(server: Server) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(
        f"{server.origin}/health", timeout=60, trust_env=False
    ).json()
    return answer


def is_there(server: Server) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", server.port)) == 0


@pytest.mark.parametrize("name", ["inngest", "inngest-cli"])
def test_an_installed_server_is_run(name: str, folder: Path, made: Any) -> None:
    executable(folder, name)
    server = made()
    server.start()
    said = asked(server)
    assert (said["name"], said["argv"]) == (name, [*FLAGS, str(server.port)])
    server.start()
    assert asked(server)["pid"] == said["pid"], "it runs already"
    server.stop()
    server.stop()
    assert not is_there(server)
    server.start()
    assert asked(server)["pid"] != said["pid"]


@pytest.mark.parametrize(
    ("environ", "package"),
    [({}, "inngest-cli@latest"), ({"DEV_SERVER_VERSION": "1.2.3"}, "inngest-cli@1.2.3")],
)
def test_npx_runs_the_version_that_is_asked_for(
    environ: dict[str, str], package: str, folder: Path, made: Any
) -> None:
    executable(folder, "npx")
    if environ:
        executable(folder, "inngest")  # may be another version
    server = made(**environ)
    server.start()
    said = asked(server)
    assert said["by_npx"]
    assert said["argv"] == ["--yes", package, *FLAGS, str(server.port)]
    server.stop()
    assert not is_there(server), "what npx has started has ended too"


def test_what_npx_has_started_ends_on_windows_too(
    folder: Path, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(folder, "npx")
    taskkill = folder / "taskkill"  # by the documentation of Windows: /T /F /PID number
    taskkill.write_text('#!/bin/sh\n[ "$1 $2 $3" = "/T /F /PID" ] && kill -9 "-$4"\n')
    taskkill.chmod(0o755)
    server = made()
    server.start()
    assert asked(server)["by_npx"]
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(sys, "platform", "win32")
    server.stop()
    end = time.monotonic() + 60
    while is_there(server):  # nobody waits for what is not our own child
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_installed_server_is_preferred_to_npx(folder: Path, made: Any) -> None:
    executable(folder, "npx")
    executable(folder, "inngest")
    server = made()
    server.start()
    assert not asked(server)["by_npx"]


def test_without_them_the_embedded_engine_runs(made: Any) -> None:
    server = made()
    server.start()
    client = inngest.Inngest(app_id="app", is_production=False, event_api_base_url=server.origin)
    assert len(client.send_sync(inngest.Event(name="e"))) == 1
    client.close()
    server.stop()
    assert not is_there(server)


def test_without_any_the_wheel_is_named(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "inngest.dev", None)
    with pytest.raises(Error, match="pip install inngest-dev"):
        made().start()


@pytest.mark.parametrize("value", ["0", "false", "False"])
def test_nothing_is_started_when_it_is_off(value: str, folder: Path, made: Any) -> None:
    executable(folder, "inngest", "#!{python}\nraise SystemExit('started')\n")
    server = made(DEV_SERVER_ENABLED=value)
    server.start()
    server.stop()
    assert server.origin == f"http://127.0.0.1:{server.port}"
    assert Server({"DEV_SERVER_ENABLED": value}).origin == "http://127.0.0.1:8288"


def test_the_port_is_the_one_that_is_asked_for(folder: Path, made: Any) -> None:
    executable(folder, "inngest")
    port = free_port()
    server = made(DEV_SERVER_PORT=str(port))
    assert (server.port, server.origin) == (port, f"http://127.0.0.1:{port}")
    server.start()
    assert asked(server)["argv"][-1] == str(port)
    with pytest.raises(Error, match=f"port {port} is in use.*DEV_SERVER_PORT"):
        made(DEV_SERVER_PORT=str(port)).start()


def test_a_free_port_is_found_and_kept() -> None:
    server = Server({})
    assert 1024 < server.port < 32_768, "Linux gives these to nobody; others begin higher"
    with socket.create_server(("127.0.0.1", server.port)) as taken:
        assert taken.getsockname()[1] == server.port != 8288


@pytest.mark.parametrize("text", ["x", "0", "65536", "-1", "8288.0"])
def test_what_is_no_port_is_refused(text: str, made: Any) -> None:
    with pytest.raises(Error, match="DEV_SERVER_PORT must be a number"):
        made(DEV_SERVER_PORT=text).start()


@pytest.mark.parametrize("shows", [True, False])
def test_its_output_is_shown_when_asked_for(
    shows: bool, folder: Path, made: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    executable(folder, "inngest")
    server = made(DEV_SERVER_LOGS="1" if shows else "0")
    server.start()
    server.stop()
    assert ("listening soon" in capfd.readouterr().out) is shows


def test_a_server_that_ends_at_once_is_told_with_what_it_wrote(folder: Path, made: Any) -> None:
    executable(folder, "inngest", "#!{python}\nraise SystemExit('no licence')\n")
    server = made()
    with pytest.raises(Error, match="exited with 1 before it responded:\nno licence"):
        server.start()
    executable(folder, "inngest")
    server.start()
    assert asked(server)["name"] == "inngest", "it can be started once it works"


def test_a_server_that_never_answers_is_ended(
    folder: Path, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import os, pathlib, time; print('up', flush=True); "
    program += f"pathlib.Path({str(folder / 'pid')!r}).write_text(str(os.getpid())); time.sleep(60)"
    executable(folder, "inngest", f"#!{{python}}\n{program}\n")
    pid, looks = folder / "pid", itertools.count()

    def monotonic() -> float:
        """Return a time that is an hour later once the server is up."""
        is_up = next(looks) > 0 and pid.exists() and bool(pid.read_text())
        return time.monotonic() + 3600 * is_up

    clock = SimpleNamespace(monotonic=monotonic, sleep=time.sleep)
    monkeypatch.setattr("inngest.experimental.dev_server._process.time", clock)
    with pytest.raises(Error, match="did not respond within 120 s:\nup"):
        made().start()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_the_server_of_the_process_runs(
    folder: Path, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(folder, "inngest")
    monkeypatch.setattr(dev_server.server, "_port", None)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DEV_SERVER_PORT", str(free_port()))
    dev_server.server.start()
    try:
        assert asked(dev_server.server)["name"] == "inngest"
    finally:
        dev_server.server.stop()
    assert not is_there(dev_server.server)
