"""The wheels as users install them: by pip, on every Python, beside each other and others.

What others publish is installed by uv, which has it in its cache; so are ours where it does not
matter who installs them.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import build, python_of, site_of

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = sorted(path.parent.name for path in ROOT.glob("inngest-*/pyproject.toml"))
EXAMPLE = ROOT / "examples/plugin"
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
VERSIONS = [version for version in ("3.10", "3.11", "3.12", "3.13") if version != RUNNING]

UNCONFIGURED = {"encryption"}
"""Plugins that have to be told something first: a key."""

pytestmark = pytest.mark.slow

Run = Callable[..., str]

CHECK = """
import importlib, importlib.metadata, json, sys
for dist in importlib.metadata.distributions():
    for point in dist.entry_points if dist.name.startswith("inngest") else ():
        if point.group != "pytest11":  # pytest, which loads these, need not be there
            assert point.load() is not None, point
for module in json.loads(sys.argv[1]):
    importlib.import_module(module)
import inngest
from inngest._internal.plugins.host import PluginHost
client = inngest.Inngest(app_id="shop", is_production=False)
@client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
def fn(ctx): return 1
if "inngest.flask" in sys.modules:
    import flask
    app = flask.Flask("shop")
    inngest.serve(app, client, [fn])
    assert app.test_client().get("/api/inngest").json["function_count"] == 1
host = PluginHost(environ={"INNGEST_PLUGINS_STRICT": "1"})
host.middleware(client)
print(json.dumps({row.name: row.state for row in host.listing()}))
"""


def modules_of(*distributions: str) -> list[str]:
    """Return the modules that these distributions provide."""
    found = []
    for name in distributions:
        portions = [path.parent.name for path in (ROOT / name / "src/inngest").glob("*/_plugin.py")]
        found += [f"inngest.{portion}" for portion in portions]
    return found


def plugins_of(*distributions: str) -> dict[str, str]:
    """Return the expected listing of plugins if these distributions are installed."""
    names = [module.rpartition(".")[2].replace("_", "-") for module in modules_of(*distributions)]
    return {name: "not configured" if name in UNCONFIGURED else "loaded" for name in names}


@pytest.fixture(scope="session")
def everything(
    make: Callable[..., Path],
    uv: Callable[..., str],
    pip: Callable[..., str],
    wheels: dict[str, Path],
    example_wheel: Path,
) -> Path:
    """An environment with all wheels installed by pip, a third-party plugin, and pytest."""
    environment = make(*MEMBERS, example_wheel, "pytest")
    uv(environment, "uninstall", *MEMBERS)
    pip(environment, "install", *wheels.values())
    return environment


@pytest.fixture
def put_back(everything: Path, uv: Callable[..., str], wheels: dict[str, Path]) -> Iterator[None]:
    """Reinstall the wheels after a test that may uninstall them."""
    yield
    uv(everything, "install", "--reinstall", "--no-deps", *wheels.values())


def state(run: Run, environment: Path, cwd: Path, *distributions: str, **env: str) -> object:
    """Import the modules of these distributions; return the listing of plugins."""
    command = [python_of(environment), "-W", "error", "-c", CHECK]
    out = run(*command, json.dumps(modules_of(*distributions)), cwd=cwd, **env)
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("name", MEMBERS)
def test_each_wheel_works_alone(
    name: str, install: Callable[..., Path], run: Run, tmp_path: Path
) -> None:
    assert state(run, install(name), tmp_path, name) == plugins_of(name)


def test_together_with_a_third_partys(everything: Path, run: Run, tmp_path: Path) -> None:
    expected = {**plugins_of(*MEMBERS), "acme": "not configured"}
    assert state(run, everything, tmp_path, *MEMBERS) == expected
    audit = {"ACME_AUDIT_FILE": str(tmp_path / "audit")}
    command = [python_of(everything), "-m", "inngest", "plugins", "--check", "--json"]
    rows = json.loads(run(*command, cwd=tmp_path, **audit))["plugins"]
    assert {row["name"]: row["state"] for row in rows} == {**expected, "acme": "loaded"}


def test_the_example_keeps_what_the_kits_ask_for(
    everything: Path, run: Run, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path)
    run(python_of(everything), "-m", "pytest", "-q", cwd=tmp_path)


def test_a_new_plugin_passes_its_tests(
    everything: Path, run: Run, uv: Callable[..., str], bin_folder: Path, tmp_path: Path
) -> None:
    python = python_of(everything)
    run(python, "-m", "inngest", "new-plugin", "Audit_Log", "--into", tmp_path, cwd=tmp_path)
    project = tmp_path / "inngest-audit-log"
    wheel = build(run, bin_folder, project, tmp_path / "out")
    uv(everything, "install", "--no-deps", wheel)
    try:
        run(python, "-W", "error", "-m", "pytest", "-q", cwd=project)
        listing = run(python, "-m", "inngest", "plugins", "--json", cwd=tmp_path)
        (row,) = [row for row in json.loads(listing)["plugins"] if row["name"] == "audit-log"]
        assert (row["distribution"], row["hooks"]) == ("inngest-audit-log", ["inngest_middleware"])
    finally:
        uv(everything, "uninstall", "inngest-audit-log")


@pytest.mark.usefixtures("put_back")
def test_uninstalled_one_by_one_the_rest_works(
    everything: Path, run: Run, uv: Callable[..., str], tmp_path: Path
) -> None:
    left = [name for name in MEMBERS if name != "inngest-core"]
    while left:
        name = left.pop(len(left) // 2)
        uv(everything, "uninstall", name)
        expected = {**plugins_of(*left), "acme": "not configured"}
        assert state(run, everything, tmp_path, *left) == expected
    uv(everything, "uninstall", "inngest-core")
    assert list((site_of(everything) / "inngest").rglob("*.py")) == []


@pytest.mark.usefixtures("put_back")
def test_every_wheel_in_a_folder_of_its_own(
    everything: Path, uv: Callable[..., str], wheels: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    """Portions and their metadata are found wherever they are; core is neither first nor last."""
    uv(everything, "uninstall", *MEMBERS)
    folders = []
    for name, wheel in sorted(wheels.items(), reverse=True):
        folders.append(tmp_path / name)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folders[-1])
    path = os.pathsep.join(map(str, folders))
    expected = {**plugins_of(*MEMBERS), "acme": "not configured"}
    assert state(run, everything, tmp_path, *MEMBERS, PYTHONPATH=path) == expected


MONOLITH = {
    "inngest/__init__.py": "",
    "inngest/flask.py": "",
    "inngest/_internal/__init__.py": "",
    "inngest/_internal/cli/main.py": "",
    "inngest-0.5.dist-info/METADATA": "Metadata-Version: 2.1\nName: inngest\nVersion: 0.5\n",
    "inngest-0.5.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def test_beside_a_package_that_owns_the_same_files(
    make: Callable[..., Path],
    uv: Callable[..., str],
    pip: Callable[..., str],
    wheels: dict[str, Path],
    run: Run,
    tmp_path: Path,
) -> None:
    monolith = tmp_path / "inngest-0.5-py3-none-any.whl"
    with zipfile.ZipFile(monolith, "w") as archive:
        for name, text in MONOLITH.items():
            archive.writestr(name, text)
        record = "".join(f"{name},,\n" for name in (*MONOLITH, "inngest-0.5.dist-info/RECORD"))
        archive.writestr("inngest-0.5.dist-info/RECORD", record)
    ours = ["inngest-core", "inngest-flask"]
    environment = make(*ours)
    python = python_of(environment)
    uv(environment, "uninstall", *ours)
    pip(environment, "install", monolith)
    pip(environment, "install", *(wheels[name] for name in ours))
    app = "import inngest; inngest.Inngest(app_id='a', is_production=False)._all_middleware()"
    assert "python -m inngest doctor" in run(python, "-c", app, cwd=tmp_path)

    pip(environment, "uninstall", "-y", "inngest")
    command_line = "from inngest.__main__ import main; main()"
    assert "inngest-core is damaged" in run(python, "-c", command_line, cwd=tmp_path)
    again = [wheels[name] for name in ours]
    pip(environment, "install", "--force-reinstall", "--no-deps", *again)
    assert state(run, environment, tmp_path, *ours) == plugins_of(*ours)


@pytest.mark.parametrize("editable", ["inngest-core", "inngest-flask"])
def test_editable_beside_installed(
    editable: str,
    make: Callable[..., Path],
    uv: Callable[..., str],
    pip: Callable[..., str],
    run: Run,
    tmp_path: Path,
) -> None:
    """What ``pip install -e`` installs, made by the build backend that it would ask."""
    environment = make("inngest-flask", "inngest-digitalocean")
    program = "import hatchling.build, sys; print(hatchling.build.build_editable(sys.argv[1]))"
    name = run(sys.executable, "-c", program, tmp_path, cwd=ROOT / editable).split()[-1]
    uv(environment, "uninstall", editable)
    pip(environment, "install", "--no-deps", tmp_path / name)
    there = ["inngest-digitalocean", "inngest-flask"]
    assert state(run, environment, tmp_path, *there) == plugins_of(*there)
    module = "inngest" if editable == "inngest-core" else "inngest.flask"
    where = run(python_of(environment), "-c", f"import {module}; print({module}.__file__)")
    assert where.startswith(str(ROOT / editable))


@functools.cache
def interpreter(version: str) -> str | None:
    """Return a Python interpreter of this version, if the machine has one that works."""
    candidates = [shutil.which(f"python{version}")]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates += map(str, sorted(root.glob(f"versions/{version}.*/bin/python")))
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in filter(None, candidates):
        done = subprocess.run(
            [candidate, "-c", program], capture_output=True, text=True, timeout=60, check=False
        )
        if done.stdout.strip() == version:
            return candidate
    return None


@pytest.mark.parametrize("version", [v for v in VERSIONS if interpreter(v)] or [RUNNING])
def test_on_every_python(
    version: str,
    run: Run,
    uv: Callable[..., str],
    bin_folder: Path,
    example_wheel: Path,
    tmp_path: Path,
) -> None:
    """All together. The Python that runs the tests is in all other tests, unless alone."""
    environment, python = tmp_path / "environment", interpreter(version)
    assert python is not None
    run(bin_folder / "uv", "venv", "-q", "--python", python, environment)
    uv(environment, "install", *MEMBERS, example_wheel)
    expected = {**plugins_of(*MEMBERS), "acme": "not configured"}
    assert state(run, environment, tmp_path, *MEMBERS) == expected


PROGRAM = """
import falcon
import flask
import inngest
import inngest.flask
from inngest.plugins import Transport, instance_of
from typing_extensions import assert_type

client = inngest.Inngest(app_id="typed", is_production=False)


@client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
def fn(ctx: inngest.ContextSync) -> int:
    return ctx.step.run("one", lambda: 1)


assert_type(fn, inngest.Function[int])
inngest.serve(falcon.App(), client, [fn])
inngest.serve(flask.Flask("typed"), client, [fn], serve_path="/x")
transport = Transport(
    name="x", kind="http", framework="x", distribution="w", accepts=instance_of("x.X"), serve=print
)
"""


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_checkers_resolve_everything(
    checker: str, everything: Path, run: Run, bin_folder: Path, tmp_path: Path
) -> None:
    imports = "".join(f"import {module}\n" for module in modules_of(*MEMBERS))
    (tmp_path / "typed.py").write_text(imports + PROGRAM)
    python = python_of(everything)
    run(python, "-m", "inngest", "new-plugin", "typed", "--into", tmp_path, cwd=tmp_path)
    checked = ["typed.py", "inngest-typed/src"]
    options: list[str | Path] = ["--pythonpath", python]
    if checker == "mypy":
        options = ["--strict", "--cache-dir", tmp_path / "cache", "--python-executable", python]
    run(bin_folder / checker, *options, *checked, cwd=tmp_path, MYPYPATH="inngest-typed/src")
