from __future__ import annotations

import ast
import http.server
import json
import os
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inngest.__main__ import main as started
from inngest._internal.cli.environment import check_environment
from inngest._internal.cli.finding import Finding
from inngest._internal.cli.functions import check_app
from inngest._internal.cli.installation import check_installation
from inngest._internal.cli.main import main
from inngest._internal.cli.namespace import inspect
from inngest._internal.cli.server import check_server
from inngest._internal.plugins.host import PluginHost
from inngest._internal.plugins.installed import Scan
from inngest._internal.version import VERSION

KEY = "signkey-test-00112233445566778899aabbccddeeff"


Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install distributions' metadata in a directory on ``sys.path``."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(
        name: str,
        version: str = "1",
        body: str | None = None,
        record: str = "",
        entry: str | None = None,
    ) -> None:
        stem = name.replace("-", "_")
        info = tmp_path / f"{stem}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text(record)
        if body is not None:
            (info / "entry_points.txt").write_text(
                f"[inngest]\n{entry or name} = mod_{stem}:plugin\n"
            )
            (tmp_path / f"mod_{stem}.py").write_text(body)

    return install


GOOD = """
from inngest.plugins import Command, MiddlewareEntry, NotConfigured, hookimpl
import inngest
print("noise")
class Plugin:
    api_version = 1
    @hookimpl
    def inngest_commands(self):
        return [Command(name="good", help="does good", run=lambda argv: len(argv) + 3)]
    @hookimpl
    def inngest_middleware(self, client, options):
        return [MiddlewareEntry(name="tracing", order=-5, factory=inngest.MiddlewareSync),
                MiddlewareEntry(name="audit", order=5, factory=inngest.MiddlewareSync)]
plugin = Plugin()
"""
WRITES = "import pathlib\npathlib.Path({path!r}).write_text('imported')\n"
HANGS = "import time\n\n\ndef wait():\n    time.sleep(600)\n\n\nwait()\n"
SENDS = """
from inngest.plugins import hookimpl
import inngest
class Plugin:
    api_version = 1
    @hookimpl
    def inngest_middleware(self, client):
        client.send_sync(inngest.Event(name="loaded"))
        return []
plugin = Plugin()
"""
UNMADE = """
from inngest.plugins import MiddlewareEntry, hookimpl
def make(client, raw_request):
    raise ValueError("the key is empty")
class Plugin:
    api_version = 1
    @hookimpl
    def inngest_middleware(self):
        return [MiddlewareEntry(name="sealing", factory=make)]
plugin = Plugin()
"""
IDLE = """
from inngest.plugins import NotConfigured, hookimpl
class Plugin:
    api_version = 1
    @hookimpl
    def inngest_middleware(self):
        return NotConfigured(reason="set IDLE_DSN")
plugin = Plugin()
"""


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = main(argv)
    out, err = capsys.readouterr()
    return status, out, err


def test_listing_imports_no_plugin(
    install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "mark"
    install("good", "1.5", WRITES.format(path=str(mark)) + GOOD)
    status, out, _ = run(capsys, "plugins", "--json")
    assert status == 0
    (row,) = [row for row in json.loads(out)["plugins"] if row["name"] == "good"]
    assert row == {
        "name": "good",
        "distribution": "good",
        "version": "1.5",
        "target": "mod_good:plugin",
        "hooks": ["inngest_commands", "inngest_middleware"],
        "state": "enabled",
        "reason": None,
    }
    assert not mark.exists()
    assert "mod_good" not in sys.modules


def test_listing_says_why_a_plugin_is_not_loaded(
    install: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install("good", body=GOOD)
    monkeypatch.setenv("INNGEST_PLUGINS_DISABLED", "good")
    _, out, _ = run(capsys, "plugins")
    assert "good (good): switched off by INNGEST_PLUGINS_DISABLED" in out


def test_checking_loads_each_plugin_apart(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("good", body=GOOD)
    install("idle", body=IDLE)
    install("bad", body="raise SystemExit(3)")
    install("crash", body="import os; os._exit(7)")
    monkeypatch.setenv("INNGEST_PLUGINS", "good,idle,bad,crash")
    status, out, _ = run(capsys, "plugins", "--check", "--timeout", "60", "--json")
    assert status == 1
    rows = {row["name"]: row for row in json.loads(out)["plugins"] if row["state"] != "off"}
    assert {name: row["state"] for name, row in rows.items()} == {
        "bad": "failed",
        "crash": "failed",
        "good": "loaded",
        "idle": "not configured",
    }
    assert rows["good"]["offers"]["middleware"] == [
        {"name": "tracing", "order": -5},
        {"name": "audit", "order": 5},
    ]
    assert rows["idle"]["reason"] == "set IDLE_DSN"
    assert rows["bad"]["reason"] == "it called sys.exit()"
    assert "ended with status 7" in rows["crash"]["reason"]
    assert not [name for name in sys.modules if name.startswith("mod_")]


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9", "soon"])
@pytest.mark.parametrize("command", [["plugins", "--check"], ["doctor"]])
def test_a_timeout_that_is_none_is_not_the_fault_of_plugins(
    command: list[str], seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--timeout", seconds])
    assert ended.value.code == 2
    assert "argument --timeout" in capsys.readouterr().err


def test_no_encoding_is_left_to_python(install: Install) -> None:
    install("good", body=GOOD)
    code = "from inngest._internal.cli.probe import probe; print(probe('good', 60).state)"
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-W", "error::EncodingWarning", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("loaded\n", "")


def test_of_two_plugins_of_one_name_one_is_checked_and_the_other_is_still_left_out(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("good", body=GOOD)
    install("good-too", body=GOOD, entry="good")
    monkeypatch.setenv("INNGEST_PLUGINS", "good")
    _, out, _ = run(capsys, "plugins", "--check", "--json")
    rows = [row for row in json.loads(out)["plugins"] if row["name"] == "good"]
    assert [(row["distribution"], row["state"]) for row in rows] == [
        ("good", "loaded"),
        ("good-too", "unusable"),
    ]
    assert "offers" not in rows[1]


def test_a_plugin_that_sends_while_it_is_asked_is_refused_as_in_an_app(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("sends", body=SENDS)
    monkeypatch.setenv("INNGEST_PLUGINS", "sends")
    status, out, _ = run(capsys, "plugins", "--check")
    assert status == 1
    assert "a plugin used the client while it was asked for its middleware" in out


def test_the_order_of_middleware_is_shown(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("good", body=GOOD)
    monkeypatch.setenv("INNGEST_PLUGINS", "good")
    status, out, _ = run(capsys, "plugins", "--check")
    assert status == 0
    assert "middleware runs in this order: tracing (-5), audit (5)" in out


def test_doctor_names_a_plugin_that_hangs(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("hangs", body=HANGS)
    monkeypatch.setenv("INNGEST_PLUGINS", "hangs")
    monkeypatch.setenv("INNGEST_PLUGINS_DISABLED", "")  # so that the change of it is undone
    monkeypatch.setenv("INNGEST_DEV", "1")
    status, out, _ = run(capsys, "doctor", "--offline", "--timeout", "3")
    assert status == 1
    (line,) = [line for line in out.splitlines() if line.startswith("problem ")]
    assert "plugin hangs: hangs 1 cannot be used: it hangs: not loaded within 3 s" in line
    assert "mod_hangs.py, line 5, in wait" in line
    assert "INNGEST_PLUGINS_DISABLED=hangs" in out


def test_a_plugin_that_hangs_does_not_keep_doctor_from_an_app(
    install: Install,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install("hangs", body=HANGS)
    install("off", body=HANGS)
    monkeypatch.setenv("INNGEST_PLUGINS", "hangs,off")
    monkeypatch.setenv("INNGEST_PLUGINS_DISABLED", "off")
    monkeypatch.setenv("INNGEST_DEV", "1")
    (tmp_path / "hung_app.py").write_text(APP)
    status, out, _ = run(capsys, "doctor", "--offline", "--timeout", "3", "--app", "hung_app:one")
    assert status == 1
    assert "plugin hangs: hangs 1 cannot be used: it hangs" in out
    assert "ok       app: 1 function(s): shop-one" in out


def test_doctor_names_a_plugin_whose_middleware_cannot_be_made(
    install: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("sealing", body=UNMADE)
    monkeypatch.setenv("INNGEST_PLUGINS", "sealing")
    monkeypatch.setenv("INNGEST_DEV", "1")
    status, out, _ = run(capsys, "doctor", "--offline")
    assert status == 1
    reason = "its middleware cannot be made, and each call fails: ValueError: the key is empty"
    assert f"problem  plugin sealing: sealing 1 cannot be used: {reason}" in out


def test_doctor_prints_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_PLUGINS", "")
    monkeypatch.setenv("INNGEST_DEV", "1")
    status, out, _ = run(capsys, "doctor", "--offline", "--json")
    assert status == 0, out
    subjects = {finding["subject"] for finding in json.loads(out)["findings"]}
    assert {"mode", "signing key", "installation", "namespace"} <= subjects


def test_a_plugins_command_is_run(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("good", body=GOOD)
    assert main(["good", "a", "b"]) == 5
    status, out, _ = run(capsys, "--help")
    assert status == 0
    assert "good" in out and "does good" in out and "doctor" in out
    sys.modules.pop("mod_good")


@pytest.mark.parametrize(
    ("argv", "hint"),
    [(["doctr"], "did you mean 'doctor'"), (["plug-ins"], "did you mean 'plugins'")],
)
def test_an_unknown_command_has_a_suggestion(
    argv: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(capsys, *argv)
    assert status == 2
    assert hint in err


@pytest.mark.parametrize(
    ("environ", "hint"),
    [
        ({"INNGEST_PLUGINS": ""}, "is installed, but not among those of INNGEST_PLUGINS"),
        ({"INNGEST_PLUGINS_DISABLED": "extra"}, "switched off by INNGEST_PLUGINS_DISABLED"),
        ({"INNGEST_PLUGINS_DISABLED": ""}, "is installed, but it has no such command"),
    ],
)
def test_a_command_that_is_switched_off_is_not_to_be_installed(
    environ: dict[str, str],
    hint: str,
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install("extra", body=GOOD)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    status, _, err = run(capsys, "extra")
    assert status == 2
    assert hint in err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "inngest", "plugins"],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_reader_that_has_left_is_no_error_on_windows_either() -> None:
    code = """if True:
        import sys
        from inngest._internal.cli.main import _printing

        def work():
            print("unread")
            raise OSError(22, "Invalid argument")

        sys.exit(_printing(work))
    """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (1, "")


def test_a_program_without_a_console_prints_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # as under pythonw.exe
    assert main(["--version"]) == 0


def test_a_wrong_switch_is_an_error_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INNGEST_PLUGINS", "no-such-plugin-here")
    status, _, err = run(capsys, "plugins")
    assert status == 2
    assert err.startswith("plugin_unknown: INNGEST_PLUGINS names")


def levels(findings: Any) -> dict[str, tuple[str, str]]:
    return {one.subject: (one.level, one.text) for one in findings}


@pytest.mark.parametrize(
    ("environ", "subject", "level", "text"),
    [
        ({}, "signing key", "problem", "INNGEST_SIGNING_KEY is not set"),
        ({}, "mode", "ok", "Cloud"),
        ({}, "event key", "warning", "INNGEST_EVENT_KEY is not set"),
        ({"INNGEST_SIGNING_KEY": "nonsense"}, "configuration", "problem", "signkey-"),
        ({"INNGEST_SIGNING_KEY": KEY}, "signing key", "ok", "well-formed"),
        (
            {"INNGEST_SIGNING_KEY": KEY, "INNGEST_SIGNING_KEY_FALLBACK": KEY},
            "fallback key",
            "warning",
            "the signing key itself",
        ),
        ({"INNGEST_DEV": "1"}, "signing key", "ok", "not needed"),
        ({"INNGEST_DEV": "1", "INNGEST_SIGNING_KEY": "x"}, "signing key", "warning", "malformed"),
        ({"INNGEST_DEV": "yes, please"}, "mode", "warning", "neither a flag nor a URL"),
        ({"INNGEST_DEV": "no"}, "mode", "warning", "which turns dev mode on"),
        ({"INNGEST_DEV": "LOCALHOST"}, "mode", "ok", "Dev Server"),
        ({"INNGEST_ENABLE_UNAUTHED_SYNC": "off"}, "unsigned syncs", "warning", "neither 1 nor 0"),
        ({"INNGEST_ENABLE_UNAUTHED_SYNC": "1"}, "unsigned syncs", "warning", "under any host"),
        (
            {"INNGEST_ENABLE_UNAUTHED_SYNC": "1", "INNGEST_SERVE_ORIGIN": "shop.test"},
            "unsigned syncs",
            "ok",
            "anyone",
        ),
        ({"INNGEST_DEV": "localhost:9999"}, "mode", "ok", "http://localhost:9999"),
        ({"INNGEST_API_BASE_URL": "ftp://x"}, "configuration", "problem", "INNGEST_API_BASE_URL"),
        ({"INNGEST_SERVE_ORIGIN": "shop.test"}, "public origin", "ok", "https://shop.test"),
        ({"INNGEST_SERVE_ORIGIN": "https://a b"}, "public origin", "problem", "not a valid URL"),
        ({"INNGEST_SERVE_PATH": "https://shop.test/x"}, "path", "problem", "INNGEST_SERVE_PATH"),
        ({"INNGEST_PLUGINS_STRICT": "?"}, "plugin switches", "problem", "1 or 0"),
    ],
)
def test_the_environment_is_checked(
    environ: dict[str, str], subject: str, level: str, text: str
) -> None:
    found = levels(check_environment(environ))
    assert found[subject][0] == level
    assert text in found[subject][1]


def test_no_key_is_shown() -> None:
    environ = {"INNGEST_SIGNING_KEY": KEY, "INNGEST_EVENT_KEY": "secret-event-key"}
    text = repr(list(check_environment(environ)))
    assert KEY not in text and "secret" not in text


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join(60)
    served.server_close()


@pytest.mark.parametrize(
    ("ahead", "level", "text"),
    [
        (0, "ok", "agrees with"),
        (100, "warning", "100 s ahead of"),
        (4000, "problem", "4000 s ahead of"),
        (-4000, "problem", "4000 s behind"),
    ],
)
def test_the_clock_is_compared_with_the_servers(
    server: str, ahead: int, level: str, text: str
) -> None:
    # Date has whole seconds: half a second is added so that rounding does not matter.
    now = int(time.time()) + 0.0

    def clock() -> float:
        return now + ahead

    found = levels(check_server({"INNGEST_DEV": server}, 60, clock))
    assert found["server"] == ("ok", f"{server} answers (404)")
    assert found["clock"][0] == level
    assert text.rsplit(maxsplit=1)[-1] in found["clock"][1]


def test_a_server_that_is_not_there_is_a_problem() -> None:
    (finding,) = check_server({"INNGEST_DEV": "http://127.0.0.1:9"}, 10)
    assert finding.level == "problem"
    assert "does not answer: ConnectError" in finding.text
    assert "python -m inngest dev" in finding.advice


def test_a_monolith_beside_core_is_a_problem(install: Install) -> None:
    install("inngest", "0.5", record="inngest/__init__.py,,\ninngest/flask.py,,\n")
    found = list(check_installation())
    (conflict,) = [finding for finding in found if finding.subject == "conflict"]
    assert conflict.level == "problem"
    assert "inngest 0.5 owns inngest/__init__.py too" in conflict.text
    assert "pip uninstall inngest;" in conflict.advice
    assert "inngest-core" in conflict.advice.split("--no-deps ")[1].split()


def test_wheels_of_another_version_are_a_problem(install: Install) -> None:
    install("inngest-tornado", "99")
    texts = [finding.text for finding in check_installation() if finding.level == "problem"]
    assert any(text.startswith("inngest-tornado is 99") for text in texts)


def test_the_namespace_is_checked(tmp_path: Path) -> None:
    core = tmp_path / "core" / "inngest"
    for name in ("core/inngest/__init__.py", "late/inngest/extra/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("")
    (tmp_path / "rival/inngest").mkdir(parents=True)
    (tmp_path / "rival/inngest/__init__.py").write_text("")
    (tmp_path / "script").mkdir()
    (tmp_path / "script/inngest.py").write_text("")
    paths = [str(tmp_path / name) for name in ("core", "late", "rival", "script", "nowhere")]
    found: list[Finding] = list(inspect(core.resolve(), {core.resolve()}, paths))
    assert [finding.text.partition("inngest")[2].strip() for finding in found] == [
        "is not part of the package: it was added to sys.path too late",
        "has an __init__.py, which only inngest-core may have",
        ".py may hide the package",
    ]


APP = """
import inngest
client = inngest.Inngest(app_id="shop", is_production=False)
def make(fn_id):
    @client.create_function(fn_id=fn_id, trigger=inngest.TriggerEvent(event="e"))
    def fn(ctx: inngest.ContextSync) -> int:
        return 1
    return fn
one, two, clash = make("one"), make("two"), make("one")
good = [one, two]
empty = []
web_app = object()
class Holder:
    functions = (two,)
"""


@pytest.mark.parametrize(
    ("target", "level", "text"),
    [
        (None, "note", "--app MODULE"),
        ("shop_app:good", "ok", "2 function(s): shop-one, shop-two"),
        ("shop_app:one", "ok", "1 function(s): shop-one"),
        ("shop_app:Holder.functions", "ok", "1 function(s)"),
        ("shop_app", "problem", "2 functions have the id 'shop-one'"),
        ("shop_app:web_app", "problem", "2 functions have the id 'shop-one'"),
        ("shop_app:empty", "problem", "shop_app:empty contains no functions"),
        ("shop_app:nothing", "problem", "cannot be imported: AttributeError"),
        ("no_such_app", "problem", "cannot be imported: ModuleNotFoundError"),
    ],
)
def test_functions_of_an_app_are_checked(
    target: str | None,
    level: str,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "shop_app.py").write_text(APP)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_app", raising=False)
    found = list(check_app(target))
    assert (found[0].level, text in found[0].text) == (level, True), found


def test_a_new_plugin_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "new-plugin", "Audit_Log", "--into", str(tmp_path))
    assert status == 0
    project = tmp_path / "inngest-audit-log"
    assert f"cd {project}" in out
    files = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert {"pyproject.toml", "src/inngest_audit_log/plugin.py", "tests/test_plugin.py"} <= files
    assert (
        'audit-log = "inngest_audit_log.plugin:plugin"' in (project / "pyproject.toml").read_text()
    )
    for path in project.rglob("*.py"):
        compile(path.read_text("utf-8"), str(path), "exec", dont_inherit=True)
    assert [path.name for path in tmp_path.iterdir()] == ["inngest-audit-log"]


@pytest.mark.parametrize("name", ["none", "plugin", "class", "callable"])
def test_a_new_plugin_may_be_called_like_what_python_has(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "new-plugin", name, "--into", str(tmp_path))[0] == 0
    for path in tmp_path.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        named = [n.name for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))]
        named += [a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names]
        assert len(named) == len(set(named)), f"{path.name} names one thing twice: {named}"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("a/b", "letters, digits"),
        ("3d", "a letter first"),
        ("flask", "inngest-flask is taken"),
        ("fast-api", "inngest-fastapi is taken"),
        ("there", "exists"),
        ("", ""),
    ],
)
def test_a_new_plugin_touches_nothing_that_exists(
    name: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inngest-there").mkdir()
    status, _, err = run(capsys, "new-plugin", name, "--into", str(tmp_path))
    assert status == 2
    assert hint in err
    assert list(tmp_path.rglob("*")) == [tmp_path / "inngest-there"]


def test_what_inngest_dev_adds_is_named_where_it_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = PluginHost(scanner=lambda: Scan(plugins=(), unusable=()))
    monkeypatch.setattr("inngest._internal.cli.main.PluginHost", lambda: bare)
    for name in ("dev", "runs", "send", "trigger"):
        status, _, err = run(capsys, name)
        assert (status, err) == (
            2,
            f"there is no command {name!r}; pip install inngest-dev adds it\n",
        )


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"inngest-core {VERSION}\n", "")


def test_a_command_that_is_interrupted_says_nothing(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("good", body=GOOD.replace("len(argv) + 3", "(_ for _ in ()).throw(KeyboardInterrupt)"))
    assert run(capsys, "good")[::2] == (130, "")


def test_one_that_is_interrupted_while_it_is_imported_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    module = "inngest._internal.cli.main"
    monkeypatch.setitem(sys.modules, module, Interrupted(module))
    assert started() == 130


@pytest.mark.parametrize("module", ["fastapi", "Fast_API"])
def test_the_wheel_that_brings_a_missing_module_is_named(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = f"app_of_{module}"
    (tmp_path / f"{app}.py").write_text(f"import inngest.{module}")
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = check_app(app)
    advice = "pip install inngest-fastapi provides it, as the module inngest.fast_api"
    assert (found.level, found.advice) == ("problem", advice)
    (found,) = check_app("no_such_module")
    assert found.advice == ""
