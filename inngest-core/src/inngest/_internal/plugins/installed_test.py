from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import importlib_metadata
import pytest

from inngest._internal.plugins.installed import CachedScan, Installed, Scan, resolve
from inngest._internal.plugins.names import canonical
from inngest._internal.plugins.source import declared_hooks


def write(folder: Path, info: str, entries: str | bytes | None) -> None:
    (folder / info).mkdir(parents=True)
    name = info.partition("-")[0]
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 9\n\n"
    (folder / info / ("PKG-INFO" if info.endswith("egg-info") else "METADATA")).write_text(text)
    if entries is not None:
        data = entries.encode() if isinstance(entries, str) else entries
        (folder / info / "entry_points.txt").write_bytes(data)


def scan(monkeypatch: pytest.MonkeyPatch, *paths: Path) -> Scan:
    monkeypatch.setattr(sys, "path", [str(path) for path in paths])
    return CachedScan()()


def found(scanned: Scan) -> list[tuple[str, str | None, str | None, str]]:
    return [(p.name, p.distribution, p.version, p.target) for p in scanned.plugins]


def test_entry_points_of_the_group_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "[console_scripts]\nx = y:z\n\n[inngest]\n# a comment\nMy_One = a.b:c [extra]\ntwo=d\n[z]\nq=r\n"
    write(tmp_path, "Some_Wheel-1.2.dist-info", text)
    write(tmp_path, "other-1.dist-info", "[other]\nno = no:no\n")
    write(tmp_path, "none-1.dist-info", None)
    write(tmp_path, "old.egg-info", "[inngest]\nold = old:plugin\n")
    assert found(scan(monkeypatch, tmp_path)) == [
        ("my-one", "some-wheel", "1.2", "a.b:c"),
        ("old", "old", "9", "old:plugin"),
        ("two", "some-wheel", "1.2", "d"),
    ]


def test_what_cannot_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "bytes-1.dist-info", b"\xff\xfe[inngest]\n\x00\n[inngest]\nb = b:\xff\n")
    write(tmp_path, "folder-1.dist-info", None)
    (tmp_path / "folder-1.dist-info" / "entry_points.txt").mkdir()
    (tmp_path / "file-1.dist-info").write_text("")
    (tmp_path / "text.txt").write_text("")
    scanned = scan(monkeypatch, tmp_path, tmp_path / "nowhere", tmp_path / "text.txt")
    assert [p.name for p in scanned.plugins] == ["b"]


def test_what_python_passes_over_on_its_path_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "text", "one-1.dist-info", "[inngest]\none = one:plugin\n")
    write(tmp_path / "path", "two-1.dist-info", "[inngest]\ntwo = two:plugin\n")
    odd = [str(tmp_path / "text"), tmp_path / "path", None, b"/bytes", 3]
    monkeypatch.setattr(sys, "path", odd)
    assert [plugin.name for plugin in CachedScan()().plugins] == ["one"]
    assert declared_hooks("nowhere.to.be.found:plugin") is None


def test_the_first_on_the_path_hides_others_of_the_same_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "1", "my_wheel-2.dist-info", None)
    write(tmp_path / "2", "My.wheel-1.dist-info", "[inngest]\nx = x:x\n")
    assert found(scan(monkeypatch, tmp_path / "1", tmp_path / "2")) == []
    (found_one,) = found(scan(monkeypatch, tmp_path / "2", tmp_path / "1"))
    assert found_one[0] == "x"


def test_zip_files_on_the_path_are_read_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("zipped-3.dist-info/METADATA", "Name: zipped\nVersion: 3\n")
        archive.writestr("zipped-3.dist-info/entry_points.txt", "[inngest]\nzip = z:p\n")
    # Reading a zip file imports modules from the rest of sys.path.
    scanned = scan(monkeypatch, tmp_path / "app.zip", *map(Path, sys.path))
    assert ("zip", "zipped", "3", "z:p") in found(scanned)


def test_finders_of_other_importers_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "hidden", "frozen-4.dist-info", "[inngest]\nice = i:p\n")

    class Finder:
        def find_distributions(self, context: object) -> list[importlib_metadata.Distribution]:
            path = tmp_path / "hidden" / "frozen-4.dist-info"
            return [importlib_metadata.PathDistribution(path)]

        def find_spec(self, *_: object) -> None:
            return None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert found(scan(monkeypatch)) == [("ice", "frozen", "9", "i:p")]


def test_it_finds_what_importlib_metadata_finds() -> None:
    expected = {
        (canonical(entry.name), entry.dist.name, entry.dist.version, entry.value)
        for entry in importlib_metadata.entry_points(group="inngest")
        if entry.dist is not None
    }
    assert expected
    assert set(found(CachedScan()())) == expected


def test_a_second_look_is_free_until_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    scanner = CachedScan()
    first = scanner()
    assert scanner() is first
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "more")])
    write(tmp_path / "more", "late-1.dist-info", "[inngest]\nlate = l:p\n")
    assert [p.name for p in scanner().plugins] == ["late"]


def plugin(name: str, distribution: str) -> Installed:
    return Installed(name=name, distribution=distribution, version="1", target="m:p", load=object)


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_of_one_name_the_familys_own_stays_in_any_order(turn: int) -> None:
    both = [plugin("flask", "a-flask"), plugin("flask", "inngest-flask"), plugin("x", "x")][::turn]
    scanned = resolve(both)
    assert [(p.name, p.distribution) for p in scanned.plugins] == [
        ("flask", "inngest-flask"),
        ("x", "x"),
    ]
    (left,) = scanned.unusable
    assert left.plugin.distribution == "a-flask"
    assert "inngest-flask 1 announces a plugin of the same name" in left.reason


@pytest.mark.parametrize(
    ("name", "family"),
    [("fast-api", "inngest-fastapi"), ("digital-ocean", "inngest-digitalocean")],
)
def test_the_familys_plugin_is_kept_though_its_distribution_is_spelt_in_one_word(
    name: str, family: str
) -> None:
    scanned = resolve([plugin(name, "a-stranger"), plugin(name, family)])
    assert [one.distribution for one in scanned.plugins] == [family]


def test_a_name_that_cannot_be_typed_is_unusable() -> None:
    scanned = resolve([plugin("a/b", "w")])
    assert scanned.plugins == ()
    assert "'a/b' is not a name" in scanned.unusable[0].reason


def test_a_distribution_that_owns_the_package_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "inngest_core-1.dist-info", None)
    assert not scan(monkeypatch, tmp_path).has_monolith
    write(tmp_path, "inngest-0.5.dist-info", None)
    assert scan(monkeypatch, tmp_path).has_monolith
