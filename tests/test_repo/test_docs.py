"""Every Python snippet of the README and of docs runs, and every link leads somewhere."""

from __future__ import annotations

import inspect
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

import inngest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("inngest-*/README.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<code>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ANCHORED = re.compile(r"\]\((?!https?:)([^)#]*)#([^)]+)\)")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def snippets(page: Path) -> list[tuple[int, str, str]]:
    """Return the line, the info string and the code of each fenced block."""
    text = page.read_text("utf-8")
    return [
        (text.count("\n", 0, found.start("code")), found["info"].strip(), found["code"])
        for found in FENCE.finditer(text)
    ]


def is_file(page: Path, code: str) -> bool:
    """Return whether a snippet is a file of a project, which test_plugin_page.py tests."""
    return page.name == "plugins.md" and re.match(r"# \w\S*/\S+\n", code) is not None


@pytest.fixture
def _logging_of_its_own() -> Iterator[None]:
    """Restore the loggers that a snippet configures."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {each: each.level for each in loggers()}
    yield
    root.handlers[:] = handlers
    for logger in loggers():
        logger.setLevel(levels.get(logger, logging.NOTSET))


def loggers() -> list[logging.Logger]:
    root = logging.getLogger()
    named = root.manager.loggerDict.values()
    return [root, *(each for each in named if isinstance(each, logging.Logger))]


@pytest.mark.usefixtures("_logging_of_its_own")
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_snippets_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, in one module per page, as somebody would type them."""
    monkeypatch.setenv("INNGEST_DEV", "1")
    monkeypatch.setenv("PATH", "")  # npx, should the machine have it, would fetch a server
    loader = SourceFileLoader(f"snippets_{page.stem.replace('-', '_')}", str(page))
    spec = spec_from_loader(loader.name, loader)  # tracebacks ask for the loader
    assert spec is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for line, info, code in snippets(page):
        if info == "python" and not is_file(page, code):
            source = "\n" * line + code
            exec(compile(source, str(page), "exec", dont_inherit=True), module.__dict__)


def test_snippets_are_typed(tmp_path: Path) -> None:
    """To those who check strictly: what they copy is right."""
    for page in PAGES:
        text = ""
        for line, info, code in snippets(page):
            if info == "python" and not is_file(page, code):
                text += "\n" * (line - text.count("\n")) + code
        (tmp_path / (re.sub(r"\W", "_", name(page)) + ".py")).write_text(text, "utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *sorted(tmp_path.iterdir())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_snippet_is_left_out(page: Path) -> None:
    marked = [info for _, info, _ in snippets(page) if re.match(r"(py|python)\W|py$", info)]
    assert marked == []
    assert page.read_text("utf-8").count("```") == 2 * len(snippets(page))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [
        link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()
    ]
    assert missing == []


def words_of_pages() -> set[str]:
    return {word for page in PAGES for word in re.findall(r"\w+", page.read_text("utf-8"))}


def test_every_public_name_is_on_a_page() -> None:
    assert set(inngest.__all__) - words_of_pages() == set()


@pytest.mark.parametrize("declared", [inngest.Inngest, inngest.Inngest.create_function])
def test_every_option_is_on_a_page(declared: Callable[..., object]) -> None:
    assert set(inspect.signature(declared).parameters) - {"self"} - words_of_pages() == set()


def test_every_environment_variable_is_on_a_page() -> None:
    """But for those of others, and those that tests of the repository read."""
    sources = [path for path in ROOT.glob("inngest-*/src/**/*.py") if "_test" not in path.stem]
    read = {
        variable
        for path in sources
        for variable in re.findall(r'"((?:INNGEST|DEV_SERVER)_[A-Z_]+)"', path.read_text("utf-8"))
    }
    assert len(read) > 20, "they were found"
    assert read - words_of_pages() == set()


def test_every_page_can_be_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    pages = {name(page) for page in PAGES if page.parent.name == "docs"}
    assert pages - set(LINK.findall(readme)) == set()


def anchor(heading: str) -> str:
    """Return the anchor that GitHub generates for a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_anchors_are_there(page: Path) -> None:
    missing = []
    for link, fragment in ANCHORED.findall(page.read_text("utf-8")):
        headings = HEADING.findall((page.parent / link if link else page).read_text("utf-8"))
        if fragment not in map(anchor, headings):
            missing.append(f"{link}#{fragment}")
    assert missing == []


def test_the_pages_have_snippets() -> None:
    named = {name(page) for page in PAGES if any(i == "python" for _, i, _ in snippets(page))}
    assert {
        "README.md",
        "docs/architecture.md",
        "docs/dev-server.md",
        "docs/errors-and-retries.md",
        "docs/experimental.md",
        "docs/getting-started.md",
        "docs/plugins.md",
        "docs/testing.md",
        "docs/testing-locally.md",
    } <= named
