from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from inngest._internal.client.client import Inngest
from inngest._internal.errors import (
    PluginConfigInvalidError,
    PluginError,
    SerializerUnknownError,
    TransportNotFoundError,
)
from inngest._internal.plugins.host import PluginHost
from inngest._internal.plugins.installed import Installed, Scan, resolve
from inngest._internal.plugins.notices import Notices
from inngest._internal.plugins.serving import serve
from inngest.plugins import (
    Command,
    MiddlewareEntry,
    NotConfigured,
    SerializerEntry,
    Transport,
    hookimpl,
    instance_of,
)

CLIENT = Inngest(app_id="app", is_production=False)


class Flask:
    """An app of a framework named flask."""


Flask.__module__ = "flask.app"


def marked(mark: object) -> Any:
    """Make a factory that is identified by its result."""
    return lambda *_: mark


is_flask = instance_of("flask.Flask")


class Everything:
    """A plugin that implements all hooks."""

    api_version = 1

    def __init__(self, name: str, accepts: Callable[[object], bool] = is_flask):
        self.own, self.accepts = name, accepts

    @hookimpl
    def inngest_transports(self) -> list[Transport]:
        return [
            Transport(
                name=self.own,
                kind="http",
                framework=self.own,
                distribution=f"w-{self.own}",
                accepts=self.accepts,
                serve=lambda *args, **options: (self.own, args, options),
            )
        ]

    @hookimpl
    def inngest_middleware(self, client: Inngest) -> Iterator[MiddlewareEntry]:
        yield MiddlewareEntry(name=self.own, factory=marked(self.own))

    @hookimpl
    def inngest_serializers(self) -> tuple[SerializerEntry, ...]:
        serializer: Any = SimpleNamespace(serialize=len, deserialize=len, of=self.own)
        return tuple(
            SerializerEntry(name=name, serializer=serializer) for name in (self.own, "shared")
        )

    @hookimpl
    def inngest_commands(self) -> list[Command]:
        return [Command(name=n, help="", run=lambda _: len(self.own)) for n in (self.own, "common")]


def installed(plugins: Mapping[str, object]) -> Callable[[], Scan]:
    def load(name: str, plugin: object) -> Callable[[], object]:
        def load() -> object:
            LOADED.append(name)
            return plugin

        return load

    found = [
        Installed(
            name=name.replace("_", "-"),
            distribution=f"w-{name}",
            version="1",
            target="no_such_module:plugin",
            load=load(name, plugin),
        )
        for name, plugin in plugins.items()
    ]
    return lambda: resolve(found)


LOADED: list[str] = []


@pytest.fixture(autouse=True)
def nothing_loaded() -> None:
    LOADED.clear()


def host(
    plugins: Any = None,
    options: Any = None,
    environ: Mapping[str, str] | None = None,
    **installed_: Any,
) -> PluginHost:
    return PluginHost(
        plugins, options, environ or {}, scanner=installed(installed_), notices=Notices()
    )


def names_of(factories: Sequence[Callable[..., object]]) -> list[object]:
    return [factory(CLIENT, None) for factory in factories]


def test_making_a_host_does_nothing() -> None:
    def scanner() -> Scan:
        raise AssertionError("scanned")

    PluginHost(environ={}, scanner=scanner).verify()


def test_listing_loads_nothing() -> None:
    (row,) = host(one=Everything("one")).listing()
    assert (row.name, row.distribution, row.version, row.state) == ("one", "w-one", "1", "enabled")
    assert LOADED == []


def test_each_plugin_is_loaded_once() -> None:
    found = host(one=Everything("one"), two=Everything("two"))
    for _ in range(2):
        found.transports()
        found.commands()
        found.middleware(CLIENT)
        found.serializer("one")
    assert LOADED == ["one", "two"]
    assert [(r.state, len(r.hooks or ())) for r in found.listing()] == [("loaded", 4)] * 2


def test_an_app_is_served_by_the_transport_that_accepts_it() -> None:
    found = host(flask=Everything("flask"), other=Everything("other", lambda app: True))
    transport = found.transport_for(Flask())
    assert isinstance(transport, Transport)
    assert transport.name == "flask"
    assert LOADED == ["flask"]


def test_what_is_made_for_a_framework_goes_before_what_takes_everything() -> None:
    mine = Everything("flask")
    found = host(aaa=Everything("aaa", lambda app: True), zzz=mine)
    transport = found.transport_for(Flask())
    assert isinstance(transport, Transport)
    assert transport.name == "flask"


def test_what_is_made_for_the_framework_goes_before_what_is_made_for_its_base() -> None:
    """For example, a FastAPI app is a Starlette app, too."""

    class Derived(Flask):
        __module__ = "zzz.app"

    takes_both = instance_of("flask.Flask")
    found = host(flask=Everything("flask", takes_both), zzz=Everything("zzz", takes_both))
    transport = found.transport_for(Derived())
    assert isinstance(transport, Transport)
    assert transport.name == "zzz"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "flask.app.Flask: pip install inngest-flask"),
        ({"INNGEST_PLUGINS": ""}, "flask.app.Flask: pip install inngest-flask"),
    ],
)
def test_no_transport_is_an_error_that_says_what_to_install(
    environ: dict[str, str], message: str
) -> None:
    error = host(environ=environ, other=Everything("other", lambda app: False)).transport_for(
        Flask()
    )
    assert isinstance(error, TransportNotFoundError)
    assert message in error.message


def test_a_transport_that_is_switched_off_is_named() -> None:
    plugin = Installed(
        name="flask",
        distribution="inngest-flask",
        version="1",
        target="m",
        load=lambda: Everything("flask"),
    )
    found = PluginHost(
        environ={"INNGEST_PLUGINS_DISABLED": "flask"}, scanner=lambda: resolve([plugin])
    )
    error = found.transport_for(Flask())
    assert isinstance(error, TransportNotFoundError)
    assert "is installed, but switched off by INNGEST_PLUGINS_DISABLED" in error.message


def test_an_app_that_nobody_knows_names_the_family() -> None:
    error = host().transport_for(3)
    assert isinstance(error, TransportNotFoundError)
    assert "builtins.int" in error.message and "inngest-flask" in error.message
    assert "inngest.asgi.serve(client, functions)" in error.message


def test_a_transport_that_cannot_tell_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    def raising(app: object) -> bool:
        raise ValueError("boom")

    found = host(aaa=Everything("aaa", raising), bbb=Everything("bbb"))
    transport = found.transport_for(Flask())
    assert isinstance(transport, Transport)
    assert transport.name == "bbb"
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "'aaa'" in line and "ValueError: boom" in line


def test_serve_hands_everything_to_the_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Inngest(app_id="app", is_production=False)
    monkeypatch.setattr(client, "_plugins", host(flask=Everything("flask")), raising=False)
    app = Flask()
    assert serve(app, client, [], serve_path="/x") == (
        "flask",
        (app, client, []),
        {"serve_path": "/x"},
    )


def test_serve_says_when_its_arguments_are_in_another_order() -> None:
    with pytest.raises(TransportNotFoundError, match=r"inngest.serve\(app, client, functions\)"):
        serve(CLIENT, Flask(), [])  # type: ignore[arg-type]


class Ordered:
    api_version = 1

    def __init__(self, *entries: tuple[int, str]) -> None:
        self.entries = entries

    @hookimpl
    def inngest_middleware(self) -> list[MiddlewareEntry]:
        return [
            MiddlewareEntry(name=name, order=order, factory=marked(name))
            for order, name in self.entries
        ]


PLUGINS = {
    "first": Ordered((10, "late"), (0, "b")),
    "second": Ordered((-5, "early")),
    "third": Ordered((0, "a"), (0, "c")),
}


@pytest.mark.parametrize("order", list(itertools.permutations(PLUGINS)))
def test_middleware_runs_in_declared_order_however_it_was_installed(order: list[str]) -> None:
    scanner = installed({name: PLUGINS[name] for name in order})
    found = PluginHost(environ={}, scanner=scanner)
    assert names_of(found.middleware(CLIENT)) == ["early", "a", "b", "c", "late"]


class Configured:
    api_version = 1

    @hookimpl
    def inngest_middleware(
        self, client: Inngest, options: Mapping[str, object]
    ) -> list[MiddlewareEntry] | NotConfigured:
        if "dsn" not in options:
            return NotConfigured(reason="set SENTRY_DSN")
        return [MiddlewareEntry(name="sentry", factory=marked((client.app_id, options["dsn"])))]


def test_middleware_is_given_the_client_and_the_options_of_its_plugin() -> None:
    found = host(options={"My_Sentry": {"dsn": "d"}}, my_sentry=Configured())
    assert names_of(found.middleware(CLIENT)) == [("app", "d")]


def test_middleware_that_is_not_configured_stays_out_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "inngest.plugins")
    notices = Notices()
    for _ in range(3):
        found = PluginHost(environ={}, scanner=installed({"sentry": Configured()}), notices=notices)
        assert found.middleware(CLIENT) == ()
        (row,) = found.listing()
        assert (row.state, row.reason) == ("not configured", "set SENTRY_DSN")
    (record,) = caplog.records
    assert record.getMessage() == "plugin 'sentry' adds no middleware: set SENTRY_DSN"
    assert record.levelno == logging.INFO


def test_what_is_named_and_not_configured_keeps_a_client_of_production_from_working() -> None:
    def made(client: Inngest, plugins: list[str] | None) -> list[object]:
        scanner = installed({"sentry": Configured()})
        return list(PluginHost(plugins, environ={}, scanner=scanner).middleware(client))

    production = Inngest(app_id="app", is_production=True, event_key="e", signing_key="00")
    assert made(production, None) == []
    assert made(CLIENT, ["sentry"]) == []
    with pytest.raises(PluginError, match=r"'sentry' of .* cannot be used: set SENTRY_DSN"):
        made(production, ["sentry"])


class Greedy:
    """A plugin that uses the client in its middleware hook."""

    api_version = 1

    def __init__(self) -> None:
        self.host: PluginHost | None = None

    @hookimpl
    def inngest_middleware(self, client: Inngest) -> list[MiddlewareEntry]:
        assert self.host is not None
        self.host.middleware(client)
        return []


def test_a_plugin_that_uses_the_client_at_once_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    greedy = Greedy()
    greedy.host = host(greedy=greedy, one=Everything("one"))
    assert names_of(greedy.host.middleware(CLIENT)) == ["one"]
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "used the client" in record.getMessage()


def test_a_serializer_is_found_by_name_and_its_namesake_alone_is_loaded() -> None:
    found = host(msgspec=Everything("msgspec"), other=Everything("msgspec"))
    serializer: Any = found.serializer("MsgSpec")
    assert serializer.of == "msgspec"
    assert LOADED == ["msgspec"]


def test_a_serializer_of_two_plugins_is_an_error() -> None:
    error = host(one=Everything("one"), two=Everything("two")).serializer("shared")
    assert isinstance(error, SerializerUnknownError)
    assert "'one' and 'two'" in error.message
    off = {"INNGEST_PLUGINS_DISABLED": "one"}
    serializer: Any = host(environ=off, one=Everything("one"), two=Everything("two")).serializer(
        "shared"
    )
    assert serializer.of == "two"


@pytest.mark.parametrize(
    ("plugins", "hint"),
    [({"msgspec": Everything("msgspec")}, "did you mean 'msgspec'"), ({}, "no plugin here")],
)
def test_an_unknown_serializer_is_an_error_with_a_suggestion(
    plugins: dict[str, object], hint: str
) -> None:
    error = PluginHost(environ={}, scanner=installed(plugins)).serializer("msgpsec")
    assert isinstance(error, SerializerUnknownError)
    assert error.code == "serializer_unknown"
    assert hint in error.message


def test_where_a_serializer_may_be_that_is_not_there_is_said() -> None:
    scan = installed({"msgspec": Everything("msgspec"), "other": Everything("other")})
    for switch, reason in (
        ({"INNGEST_PLUGINS_DISABLED": "msgspec"}, "switched off by INNGEST_PLUGINS_DISABLED"),
        ({"INNGEST_PLUGINS": "other"}, "not among those of INNGEST_PLUGINS"),
    ):
        error = PluginHost(environ=switch, scanner=scan).serializer("msgspec")
        assert isinstance(error, SerializerUnknownError)
        hint = f"; plugin 'msgspec', which may have it, is left out: {reason}"
        assert error.message.endswith(hint), error.message


def test_of_two_commands_of_one_name_the_first_plugins_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = host(one=Everything("one"), three=Everything("three"))
    assert [c.name for c in found.commands()] == ["common", "one", "three"]
    common = found.command("common")
    assert common is not None and common.run([]) == len("one")
    (record,) = caplog.records
    assert "'common' of plugin 'three' is left out" in record.getMessage()


def test_a_command_is_found_without_loading_other_plugins() -> None:
    found = host(one=Everything("one"), two=Everything("two"))
    assert found.command("two") is not None
    assert LOADED == ["two"]
    assert found.command("nothing") is None


@pytest.mark.parametrize("options", [3, {"a": 3}, {1: {}}])
def test_options_of_a_wrong_form_are_an_error(options: Any) -> None:
    with pytest.raises(PluginConfigInvalidError, match="plugin_options"):
        host(options=options)


def test_a_plugin_handed_over_needs_no_metadata() -> None:
    def scanner() -> Scan:
        raise AssertionError("scanned")

    found = PluginHost([Everything("own")], {"everything": {}}, {}, scanner=scanner)
    assert found.verify() is None
    assert names_of(found.middleware(CLIENT)) == ["own"]


@pytest.mark.parametrize("plugins", [False, [Everything("own")]])
def test_what_is_installed_and_not_wanted_is_listed_as_off(plugins: Any) -> None:
    rows = {row.name: row for row in host(plugins, one=Everything("one")).listing()}
    assert rows["one"].state == "off"
    assert rows["one"].reason == "not among those of Inngest(plugins=...)"
    assert LOADED == []


@pytest.mark.parametrize(
    ("plugins", "environ"),
    [
        (["bad"], {}),
        ([SimpleNamespace(name="bad")], {}),
        (None, {"INNGEST_PLUGINS": "bad,good"}),
        (None, {"INNGEST_PLUGINS_STRICT": "1"}),
    ],
)
def test_what_was_asked_for_by_name_fails_loudly(plugins: Any, environ: dict[str, str]) -> None:
    found = host(plugins, environ=environ, bad=SimpleNamespace(), good=Everything("good"))
    failures: list[BaseException | None] = [found.verify()]
    for ask in (lambda: found.middleware(CLIENT), found.transports, found.commands):
        with pytest.raises(PluginError) as caught:
            ask()
        failures.append(caught.value)
    for failure in failures:
        assert isinstance(failure, PluginError)
        assert "'bad'" in failure.message and "no api_version" in failure.message
        assert "INNGEST_PLUGINS_DISABLED=bad" in failure.message


def test_what_was_not_asked_for_fails_quietly() -> None:
    found = host(["good"], bad=SimpleNamespace(), good=Everything("good"))
    assert found.verify() is None
    assert [t.name for t in found.transports()] == ["good"]
    assert LOADED == ["good"]


@pytest.mark.parametrize("has_monolith", [False, True])
def test_two_owners_of_the_package_are_told_of_once(
    has_monolith: bool, caplog: pytest.LogCaptureFixture
) -> None:
    notices = Notices()
    for _ in range(2):
        found = Scan(plugins=(), unusable=(), has_monolith=has_monolith)
        PluginHost(scanner=lambda: found, notices=notices).middleware(CLIENT)  # noqa: B023
    said = [record for record in caplog.records if "inngest doctor" in record.getMessage()]
    assert len(said) == has_monolith
