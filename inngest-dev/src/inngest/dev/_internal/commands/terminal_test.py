"""Commands of the terminal, against an engine that runs: for people, and as JSON."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from rich.markup import escape

from inngest.dev import DevServer, Engine, InProcessDriver
from inngest.dev._internal.commands import runs, sending
from inngest.dev._internal.commands.output import exit_status, print_json
from inngest.dev._internal.commands.printable import brief, printable, span
from inngest.dev._internal.commands.remote import RemoteError
from inngest.dev._internal.commands.terminal import Terminal
from inngest.dev._internal.conftest import URL, config, hashed, op
from inngest.dev._internal.function.registration import Refusal
from inngest.dev._internal.model.values import Event, Run, Step
from inngest.transport import CommRequest, CommResponse

HEADERS = {"X-Inngest-Sdk": "test:v1", "x-inngest-req-version": "2"}
UNKNOWN = "01HZZZZZZZZZZZZZZZZZZZZZZZ"
Ask = Callable[..., tuple[int, str, str]]


class Scripted:
    """Two steps, then an end as the event says."""

    async def handle_async(self, request: CommRequest) -> CommResponse:
        body = json.loads(request.body)
        for name in ("a", "b"):
            if hashed(name) not in body["steps"]:
                return _answer(206, [op(name, "StepRun", data=name.upper())])
        if body["event"]["data"].get("waits"):
            return _answer(206, [op("nap", "Sleep", opts={"duration": "1h"})])
        if body["event"]["data"].get("trips"):
            error = {"name": "ValueError", "message": "no\nmore"}
            return _answer(206, [op("trip", "StepError", error=error)])
        if body["event"]["data"].get("loses"):
            return CommResponse(status=502, body=b"<html>", headers={})
        if body["event"]["data"].get("fails"):
            return _answer(500, {"name": "ValueError", "message": "no"})
        return _answer(200, body["event"]["data"].get("says", "done"))


def _answer(status: int, body: Any) -> CommResponse:
    return CommResponse(status=status, body=json.dumps(body).encode(), headers=HEADERS)


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(port=0, engine=Engine(driver=InProcessDriver(Scripted()))) as server:

        async def register() -> None:
            batch = {"maxSize": 2, "timeout": "1h"}
            configs = [
                config("app-fn", "go"),
                config("app-größe", "größe"),
                config("app-many", "many", batchEvents=batch),
                config("app-again", "again", retries=2),
                config("app-#1", "numbered"),
                config("app-x\x1b[2J", "steered"),
            ]
            done = server.engine.register({"appName": "app", "url": URL, "functions": configs})
            assert not isinstance(done, Refusal)

        server._do(register(), 10)
        yield server


@pytest.fixture
def ask(server: DevServer, capsys: pytest.CaptureFixture[str]) -> Ask:
    def ask(command: Callable[[list[str]], int], *arguments: str) -> tuple[int, str, str]:
        status = command([*arguments, "--engine", server.origin])
        told = capsys.readouterr()
        return status, told.out, told.err

    return ask


def test_an_event_is_sent_and_waited_for(ask: Ask, tmp_path: Path) -> None:
    status, out, _ = ask(sending.send, "go", "--wait", "60")
    assert status == 0 and "Completed" in out and '"done"' in out
    data = tmp_path / "data.json"
    data.write_text('{"fails": true}')
    status, out, _ = ask(sending.send, "go", "--data", f"@{data}", "--wait", "10", "--json")
    answer = json.loads(out)
    assert status == 1, "a run failed"
    assert [run["status"] for run in answer["runs"]] == ["Failed"]
    data.write_bytes(b'\xef\xbb\xbf{"editor": "of Windows"}')
    assert ask(sending.send, "go", "--data", f"@{data}")[0] == 0
    data.write_bytes('{"a": 1}'.encode("utf-16"))
    status, _, err = ask(sending.send, "go", "--data", f"@{data}")
    assert status == 1 and f"{data} is not UTF-8" in err
    status, out, _ = ask(sending.send, "go", "--id", "once", "--json")
    assert status == 0 and list(json.loads(out)) == ["event_id"]


def test_only_what_failed_is_told_as_an_error(ask: Ask) -> None:
    said = json.dumps({"says": {"message": "on its way"}})
    status, out, _ = ask(sending.send, "go", "--data", said, "--wait", "60")
    assert status == 0 and 'Completed  {"message": "on its way"}' in out
    status, out, _ = ask(sending.send, "go", "--data", '{"fails": true}', "--wait", "60")
    assert status == 1 and "Failed  ValueError: no" in out


def test_runs_that_were_waited_for_are_told_by_their_functions(ask: Ask) -> None:
    _, out, _ = ask(sending.send, "go", "--wait", "60")
    assert "app-fn  Completed" in out
    _, out, _ = ask(sending.trigger, "app-fn", "--wait", "60", "--json")
    (run,) = json.loads(out)["runs"]
    assert run["function_id"] == "app-fn", "as in `runs list`"


def test_a_file_that_cannot_be_opened_is_named_with_its_option(ask: Ask, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "data.json"
    status, _, err = ask(sending.send, "go", "--data", f"@{missing}")
    assert (status, err) == (1, f"--data: cannot read {missing}: No such file or directory\n")
    _, out, _ = ask(sending.send, "go", "--wait", "60", "--json")
    run_id = json.loads(out)["runs"][0]["run_id"]
    status, _, err = ask(runs.main, "show", run_id, "--export", str(missing))
    assert (status, err) == (1, f"--export: cannot write {missing}: No such file or directory\n")


def test_what_cannot_be_sent_is_said(ask: Ask) -> None:
    for arguments, says in (
        (("inngest/x",), "reserved for internal use"),
        (("go", "--data", "{"), "--data is not JSON"),
        (("go", "--data", "[]"), "must be a JSON object"),
        (("nobody", "--wait", "0"), "started no function within 0 s"),
        (("go", "--data", '{"n": NaN}'), "--data is not JSON"),
        (("go", "--data", '{"n": 1e999}'), "--data is not JSON"),
        (("go", "--data", '{"half a sign": "\\ud83d"}'), "--data is not JSON"),
        (("go", "--data", "[" * 100_000), "--data is not JSON"),
        (("go", "--data", "{id: o-1}"), "taken its double quotes: give @FILE"),  # PowerShell
        (("go", "--data", "'{id:1}'"), "taken its double quotes: give @FILE"),  # cmd.exe
    ):
        status, _, err = ask(sending.send, *arguments)
        assert status == 1 and says in err, arguments


def test_a_function_is_triggered(ask: Ask) -> None:
    status, out, _ = ask(sending.trigger, "app-fn", "--wait", "60")
    assert status == 0 and "Completed" in out
    status, _, err = ask(sending.trigger, "app-other")
    assert status == 1 and "there is: app-#1, app-again, app-fn" in err
    status, out, _ = ask(sending.trigger, "app-#1", "--wait", "10")
    assert status == 0 and "Completed" in out


def test_a_run_of_a_batch_is_shown_with_all_its_events_and_what_is_noted(
    ask: Ask, server: DevServer
) -> None:
    for number in range(2):
        ask(sending.send, "many", "--data", json.dumps({"n": number}))
    server.settle()
    (run,) = server.runs()
    noted = {"kind": "userland.note", "op": "merge", "values": {"rows": 7}}
    url = f"{server.origin}/v1/runs/{run['run_id']}/metadata"
    httpx.post(
        url, json={"target": {}, "metadata": [noted]}, trust_env=False, timeout=60
    ).raise_for_status()
    _, out, _ = ask(runs.main, "show", str(run["run_id"]))
    assert 'many {"n": 0}' in out and 'many {"n": 1}' in out
    assert 'noted   {"rows": 7}' in out


def test_runs_are_listed_shown_cancelled_and_started_again(ask: Ask, tmp_path: Path) -> None:
    assert "there are no such runs" in ask(runs.main, "list")[1]
    ask(sending.send, "go", "--wait", "60")
    ask(sending.send, "go", "--data", '{"fails": true}', "--wait", "60")
    listed = json.loads(ask(runs.main, "list", "--json")[1])
    assert [run["status"] for run in listed] == ["Failed", "Completed"]
    _, out, _ = ask(runs.main, "list", "--status", "Completed", "--function", "app-fn")
    completed = listed[1]["run_id"]
    assert completed in out and listed[0]["run_id"] not in out
    _, out, _ = ask(runs.main, "show", completed)
    assert "completed" in out and '"A"' in out and 'output  "done"' in out
    history = tmp_path / "run.json"
    assert ask(runs.main, "show", completed, "--export", str(history))[0] == 0
    assert [s["name"] for s in json.loads(history.read_text())["steps"]] == ["a", "b"]
    _, out, _ = ask(runs.main, "rerun", completed, "--from-step", "b", "--json")
    again = json.loads(out)["run_id"]
    assert again != completed
    _, out, _ = ask(runs.main, "rerun", completed, "--from-step", "b", "--input", "[7]", "--json")
    assert json.loads(out)["run_id"] not in (again, completed)
    for wrong, said in (("7", "must be a JSON list"), ("[", "not JSON")):
        _, _, error = ask(runs.main, "rerun", completed, "--from-step", "b", "--input", wrong)
        assert said in error
    assert "from_step" in ask(runs.main, "rerun", completed, "--input", "[]")[2]
    assert ask(runs.main, "rerun", completed, "--from-step", "x")[2].startswith("the run has no")


def test_a_waiting_run_is_cancelled(ask: Ask, server: DevServer) -> None:
    ask(sending.send, "go", "--data", '{"waits": true}')
    server.settle()
    (run,) = json.loads(ask(runs.main, "list", "--json")[1])
    assert ask(runs.main, "cancel", run["run_id"]) == (0, f"cancelled {run['run_id']}\n", "")
    assert json.loads(ask(runs.main, "show", run["run_id"], "--json")[1])["status"] == "Cancelled"
    assert "Invalid run ID" in ask(runs.main, "cancel", "x")[2]
    status, out, err = ask(runs.main, "cancel", run["run_id"])
    assert (status, out) == (1, "") and "the run has ended already: Cancelled" in err
    for odd in ("", "..", "../runs", "a b?c#d"):
        assert "Invalid run ID" in ask(runs.main, "show", odd)[2], odd


LOST = "Server returned a fatal error: Your server returned HTTP 502 before the SDK responded."


@pytest.mark.parametrize(
    ("data", "what", "error"),
    [("trips", "trip", "ValueError: no"), ("loses", "the function", LOST)],
)
def test_failed_attempts_of_a_run_that_goes_on_are_shown(
    ask: Ask, server: DevServer, data: str, what: str, error: str
) -> None:
    ask(sending.send, "again", "--data", json.dumps({data: True}))
    server.settle()
    (run,) = json.loads(ask(runs.main, "list", "--json")[1])
    history = json.loads(ask(runs.main, "show", run["run_id"], "--json")[1])
    assert history["status"] == "Running"
    (due,) = [each["due"] for each in history["waiting"]]
    _, out, _ = ask(runs.main, "show", run["run_id"])
    (line,) = [line for line in out.splitlines() if due in line]
    at = history["attempts"][-1]["ended_at"]
    assert line.split() == ["1", *what.split(), at, due, *error.split()]


def test_each_failed_attempt_is_told(server: DevServer) -> None:
    output = io.StringIO()
    terminal = Terminal()
    terminal.console = Console(file=output, width=300)
    server.engine.subscribe(terminal.run)
    server.engine.subscribe_to_setbacks(terminal.setback)
    server.engine._delays, server.engine._jitter = (0, 90_000), lambda: 0.0
    for data in ("trips", "loses"):
        sending.send(["again", "--data", json.dumps({data: True}), "--engine", server.origin])
        server.settle()
    told = [line.split("  ", 2)[2] for line in output.getvalue().splitlines() if "↻" in line]
    assert told == [
        "↻ trip  ValueError: no  (attempt 1 of 3, again in 0.0 s)",
        "↻ trip  ValueError: no  (attempt 2 of 3, again in 90 s)",
        f"↻ {LOST}  (attempt 1 of 3, again in 0.0 s)",
        f"↻ {LOST}  (attempt 2 of 3, again in 90 s)",
    ]


def test_of_a_run_that_an_earlier_engine_began_only_what_is_new_is_told() -> None:
    output, now = io.StringIO(), time.time_ns() // 1_000_000
    terminal = Terminal()
    terminal.console = Console(file=output, width=300)
    event = Event(internal_id="E", received_at=1, body={"name": "go", "id": "E", "ts": 1})
    run = Run(id="R", function_id="app-fn", events=(event,), status="Running", created_at=1)
    run.steps["a"] = Step(
        id="a", name="old", op="StepRun", state="completed", created_at=1, ended_at=now - 60_000
    )
    run.steps["b"] = Step(
        id="b", name="new", op="StepRun", state="failed", created_at=1, ended_at=now + 60_000,
        memo={"error": {"name": "ValueError", "message": "no"}},
    )  # fmt: skip
    run.stack = ["a", "b"]
    terminal.run(run)
    run.status, run.ended_at = "Completed", now + 60_000
    terminal.run(run)
    assert output.getvalue().splitlines() == [
        "R  app-fn  Running  (go)", "R  app-fn  ✗ new  ValueError: no", "R  app-fn  Completed"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (None, ""),
        ("<html>\n<body>", "<html>"),
        ({"message": "no"}, "Error: no"),
        ({"error": {"name": "E", "message": "x\ny"}}, "E: x"),
        ({"error": "text", "name": "E", "message": "no"}, "E: no"),
        ({"name": "E", "message": "x" * 300}, "E: " + "x" * 196 + "…"),
        (["odd"], "['odd']"),
        ({"error": "the body is not JSON"}, "the body is not JSON"),
        ({"odd": [1]}, '{"odd": [1]}'),
    ],
)
def test_an_error_is_told_in_one_line(error: object, line: str) -> None:
    assert brief(error) == line


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(40, "0.0 s"), (1500, "1.5 s"), (37_400, "37 s"), (300_000, "5 min"), (7_200_000, "2.0 h")],
)
def test_a_span_is_told_about(milliseconds: int, text: str) -> None:
    assert span(milliseconds) == text


def test_json_steers_no_terminal_and_says_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    monkeypatch.setattr(sys, "stdout", told)
    value = {"caf\u00e9\n": "\x1b[2J \x7f \x9b31m \u202e \u2066 \\"}
    print_json(value)
    told.seek(0)
    text = told.read()
    assert json.loads(text) == value
    assert "caf\u00e9" in text
    assert not {"\x1b", "\x7f", "\x9b", "\u202e", "\u2066"} & set(text)


def test_runs_that_go_on_are_named(ask: Ask) -> None:
    status, _, err = ask(sending.send, "go", "--data", '{"waits": true}', "--wait", "0.5")
    (run,) = json.loads(ask(runs.main, "list", "--json")[1])
    assert status == 1 and err == f"not ended within 0.5 s: {run['run_id']}\n"


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf", "soon"])
def test_a_wait_is_a_number_of_seconds(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        sending.send(["go", "--wait", seconds])
    assert "seconds are a number from 0 to 86400" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(server: DevServer) -> None:
    command = [sys.executable, "-m", "inngest", "runs", "list", "--json"]
    process = subprocess.Popen(
        [*command, "--engine", server.origin], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait(60) == 1


def test_a_reader_that_has_left_is_told_of_as_windows_does() -> None:
    class Unread(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EINVAL, "Invalid argument")

    noted: list[str] = []
    terminal = Terminal(unheard=lambda: noted.append("left"))
    terminal.console.file = Unread()
    terminal.say("a run")
    assert noted == ["left"]
    with pytest.raises(OSError, match="Invalid argument"):
        exit_status(lambda: Unread().write(""))


def test_what_the_terminal_s_encoding_lacks_is_escaped(ask: Ask, server: DevServer) -> None:
    ask(sending.send, "größe", "--data", '{"sign": "✓"}', "--wait", "60")

    def told(*arguments: str) -> str:
        command = [sys.executable, "-m", "inngest", "runs", *arguments, "--engine", server.origin]
        env = {**os.environ, "PYTHONIOENCODING": "ascii"}
        return subprocess.run(
            command, env=env, check=True, capture_output=True, encoding="ascii", timeout=60
        ).stdout

    (run,) = json.loads(ask(runs.main, "list", "--json")[1])
    assert "app-gr\\xf6\\xdfe" in told("list")
    assert json.loads(told("show", run["run_id"], "--json"))["event"]["data"] == {"sign": "✓"}


def test_what_others_have_written_does_not_steer_the_terminal() -> None:
    name, output = "go\x1b[2J\x07\u202e[/]", io.StringIO()
    terminal = Terminal()
    terminal.console = terminal.errors = Console(file=output)
    terminal.say(escape(name))
    terminal.problem(name, "one\ntwo")
    assert output.getvalue() == ("go\\x1b[2J\\x07\\u202e[/]\ngo\\x1b[2J\\x07\\u202e[/]: one\ntwo\n")
    assert printable("größe ✓ مرحبا\t") == "größe ✓ مرحبا\t"


def test_an_engine_that_is_not_there_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs.main(["list", "--engine", "http://127.0.0.1:9"]) == 1
    assert "no engine answers at http://127.0.0.1:9" in capsys.readouterr().err
    monkeypatch.setenv("INNGEST_DEV", "127.0.0.1:9")
    assert runs.main(["list"]) == 1, "as clients read it"
    assert "no engine answers at http://127.0.0.1:9" in capsys.readouterr().err
    for wrong in ("ftp://localhost:8288", "http://", "http://x:y", "http://xn--a"):
        assert runs.main(["list", "--engine", wrong]) == 1
        assert "--engine takes a URL like http://127.0.0.1:8288" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["show", UNKNOWN], ["cancel", UNKNOWN], ["rerun", UNKNOWN], ["send"], ["trigger"]],
)
def test_a_server_that_is_no_engine_is_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    class Page(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-length", "6")
            self.end_headers()
            self.wfile.write(b"<html>")

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """To nobody."""

    commands = {"send": sending.send, "trigger": sending.trigger}
    command = commands.get(arguments[0], runs.main)
    given = arguments if command is runs.main else ["app-fn"]
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert command([*given, "--engine", origin]) == 1
        finally:
            server.shutdown()
            thread.join(60)
    assert f"what answers at {origin} is no inngest-dev engine" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        (runs.main, ["list", "--signing-key", "schl\xfcssel"], "--signing-key"),
        (runs.main, ["list", "--signing-key", "two\nlines"], "--signing-key"),
        (runs.main, ["list", "--status", "\udcff"], "not UTF-8"),
        (sending.send, ["\udcff"], "not UTF-8"),
        (sending.send, ["x", "--id", "\udcff"], "not UTF-8"),
        (runs.main, ["rerun", UNKNOWN, "--from-step", "\udcff"], "not UTF-8"),
    ],
)
def test_arguments_that_cannot_be_sent_are_said(
    ask: Ask, command: Callable[[list[str]], int], arguments: list[str], says: str
) -> None:
    status, _, err = ask(command, *arguments)
    assert status == 1 and says in err and "Traceback" not in err


def test_a_keyed_engine_asks_for_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    key = "signkey-test-" + "ab" * 32
    with DevServer(port=0, engine=Engine(signing_key=key)) as server:
        arguments = ["list", "--engine", server.origin]
        assert runs.main(arguments) == 1
        assert "the engine asks for a key: give --signing-key" in capsys.readouterr().err
        assert runs.main([*arguments, "--signing-key", "signkey-test-" + "cd" * 32]) == 1
        assert "the engine refuses this --signing-key" in capsys.readouterr().err
        assert runs.main([*arguments, "--signing-key", key]) == 0
        capsys.readouterr()
        assert runs.main([*arguments, "--signing-key", key, "--status", "failed"]) == 1
        assert "status must be one of Scheduled, Running" in capsys.readouterr().err


def test_what_was_sent_is_told_though_nobody_may_wait_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with DevServer(port=0, engine=Engine(signing_key="signkey-test-" + "ab" * 32)) as server:
        assert (
            sending.send(["a/b", "--engine", server.origin, "--event-key", "k", "--wait", "1"]) == 1
        )
        told = capsys.readouterr()
        assert told.out.startswith("sent 01") and "give --signing-key" in told.err


@pytest.mark.parametrize("key", ["signkey-prod-abcd", "abcd", "signkey-test-no-hex"])
def test_whoever_answers_in_the_place_of_an_engine_is_not_given_the_signing_key(
    capsys: pytest.CaptureFixture[str], key: str
) -> None:
    given: list[str] = []

    class Spy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given.append(self.headers["authorization"])
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """To nobody."""

    with HTTPServer(("127.0.0.1", 0), Spy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            origin = f"http://127.0.0.1:{server.server_port}"
            assert runs.main(["list", "--engine", origin, "--signing-key", key]) == 0
        finally:
            server.shutdown()
            thread.join(60)
    (authorization,) = given
    assert key.rpartition("-")[2] not in authorization
    with DevServer(port=0, engine=Engine(signing_key=key)) as engine:
        assert runs.main(["list", "--engine", engine.origin, "--signing-key", key]) == 0
    capsys.readouterr()


def test_a_function_s_id_steers_no_terminal(ask: Ask) -> None:
    _, sent, _ = ask(sending.send, "steered", "--wait", "60")
    _, listed, _ = ask(runs.main, "list")
    run_id = next(word for word in listed.split() if word.startswith("01"))
    _, shown, _ = ask(runs.main, "show", run_id)
    for told in (sent, listed, shown):
        assert "app-x\\x1b[2J" in told
        assert "\x1b" not in told


def test_an_error_of_others_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> int:
        raise RemoteError("no step \x1b[2J\x9b31m\u202e")

    assert exit_status(fails) == 1
    assert capsys.readouterr().err == "no step \\x1b[2J\\x9b31m\\u202e\n"
