"""A test suite for a whole plugin: subclass it and name the plugin's entry point.

    class TestPlugin(PluginSuite):
        name = "acme"

The distribution must be installed, for example with ``pip install -e .``.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any, ClassVar

import pytest

import inngest
from inngest._internal.plugins.host import PluginHost
from inngest._internal.plugins.installed import scan
from inngest._internal.plugins.listing import Listed

TIMEOUT = 60.0


class PluginSuite:
    """The tests that every plugin must pass."""

    name: ClassVar[str]
    """The name of the entry point."""
    options: ClassVar[dict[str, Any]] = {}
    """What an app passes as ``plugin_options[name]``."""
    lazy: ClassVar[tuple[str, ...]] = ()
    """Modules that loading the plugin must not import, such as frameworks and slow modules."""

    def host(self) -> PluginHost:
        """Return a strict host that loads only this plugin."""
        return PluginHost([self.name], {self.name: self.options}, {"INNGEST_PLUGINS_STRICT": "1"})

    def row(self, host: PluginHost) -> Listed:
        """Return the plugin's row of the listing."""
        (row,) = [row for row in host.listing() if row.name == self.name]
        return row

    def test_its_name_is_canonical_and_its_own(self) -> None:
        scanned = scan()
        assert self.name in [plugin.name for plugin in scanned.plugins]
        assert [one.reason for one in scanned.unusable if one.plugin.name == self.name] == []

    def test_it_loads(self) -> None:
        host = self.host()
        failure = host.verify()
        if failure is not None:
            raise failure
        assert self.row(host).state == "loaded"

    def test_its_middleware_is_made(self) -> None:
        client = inngest.Inngest(app_id="suite", is_production=False)
        for factory in self.host().middleware(client):
            made = factory(client, None)
            assert isinstance(made, (inngest.Middleware, inngest.MiddlewareSync))

    def test_its_serializers_are_found_by_name(self) -> None:
        host = self.host()
        names: Any = host.offers()["serializers"]
        for name in names:
            assert not isinstance(host.serializer(name), Exception)

    def test_its_transports_look_at_any_app(self) -> None:
        for transport in self.host().transports():
            for app in (None, 3, object(), object, [], "app"):
                assert transport.accepts(app) in (True, False)

    def test_its_hooks_can_be_read_without_importing_it(self) -> None:
        row = self.row(self.host())
        assert row.state == "enabled"
        assert row.hooks, "the module of the entry point shows no function with @hookimpl"

    def test_loading_it_imports_nothing_heavy(self) -> None:
        program = (
            "import sys, inngest\n"
            "from inngest._internal.plugins.host import PluginHost\n"
            f"assert PluginHost([{self.name!r}], environ={{}}).verify() is None\n"
            f"print([name for name in {self.lazy!r} if name in sys.modules])\n"
        )
        done = subprocess.run(  # noqa: S603  our own program
            [sys.executable, "-c", program],
            capture_output=True,
            encoding="locale",
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "[]"

    @pytest.mark.parametrize("switch", ["INNGEST_PLUGINS", "INNGEST_PLUGINS_DISABLED"])
    def test_it_can_be_switched_off(self, switch: str) -> None:
        value = "" if switch == "INNGEST_PLUGINS" else self.name
        host = PluginHost(environ={switch: value})
        assert self.row(host).state == "off"


__all__ = ["PluginSuite"]
