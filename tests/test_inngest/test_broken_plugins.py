"""A broken plugin hurts nobody: the app works, one line says what is wrong.

Each plugin here is a distribution in a folder of its own on the path, as pip lays it out,
beside those of the family.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
import pytest

import inngest
from inngest._internal.plugins.host import PluginHost
from inngest._internal.plugins.notices import Notices
from inngest.errors import PluginError, PluginUnknownError

HEAD = """
from types import SimpleNamespace
from inngest.plugins import *

def transport(name):
    return Transport(name=name, kind="http", framework=name, distribution="w",
                     accepts=lambda app: False, serve=print)

class Plugin:
    api_version = 1
    @hookimpl
    def inngest_transports(self):
        return [transport("ghost")]
"""
TAIL = "\nplugin = Plugin()\n"


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A defect of a plugin, and the resulting message."""

    said: str
    body: str | None = ""
    """Its module, after HEAD; ``None`` for no module."""
    entries: str = "[inngest]\nbroken = {module}:plugin\n"


KINDS = {
    "syntax error": Broken(body="\ndef (:\n", said="SyntaxError: invalid syntax"),
    "missing import": Broken(
        body="\nimport no_such_library\n",
        said="ModuleNotFoundError: No module named 'no_such_library'",
    ),
    "raising hook": Broken(
        body="    @hookimpl\n    def inngest_serializers(self):\n        raise RuntimeError('boom')\n",
        said="RuntimeError: boom",
    ),
    "raising middleware hook": Broken(
        body="    @hookimpl\n    def inngest_middleware(self, client):\n        return 1 / 0\n",
        said="ZeroDivisionError: division by zero",
    ),
    "wrong return type": Broken(
        body="    @hookimpl\n    def inngest_serializers(self):\n        return 'msgspec'\n",
        said="inngest_serializers returned str, not a list of SerializerEntry",
    ),
    "wrong version": Broken(
        body="    api_version = 2\n",
        said="it has api_version 2 and this core has 1: upgrade inngest-core",
    ),
    "duplicate name": Broken(
        entries="[inngest]\nflask = {module}:plugin\n",
        said="inngest-flask 0.2.0 announces a plugin of the same name; uninstall one of them",
    ),
    "misspelt hook": Broken(
        body="    @hookimpl\n    def inngest_midleware(self):\n        return []\n",
        said="there is no hook inngest_midleware; did you mean inngest_middleware?",
    ),
    "unmarked hook": Broken(
        body="    def inngest_commands(self):\n        return []\n",
        said="inngest_commands is not marked with @hookimpl",
    ),
    "no Exception": Broken(
        body="\nclass PanicException(BaseException):\n    pass\nraise PanicException('rust')\n",
        said="PanicException: rust",
    ),
    "no Exception in middleware hook": Broken(
        body="    @hookimpl\n    def inngest_middleware(self):\n        raise GeneratorExit('odd')\n",
        said="GeneratorExit: odd",
    ),
    "SystemExit": Broken(body="\nimport sys\nsys.exit(3)\n", said="it called sys.exit()"),
    "partial registration": Broken(
        body="    @hookimpl\n    def inngest_zzz_last(self):\n        return []\n",
        said="there is no hook inngest_zzz_last",
    ),
    "partial offer": Broken(
        body=(
            "    @hookimpl\n    def inngest_commands(self):\n"
            "        yield Command(name='fine', help='', run=print)\n"
            "        raise OSError('gone')\n"
        ),
        said="OSError: gone",
    ),
    "metadata without module": Broken(body=None, said="ModuleNotFoundError: No module named"),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def broken(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broken]:
    """Install a broken plugin."""
    made = KINDS[kind]
    module = f"broken_{kind.replace(' ', '_')}"
    if made.body is not None:
        (tmp_path / f"{module}.py").write_text(HEAD + made.body + TAIL)
    info = tmp_path / "inngest_broken-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: inngest-broken\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(made.entries.format(module=module))
    monkeypatch.syspath_prepend(tmp_path)
    for variable in ("INNGEST_PLUGINS", "INNGEST_PLUGINS_DISABLED", "INNGEST_PLUGINS_STRICT"):
        monkeypatch.delenv(variable, raising=False)
    # What other tests made the process say does not count here.
    monkeypatch.setattr(
        "inngest._internal.plugins.host.PluginHost.__init__.__kwdefaults__",
        {**(PluginHost.__init__.__kwdefaults__ or {}), "notices": Notices()},
    )
    yield made
    sys.modules.pop(module, None)


def answers(client: inngest.Inngest) -> bool:
    """Return whether an app served by ``inngest.serve`` works."""

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
    def fn(ctx: inngest.ContextSync) -> int:
        return ctx.step.run("one", lambda: 1) + 1

    app = flask.Flask("shop")
    inngest.serve(app, client, [fn])
    body = {
        "ctx": {"attempt": 0, "run_id": "r", "stack": {"stack": [], "current": 0}},
        "event": {"name": "go", "data": {}},
        "events": [{"name": "go", "data": {}}],
        "steps": {},
    }
    url = "/api/inngest?fnId=shop-fn&stepId=step"
    answer = app.test_client().post(url, data=json.dumps(body))
    return answer.status_code == 206


OURS = ["otel"]
"""The middleware of this repository that needs no setting."""


def middleware_of(host: PluginHost) -> list[str]:
    host.middleware(inngest.Inngest(app_id="other", is_production=False))
    entries: Any = host.offers()["middleware"]
    return [entry["name"] for entry in entries]


def test_the_app_works_and_one_line_says_what_is_wrong(
    broken: Broken, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "inngest.plugins")
    for _ in range(2):
        assert answers(inngest.Inngest(app_id="shop", is_production=False))
        host = PluginHost()
        assert middleware_of(host) == OURS
        names = [transport.name for transport in host.transports()]
        assert "flask" in names and "ghost" not in names
        assert "fine" not in [command.name for command in host.commands()]
    lines = [r.getMessage() for r in caplog.records if r.levelno >= logging.INFO]
    (line,) = [line for line in lines if "inngest-broken" in line]
    assert [other for other in lines if other != line and "encryption" not in other] == []
    name = "flask" if kind == "duplicate name" else "broken"
    assert line.startswith(f"plugin {name!r} of inngest-broken 1.2 is left out: ")
    assert broken.said in line
    assert "\n" not in line
    tracebacks = [r for r in caplog.records if r.exc_info]
    has_cause = kind in {
        "syntax error",
        "missing import",
        "raising hook",
        "raising middleware hook",
        "wrong return type",
        "SystemExit",
        "no Exception",
        "no Exception in middleware hook",
        "partial offer",
        "metadata without module",
    }
    assert len(tracebacks) == has_cause
    assert all(r.levelno == logging.DEBUG for r in tracebacks)


def test_in_strict_mode_it_is_a_clear_failure(
    broken: Broken, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_PLUGINS_STRICT", "1")
    with pytest.raises(PluginError) as caught:
        inngest.Inngest(app_id="shop", is_production=False).send_sync([])
    assert broken.said in caught.value.message
    assert "inngest-broken 1.2 cannot be used" in caught.value.message
    assert caught.value.code == "plugin_failed"


def test_in_strict_mode_an_app_with_a_broken_plugin_does_not_start(
    broken: Broken, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNGEST_PLUGINS_STRICT", "1")
    with pytest.raises(PluginError, match="cannot be used"):
        answers(inngest.Inngest(app_id="shop", is_production=False))


def test_switched_off_it_is_not_even_imported(
    broken: Broken,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("INNGEST_PLUGINS_STRICT", "1")
    name = "flask" if kind == "duplicate name" else "broken"
    monkeypatch.setenv("INNGEST_PLUGINS_DISABLED", name)
    before = set(sys.modules)
    host = PluginHost()
    assert middleware_of(host) == OURS
    assert not [module for module in set(sys.modules) - before if module.startswith("broken")]
    assert caplog.records == []


def test_asked_for_by_name_it_fails_loudly(broken: Broken, kind: str) -> None:
    if kind == "duplicate name":
        assert PluginHost(["flask"]).verify() is None
        return
    host = PluginHost(["broken"])
    client = inngest.Inngest(app_id="shop", is_production=False)
    with pytest.raises(PluginError, match="cannot be used"):
        host.middleware(client)


def test_a_process_goes_on_after_a_plugin_that_exits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own, with no test framework to catch anything."""
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)")
    info = tmp_path / "leaves-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[inngest]\nleaves = leaves:plugin\n")
    done = subprocess.run(
        [sys.executable, "-m", "inngest", "--help"],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == ("plugin 'leaves' of leaves 1 is left out: it called sys.exit()")


def test_an_unknown_name_is_an_error_with_a_suggestion() -> None:
    error = PluginHost(["flsk"]).verify()
    assert isinstance(error, PluginUnknownError)
    assert "did you mean 'flask'?" in error.message
