"""The wheels, built and installed for real: contents, dependencies, types."""

from __future__ import annotations

import email
import email.message
import importlib.metadata
import os
import re
import shutil
import zipfile
from pathlib import Path
from typing import Protocol

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .conftest import python_of, site_of

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = sorted(path.parent.name for path in ROOT.glob("inngest-*/pyproject.toml"))
USER_PROJECT = ROOT / "tests/test_repo/user_project"
PROGRAMS = ["app.py", "existing.py", "experimental.py", "typed.py"]

# What each distribution asks for, and nothing else: a new dependency is a decision.
CORE = {"httpx", "importlib-metadata", "pluggy", "pydantic", "typing-extensions"}
DIRECT = {
    "inngest-connect": {"httpx", "inngest-core", "protobuf", "websockets"},
    "inngest-core": CORE,
    "inngest-digitalocean": {"inngest-core"},
    "inngest-django": {"inngest-core", "django"},
    "inngest-encryption": {"inngest-core", "pynacl"},
    "inngest-fastapi": {"inngest-core", "fastapi"},
    "inngest-flask": {"inngest-core", "flask"},
    "inngest-otel": {"inngest-core", "opentelemetry-api"},
    "inngest-tornado": {"inngest-core", "tornado"},
}
# What only these bring, because what they ask for brings it.
ASGI_SERVER = {"uvicorn", "rich"}
FRAMEWORKS = {
    "inngest-connect": {"protobuf", "websockets"},
    "inngest-django": {"django", "asgiref"},
    "inngest-encryption": {"cffi", "pynacl"},
    "inngest-fastapi": {"fastapi", "opentelemetry-api", "starlette"},
    "inngest-flask": {"flask"},
    "inngest-otel": {"opentelemetry-api"},
    "inngest-tornado": {"tornado"},
}

pytestmark = pytest.mark.slow


class Run(Protocol):
    def __call__(self, *command: str | Path, cwd: Path = ..., **env: str) -> str: ...


class Install(Protocol):
    def __call__(self, *names: str) -> Path: ...


def metadata_of(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def portion_of(distribution: str, wheel: Path) -> str:
    """Return the package that a wheel provides: ``inngest``, or a portion of it."""
    if distribution == "inngest-core":
        return "inngest"
    found = {
        ".".join(name.split("/")[:-1])
        for name in names_in(wheel)
        if name.count("/") == 2 and name.startswith("inngest/") and name.endswith("/__init__.py")
    }
    (portion,) = found
    return portion


def requirements(message: email.message.Message) -> set[str]:
    """Return the names of the requirements that apply here, without extras."""
    wanted = (Requirement(line) for line in message.get_all("Requires-Dist", []))
    return {
        canonicalize_name(item.name)
        for item in wanted
        if item.marker is None or item.marker.evaluate({"extra": ""})
    }


def closure(roots: set[str], site: str) -> set[str]:
    """Return these distributions and all their installed requirements."""
    installed = {
        canonicalize_name(dist.name): dist for dist in importlib.metadata.distributions(path=[site])
    }
    found: set[str] = set()
    left = set(roots)
    while left:
        name = canonicalize_name(left.pop())
        if name in found:
            continue
        found.add(name)
        lines = installed[name].requires or [] if name in installed else []
        wanted = (Requirement(line) for line in lines)
        left |= {
            item.name
            for item in wanted
            if item.marker is None or item.marker.evaluate({"extra": ""})
        }
    return found


# pytest imports its plugins in every run: one below `inngest` would import the core each time.
# Existing apps import the middleware for encryption by the name that it has had so far.
BESIDE = {
    "inngest-dev": {"inngest_pytest.py"},
    "inngest-encryption": {"inngest_encryption/__init__.py", "inngest_encryption/py.typed"},
}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_wheel_holds_its_portion_and_no_tests(name: str, wheels: dict[str, Path]) -> None:
    files = names_in(wheels[name])
    code = [file for file in files if ".dist-info/" not in file]
    beside = {file for file in code if not file.startswith("inngest/")}
    assert beside == BESIDE.get(name, set())
    assert [file for file in code if file.endswith(("_test.py", "conftest.py", ".pyc"))] == []
    assert ("inngest/__init__.py" in files) is (name == "inngest-core")
    package = portion_of(name, wheels[name]).replace(".", "/")
    assert f"{package}/py.typed" in files
    assert [f for f in code if not f.startswith(f"{package}/") and f not in beside] == []
    assert [file for file in files if ".dist-info/licenses/LICENSE" in file] != []
    assert wheels[name].name.endswith("-py3-none-any.whl")


@pytest.mark.parametrize("name", MEMBERS)
def test_a_wheel_says_what_it_is_and_what_it_needs(name: str, wheels: dict[str, Path]) -> None:
    metadata = metadata_of(wheels[name])
    assert metadata["Name"] == name
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Summary"]
    assert metadata["Keywords"]
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert name in str(metadata.get_payload())
    if name in DIRECT:
        assert requirements(metadata) == DIRECT[name]


def test_all_wheels_have_one_version(wheels: dict[str, Path]) -> None:
    version = metadata_of(wheels["inngest-core"])["Version"]
    for wheel in wheels.values():
        metadata = metadata_of(wheel)
        assert metadata["Version"] == version
        wanted = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
        ours = {item.name: str(item.specifier) for item in wanted if item.name in MEMBERS}
        assert set(ours.values()) <= {f"=={version}"}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_wheel_announces_what_it_offers(name: str, install: Install) -> None:
    (dist,) = importlib.metadata.distributions(path=[str(site_of(install(name)))], name=name)
    if name == "inngest-core":
        scripts = {
            point.name: point.value for point in dist.entry_points.select(group="console_scripts")
        }
        assert scripts == {"inngest-py": "inngest.__main__:main"}
    else:
        assert len(dist.entry_points.select(group="inngest")) == 1
        (point,) = dist.entry_points.select(group="inngest")
        assert point.value == f"inngest.{point.name}._plugin:plugin"


@pytest.mark.parametrize("name", MEMBERS)
def test_brings_what_it_needs_and_nothing_else(
    name: str, install: Install, wheels: dict[str, Path]
) -> None:
    site = str(site_of(install(name)))
    arrived = {
        canonicalize_name(dist.name) for dist in importlib.metadata.distributions(path=[site])
    }
    ours = {"inngest-core", name}
    asked_for = DIRECT.get(name) or requirements(metadata_of(wheels[name]))
    assert arrived == closure(ours | CORE | asked_for, site)
    assert {item for item in arrived if item.startswith("inngest")} == ours
    if name != "inngest-dev":
        others = set().union(*FRAMEWORKS.values()) - FRAMEWORKS.get(name, set())
        assert arrived.isdisjoint(ASGI_SERVER | others)


@pytest.fixture
def user_project(tmp_path: Path) -> Path:
    """Copy the user's project to a directory outside the repository."""
    return Path(shutil.copytree(USER_PROJECT, tmp_path / "project"))


@pytest.fixture(scope="session")
def mypy(
    install: Install, bin_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[str | Path]:
    """The mypy command for a project with Flask; its cache of installed packages is shared."""
    cache, python = tmp_path_factory.mktemp("cache"), python_of(install("inngest-flask"))
    return [bin_folder / "mypy", "--strict", "--cache-dir", cache, "--python-executable", python]


@pytest.mark.parametrize("program", PROGRAMS)
def test_user_project_runs(program: str, install: Install, run: Run, user_project: Path) -> None:
    run(python_of(install("inngest-flask")), "-W", "error", program, cwd=user_project)


def test_mypy_accepts_user_project(run: Run, mypy: list[str | Path], user_project: Path) -> None:
    run(*mypy, *PROGRAMS, cwd=user_project)


def test_pyright_accepts_user_project(
    install: Install, run: Run, bin_folder: Path, user_project: Path
) -> None:
    (user_project / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    python = python_of(install("inngest-flask"))
    run(bin_folder / "pyright", "--pythonpath", python, *PROGRAMS, cwd=user_project)


def test_every_public_type_is_known(
    install: Install, run: Run, bin_folder: Path, tmp_path: Path
) -> None:
    # It looks for packages beside the Python that is first on the path.
    python = python_of(install(*MEMBERS, "django-stubs"))
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    verify: list[str | Path] = [
        bin_folder / "pyright",
        "--verifytypes",
        "inngest",
        "--ignoreexternal",
    ]
    told = run(*verify, cwd=tmp_path, PATH=path)
    assert "Type completeness score: 100%" in told
    (exported,) = re.findall(r'Symbols exported by "inngest": (\d+)', told)
    assert int(exported) > 500


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_checkers_refuse_the_lines_that_are_marked_and_no_others(
    checker: str,
    install: Install,
    run: Run,
    bin_folder: Path,
    mypy: list[str | Path],
    user_project: Path,
) -> None:
    # Not strict: strictness also reports what is only odd, such as an unused name.
    pyright = [bin_folder / "pyright", "--pythonpath", python_of(install("inngest-flask"))]
    command = mypy if checker == "mypy" else pyright
    with pytest.raises(pytest.fail.Exception) as caught:
        run(*command, "wrong.py", cwd=user_project)
    reported = {int(line) for line in re.findall(r"wrong\.py:(\d+):.* error: ", str(caught.value))}
    lines = (user_project / "wrong.py").read_text("utf-8").splitlines()
    marks = ("# wrong: ", f"# wrong to {checker}: ")
    marked = {n for n, line in enumerate(lines, 1) if any(mark in line for mark in marks)}
    assert reported == marked, str(caught.value)
    assert len(marked) > 50
