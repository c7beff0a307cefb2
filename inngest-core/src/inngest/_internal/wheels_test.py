from __future__ import annotations

import re
import sys

import pytest

import inngest
from inngest._internal import wheels
from inngest._internal.errors import PluginUnknownError
from inngest._internal.plugins.host import PluginHost
from inngest._internal.plugins.installed import Scan


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wsgi", "; it is a module of its own: import inngest.wsgi"),
        ("Functon", ""),
        ("not a name", ""),
    ],
)
def test_a_module_that_is_not_imported_is_told_from_a_name_that_there_is_not(
    name: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(inngest.__dict__, name, raising=False)
    monkeypatch.delitem(sys.modules, f"inngest.{name}", raising=False)
    text = f"module 'inngest' has no attribute {name!r}{hint}"
    with pytest.raises(AttributeError, match=f"^{re.escape(text)}$"):
        getattr(inngest, name)


@pytest.mark.parametrize("name", ["fast_api", "fastapi"])
def test_the_wheel_is_named_that_brings_a_module(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "find_spec", lambda _: None)
    assert wheels.to_import(name) == "; pip install inngest-fastapi, and import inngest.fast_api"


def test_the_wheel_is_named_that_brings_a_plugin() -> None:
    bare = PluginHost(["encryption"], environ={}, scanner=lambda: Scan(plugins=(), unusable=()))
    failure = bare.verify()
    assert isinstance(failure, PluginUnknownError)
    assert failure.message.endswith("not installed; pip install inngest-encryption")
