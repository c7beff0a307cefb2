from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from inngest._internal.errors import PluginConfigInvalidError, PluginUnknownError
from inngest._internal.plugins.installed import Installed, Scan
from inngest._internal.plugins.selection import Selection, select
from inngest._internal.plugins.switches import Switches, flag, parse

INSTALLED = ("dev", "flask", "msgspec", "my-plugin")


def scan() -> Scan:
    return Scan(
        plugins=tuple(
            Installed(name=n, distribution=f"w-{n}", version="1", target="m", load=object)
            for n in INSTALLED
        ),
        unusable=(),
    )


def chosen(plugins: object = None, **environ: str) -> list[str]:
    selection = selected(plugins, environ=environ)
    assert isinstance(selection, Selection), selection
    return list(selection.chosen)


def selected(
    plugins: object = None,
    options: dict[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Selection | PluginUnknownError:
    switches = parse(plugins, environ or {})
    assert isinstance(switches, Switches), switches
    return select(switches, options or {}, scan)


@pytest.mark.parametrize(
    ("plugins", "environ", "expected"),
    [
        (None, {}, list(INSTALLED)),
        (True, {}, list(INSTALLED)),
        (None, {"INNGEST_PLUGINS": ""}, []),
        (None, {"INNGEST_PLUGINS": "  , "}, []),
        (None, {"INNGEST_PLUGINS": "flask"}, ["flask"]),
        (None, {"INNGEST_PLUGINS": " Flask,\tMY_plugin ,flask,"}, ["flask", "my-plugin"]),
        (None, {"INNGEST_PLUGINS_DISABLED": "dev msgspec"}, ["flask", "my-plugin"]),
        (None, {"INNGEST_PLUGINS_DISABLED": ""}, list(INSTALLED)),
        (None, {"INNGEST_PLUGINS": "flask,dev", "INNGEST_PLUGINS_DISABLED": "dev"}, ["flask"]),
        (False, {}, []),
        (False, {"INNGEST_PLUGINS": "flask"}, []),
        ([], {"INNGEST_PLUGINS": "flask"}, []),
        (["My.Plugin"], {"INNGEST_PLUGINS": "flask"}, ["my-plugin"]),
        (("flask", "dev"), {"INNGEST_PLUGINS_DISABLED": "dev"}, ["flask"]),
        ([SimpleNamespace(name="Own_One")], {}, ["own-one"]),
        ([SimpleNamespace(name="own"), "flask"], {}, ["flask", "own"]),
        ([SimpleNamespace(name="flask")], {"INNGEST_PLUGINS_DISABLED": "flask"}, []),
    ],
)
def test_switches_choose(plugins: object, environ: dict[str, str], expected: list[str]) -> None:
    assert chosen(plugins, **environ) == expected


@pytest.mark.parametrize(
    ("plugins", "environ", "message"),
    [
        (None, {"INNGEST_PLUGINS": "flsk"}, "INNGEST_PLUGINS .*'flsk'.*did you mean 'flask'"),
        (None, {"INNGEST_PLUGINS_DISABLED": "zzz"}, "INNGEST_PLUGINS_DISABLED .* there is: dev,"),
        (["msgpack"], {}, r"Inngest\(plugins=...\) .*'msgspec'"),
    ],
)
def test_a_name_that_is_not_installed_is_an_error_with_a_suggestion(
    plugins: object, environ: dict[str, str], message: str
) -> None:
    error = selected(plugins, environ=environ)
    assert isinstance(error, PluginUnknownError)
    assert error.code == "plugin_unknown"
    with pytest.raises(PluginUnknownError, match=message):
        raise error


def test_options_belong_to_a_plugin() -> None:
    assert isinstance(selected(options={"flask": {}}), Selection)
    error = selected(options={"flaks": {}})
    assert isinstance(error, PluginUnknownError)
    assert "plugin_options" in error.message and "'flask'" in error.message


def test_options_do_not_matter_where_nothing_is_on() -> None:
    assert isinstance(selected(False, options={"anything": {}}), Selection)


def test_what_is_off_says_who_switched_it_off() -> None:
    selection = selected(
        environ={"INNGEST_PLUGINS": "flask,dev", "INNGEST_PLUGINS_DISABLED": "dev"}
    )
    assert isinstance(selection, Selection)
    assert {one.plugin.name: one.reason for one in selection.off} == {
        "dev": "switched off by INNGEST_PLUGINS_DISABLED",
        "msgspec": "not among those of INNGEST_PLUGINS",
        "my-plugin": "not among those of INNGEST_PLUGINS",
    }


@pytest.mark.parametrize("plugins", [False, [], [SimpleNamespace(name="own")]])
def test_nothing_is_scanned_where_nothing_installed_can_matter(plugins: object) -> None:
    switches = parse(plugins, {})
    assert isinstance(switches, Switches)

    def scanner() -> Scan:
        raise AssertionError("scanned")

    assert isinstance(select(switches, {}, scanner), Selection)


@pytest.mark.parametrize(
    ("plugins", "environ", "message"),
    [
        ("flask", {}, "takes a list .* given str"),
        (3, {}, "given int"),
        ({"flask": {}}, {}, "given dict"),
        (["flask", "Flask"], {}, "'flask' twice"),
        (["a/b"], {}, "'a/b'"),
        (None, {"INNGEST_PLUGINS": "a,b:c"}, "INNGEST_PLUGINS .*'b:c'"),
        (None, {"INNGEST_PLUGINS_STRICT": "maybe"}, "INNGEST_PLUGINS_STRICT .*1 or 0"),
    ],
)
def test_what_cannot_be_understood_is_an_error(
    plugins: object, environ: dict[str, str], message: str
) -> None:
    error = parse(plugins, environ)
    assert isinstance(error, PluginConfigInvalidError)
    with pytest.raises(PluginConfigInvalidError, match=message):
        raise error


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, True) for text in ("1", " True ", "YES", "on")),
        *((text, False) for text in ("", "0", "false", "No", "off")),
    ],
)
def test_a_flag_is_a_boolean(text: str, expected: bool) -> None:
    assert flag(text, "V") is expected


class HTTPServerPlugin:
    pass


def test_an_object_without_a_name_is_called_by_its_class() -> None:
    assert chosen([HTTPServerPlugin()]) == ["httpserver"]
