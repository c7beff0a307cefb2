from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import importlib_metadata
import pytest

from inngest._internal.plugins.discovery import commands, load_plugins
from inngest.plugins import Command, hookimpl


class Good:
    api_version = 1

    @hookimpl
    def inngest_commands(self) -> list[Command]:
        return [Command(name=name, help="", run=lambda _: 0) for name in ("b", "a")]


class Entry:
    dist = SimpleNamespace(name="wheel")

    def __init__(self, name: str, found: object) -> None:
        self.name, self.found = name, found

    def load(self) -> object:
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found


def install(monkeypatch: pytest.MonkeyPatch, *entries: Entry) -> None:
    def entry_points(**_: Any) -> tuple[Entry, ...]:
        return entries

    monkeypatch.setattr(importlib_metadata, "entry_points", entry_points)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (ImportError("gone"), "ImportError: gone"),
        (SystemExit(3), "SystemExit"),
        (RuntimeError("boom"), "boom"),
        (SimpleNamespace(), "api_version None"),
        (SimpleNamespace(api_version=0), "upgrade the plugin"),
        (SimpleNamespace(api_version=99), "upgrade core"),
        (SimpleNamespace(api_version="1"), "api_version '1'"),
    ],
)
def test_a_broken_plugin_costs_one_warning_and_the_others_work(
    broken: object,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    install(monkeypatch, Entry("broken", broken), Entry("good", Good()))
    with caplog.at_level(logging.INFO, "inngest.plugins"):
        manager = load_plugins()
    assert [one.name for one in commands(manager)] == ["a", "b"]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "broken" in record.getMessage()
    assert "wheel" in record.getMessage()
    assert reason in record.getMessage()


def test_two_plugins_of_one_name_cost_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install(monkeypatch, Entry("good", Good()), Entry("good", Good()))
    assert len(commands(load_plugins())) == 2
    assert len(caplog.records) == 1
