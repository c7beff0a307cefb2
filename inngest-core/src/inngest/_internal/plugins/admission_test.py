from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from inngest._internal.plugins.admission import Admitted, Refusal, admit, new_manager
from inngest._internal.plugins.installed import Installed, load_target
from inngest._internal.plugins.source import declared_hooks
from inngest.plugins import (
    API_VERSION,
    Command,
    MiddlewareEntry,
    SerializerEntry,
    Transport,
    hookimpl,
    instance_of,
)

EMPTY: Any = SimpleNamespace()
SERIALIZER: Any = SimpleNamespace(serialize=len, deserialize=len)


def transport(**changes: Any) -> Transport:
    fields = {
        "name": "x",
        "kind": "http",
        "framework": "x",
        "distribution": "w",
        "accepts": bool,
        "serve": print,
        **changes,
    }
    return Transport(**fields)


def admit_(plugin: object) -> Admitted | Refusal:
    manager = new_manager()
    installed = Installed(
        name="p", distribution="w", version="1", target="m:p", load=lambda: plugin
    )
    found = admit(manager, installed)
    is_in = manager.has_plugin("p")
    assert is_in is isinstance(found, Admitted)
    assert bool(manager.hook.inngest_transports.get_hookimpls()) <= is_in
    return found


def reason(plugin: object) -> str:
    found = admit_(plugin)
    assert isinstance(found, Refusal)
    return found.reason


def plugin_with(hook: str, implementation: Callable[..., object], **marks: Any) -> object:
    """Make a plugin with one hook in addition to those of a good one."""

    class Plugin:
        api_version = API_VERSION

        @hookimpl
        def inngest_transports(self) -> list[Transport]:
            return [transport()]

    setattr(Plugin, hook, hookimpl(**marks)(implementation) if marks else hookimpl(implementation))
    return Plugin()


def returning(value: object, hook: str = "inngest_serializers") -> object:
    return plugin_with(hook, lambda self: value)


class Unmarked:
    api_version = API_VERSION

    def inngest_transports(self) -> list[Transport]:
        return []


class Misspelt:
    api_version = API_VERSION

    def inngest_midleware(self) -> list[MiddlewareEntry]:
        return []


class Unrelated:
    api_version = API_VERSION

    def inngest_url(self) -> str:
        raise AssertionError("called")


async def asynchronous(self: object) -> list[object]:
    return []


def wrapper(self: object) -> Any:
    yield


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        (SimpleNamespace(), "no api_version, and this core has 1: is the plugin what the"),
        (SimpleNamespace(api_version=0), "api_version 0 and this core has 1: upgrade the plugin"),
        (SimpleNamespace(api_version=99), "has 1: upgrade inngest-core"),
        (SimpleNamespace(api_version="1"), "api_version '1'"),
        (SimpleNamespace(api_version=True), "api_version True"),
        (Unmarked, "names a class"),
        (Unmarked(), "inngest_transports is not marked with @hookimpl"),
        (Misspelt(), "not marked with @hookimpl, and the hook is called inngest_middleware"),
        (
            plugin_with("inngest_midleware", lambda self: []),
            "no hook inngest_midleware; did you mean inngest_middleware?",
        ),
        (plugin_with("other", lambda self: []), "no hook other; there is: inngest_commands, "),
        (plugin_with("inngest_commands", asynchronous), "inngest_commands is async"),
        (
            plugin_with("inngest_commands", wrapper, wrapper=True),
            "inngest_commands is a wrapper",
        ),
        (plugin_with("inngest_commands", lambda self, nonsense: []), "nonsense"),
        (plugin_with("inngest_commands", lambda self: 1 / 0), "ZeroDivisionError: division"),
        (plugin_with("inngest_commands", lambda self: sys.exit()), "it called sys.exit()"),
        (returning(3), "inngest_serializers returned int, not a list of SerializerEntry"),
        (returning("text"), "returned str"),
        (returning({}), "returned dict"),
        (returning([transport()]), "a list with Transport, not SerializerEntry"),
        (
            plugin_with("inngest_middleware", lambda self, clinet, options: []),
            "inngest_middleware takes clinet, and is offered client, options, environ",
        ),
        (
            plugin_with("inngest_serializers", lambda self, client: []),
            "inngest_serializers takes client, and is offered no argument",
        ),
        (returning([None]), "a list with NoneType"),
        (returning([SerializerEntry(name="a", serializer=SERIALIZER)] * 2), "two of the name 'a'"),
        (returning([SerializerEntry(name="/", serializer=SERIALIZER)]), "name is '/'"),
        (
            returning([SerializerEntry(name="a", serializer=SimpleNamespace)]),  # type: ignore[arg-type]
            "serializer is a class",
        ),
        (
            returning([SerializerEntry(name="a", serializer=EMPTY)]),
            "serialize is not callable",
        ),
        (returning([transport(kind="tcp")], "inngest_transports"), "kind is 'tcp'; one of: http,"),
        (returning([transport(framework="")], "inngest_transports"), "framework is ''"),
        (returning([transport(accepts=None)], "inngest_transports"), "accepts is not callable"),
        (
            returning([Command(name="c", help=None, run=print)], "inngest_commands"),  # type: ignore[arg-type]
            "help is None",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_of_the_plugin_stays(
    plugin: object, expected: str
) -> None:
    assert expected in reason(plugin)


def test_a_coroutine_is_refused_without_a_warning_of_pythons() -> None:
    assert "returned coroutine" in reason(returning(asynchronous(None)))


def test_a_long_error_is_one_short_line() -> None:
    def raising(self: object) -> list[object]:
        raise ValueError("a\nb" * 1000)

    text = reason(plugin_with("inngest_commands", raising))
    assert "\n" not in text
    assert len(text) < 350


def test_an_error_that_cannot_be_shown_is_named() -> None:
    class UnshownError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def raising(self: object) -> list[object]:
        raise UnshownError

    assert reason(plugin_with("inngest_commands", raising)) == "UnshownError"


def test_a_good_plugin_is_in_with_all_that_it_offers() -> None:
    entries = [SerializerEntry(name="a", serializer=SERIALIZER)]
    found = admit_(returning(iter(entries)))
    assert isinstance(found, Admitted)
    assert found.hooks == ("inngest_serializers", "inngest_transports")
    assert found.serializers == tuple(entries)
    assert [t.name for t in found.transports] == ["x"]


@pytest.mark.parametrize("plugin", [Unrelated(), SimpleNamespace(api_version=1), returning(None)])
def test_a_plugin_may_have_other_methods_and_offer_nothing(plugin: object) -> None:
    assert isinstance(admit_(plugin), Admitted)


def test_a_hook_of_a_later_core_may_be_optional() -> None:
    assert isinstance(
        admit_(plugin_with("inngest_later", lambda self: [], optionalhook=True)), Admitted
    )


def test_one_object_cannot_be_two_plugins() -> None:
    plugin = returning([])
    manager = new_manager()
    found = [
        admit(
            manager,
            Installed(name=name, distribution="w", version="1", target="", load=lambda: plugin),
        )
        for name in ("a", "b")
    ]
    assert isinstance(found[0], Admitted)
    assert found[1] == Refusal("it is the same object as the plugin 'a'")
    assert len(manager.get_plugins()) == 1


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("no_such_module_here:x", "ModuleNotFoundError"),
        ("logging:no_such_attribute", "AttributeError"),
        ("", "ValueError"),
    ],
)
def test_what_cannot_be_imported_is_refused(target: str, expected: str) -> None:
    installed = Installed(
        name="p", distribution="w", version="1", target=target, load=lambda: load_target(target)
    )
    found = admit(new_manager(), installed)
    assert isinstance(found, Refusal)
    assert found.reason.startswith(expected)
    assert found.cause is not None


def test_a_target_names_a_module_or_something_in_it() -> None:
    assert load_target("logging") is logging
    assert load_target("logging : Logger.name ".replace(".name", "")) is logging.Logger


def test_hooks_are_read_from_source() -> None:
    assert declared_hooks("inngest.flask._plugin:plugin") in (None, ("inngest_transports",))
    assert declared_hooks("no_such.module:x") is None
    assert declared_hooks("../x:y") is None
    assert declared_hooks("logging:x") is None


class MyFlask:
    __module__ = "flask.app"


MyFlask.__name__ = "Flask"


class Derived(MyFlask):
    __module__ = "shop"


@pytest.mark.parametrize(
    ("app", "expected"), [(MyFlask(), True), (Derived(), True), (3, False), (MyFlask, False)]
)
def test_an_app_is_known_by_its_class(app: object, expected: bool) -> None:
    assert instance_of("flask.Flask", "other.App")(app) is expected
