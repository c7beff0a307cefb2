"""Apps are found without running them, imported with clear errors, and watched."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from inngest.dev._internal.commands.discovery import find_app
from inngest.dev._internal.commands.loading import AppError, event_schemas, is_asgi, load
from inngest.dev._internal.commands.watching import STARTS, Watched


def test_the_first_usual_file_that_uses_inngest_is_the_app(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("app = 1\nraise SystemExit\n")
    assert find_app(tmp_path) is None, "it does not import inngest"
    (tmp_path / "main.py").write_text("import inngest.flask\napplication: object = 1\nboom(\n")
    assert find_app(tmp_path) == "main:application", "importing it tells of the error"
    (tmp_path / "wsgi.py").write_bytes(b"\xef\xbb\xbfimport inngest\napp = 1\n")
    assert find_app(tmp_path) == "wsgi:app", "it can be read"
    (tmp_path / "main.py").write_text("import inngest.flask\napplication: object = 1\nboom()\n")
    assert find_app(tmp_path) == "main:application"
    (tmp_path / "app.py").write_text("from inngest import Inngest\napp = Inngest\n")
    assert find_app(tmp_path) == "app:app"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / f"app_of_test_{tmp_path.name}.py"


def test_what_cannot_be_imported_is_said(module: Path) -> None:
    with pytest.raises(AppError, match="there is no module 'no_such_module'"):
        load("no_such_module:app")
    module.write_text("x = 1\n\ndef create(): ...\n\ny = 1 / 0\n")
    with pytest.raises(AppError) as caught:
        load(f"{module.stem}:app")
    assert "ZeroDivisionError" in str(caught.value) and "line 5" in str(caught.value)
    assert "importlib" not in str(caught.value), "only the app's own lines"
    module.write_text("def create(): ...\n")
    with pytest.raises(AppError, match="has no 'app'; it has: create"):
        load(module.stem)
    for path in (f"{module.stem}.py", f"src/{module.stem}:app", f"src\\{module.stem}:app"):
        with pytest.raises(AppError, match="is a path; name the module and the app"):
            load(path)
    with pytest.raises(AppError, match="':app' names no module; name the module and the app"):
        load(":app")


def test_an_app_is_called_app_or_application(module: Path) -> None:
    module.write_text("application = print\n")
    assert load(module.stem) is print


def test_a_factory_is_asked_for_the_app(module: Path) -> None:
    module.write_text(
        "def create(testing=False): return print\n"
        "def fail(): raise ValueError('no settings')\n"
        "def wsgi(environ, start_response): ...\n"
        "def anything(*args): ...\n"
    )
    assert load(f"{module.stem}:create") is print
    for app in ("wsgi", "anything"):
        assert load(f"{module.stem}:{app}").__name__ == app
    with pytest.raises(AppError, match=r"fail\(\) fails:\n(?s:.*)ValueError: no settings"):
        load(f"{module.stem}:fail")


def test_an_app_of_another_kind_is_not_taken_for_wsgi(module: Path) -> None:
    module.write_text("class Web:\n    def __call__(self): ...\n\nweb = Web()\n")
    with pytest.raises(AppError, match=r"\.Web; if it has a server of its own, .* --url"):
        load(f"{module.stem}:web")


def test_typed_events_of_an_app_have_schemas(module: Path) -> None:
    module.write_text(
        "import inngest, pydantic\n"
        "class Paid(pydantic.BaseModel):\n    cents: int\n"
        "class Odd(pydantic.BaseModel):\n"
        "    model_config = {'arbitrary_types_allowed': True}\n    x: type(print)\n"
        "paid = inngest.EventType('shop/paid', Paid)\n"
        "odd = inngest.EventType('shop/odd', Odd)\n"
    )
    with pytest.raises(AppError, match="is no ASGI, WSGI or Tornado app: it is a inngest"):
        load(f"{module.stem}:paid")
    found = event_schemas()
    assert found["shop/paid"]["required"] == ["cents"]
    assert "shop/odd" not in found


def test_asgi_and_wsgi_are_told_apart() -> None:
    async def asgi(scope: object, receive: object, send: object) -> None: ...

    class Asgi:
        async def __call__(self, scope: object, receive: object, send: object) -> None: ...

    class Wrapped:
        def __call__(self, scope: object, receive: object, send: object) -> None: ...

    class Wsgi:
        def __call__(self, environ: object, start_response: object) -> list[bytes]:
            return []

    assert is_asgi(asgi) and is_asgi(Asgi()) and is_asgi(Wrapped())
    assert not is_asgi(Wsgi()) and not is_asgi(lambda environ, start_response: [])


def test_an_app_may_be_annotated_for_the_type_checker_alone() -> None:
    names: dict[str, Any] = {}
    by_import = "" if sys.version_info >= (3, 14) else "from __future__ import annotations"
    lazy = "\ndef app(environ: WSGIEnvironment, start_response: StartResponse): ..."
    exec(compile(by_import + lazy, "app.py", "exec", dont_inherit=True), names)
    assert not is_asgi(names["app"])


def test_changed_python_files_are_noticed(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.txt", ".venv/d.py", "node_modules/e.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    watched = Watched(tmp_path)
    assert watched.changed() == []
    for name in ("a.py", "c.txt", ".venv/d.py", "node_modules/e.py"):
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / "b.py").unlink()
    (tmp_path / "f.py").write_text("")
    assert watched.changed() == ["a.py", "b.py", "f.py"]
    assert watched.changed() == []


def test_what_changes_at_each_start_is_noticed_once(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    found = []
    for start in range(STARTS + 1):
        for name in ("made.py", "edited.py")[: 1 + start % 2]:
            (tmp_path / name).write_text("")
            os.utime(tmp_path / name, (start, start))
        found.append(watched.started(watched.changed()))
    assert found == [[]] * (STARTS - 1) + [["made.py"], []]
