"""The templates for the files of a new plugin. Tests write them and run the project's tests."""

from __future__ import annotations

from typing import Final

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "The plugin $plugin for Inngest apps"
readme = "README.md"
requires-python = ">=3.10"
dependencies = ["inngest-core>=$version"]

[project.entry-points.inngest]
$plugin = "$package.plugin:plugin"

[tool.hatch.build]
dev-mode-dirs = ["src"]

[tool.hatch.build.targets.wheel]
packages = ["src/$package"]

[tool.pytest.ini_options]
addopts = ["--import-mode=importlib"]
testpaths = ["tests"]
"""

_README = """\
# $distribution

A plugin for Inngest apps: installing it is all it takes.

    pip install $distribution

It logs each step that runs. Set the level with the environment variable `$variable` or with
`Inngest(plugin_options={"$plugin": {"level": ...}})`; the default is `INFO`.

- `python -m inngest plugins` lists it.
- `INNGEST_PLUGINS_DISABLED=$plugin` switches it off.

## Develop

    pip install -e . pytest
    pytest

## Publish

Raise the version in `pyproject.toml`, then `python -m build` and `twine upload dist/*`.
"""

_INIT = '''\
"""The plugin $plugin for Inngest apps."""
'''

_PLUGIN = '''\
"""Announce what this distribution offers. Every app imports this module, so keep it cheap."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from inngest.plugins import MiddlewareEntry, NotConfigured, hookimpl


class ${cls}Plugin:
    """The plugin: one method for each hook that it implements, marked with ``hookimpl``."""

    api_version = 1

    @hookimpl
    def inngest_middleware(
        self, options: Mapping[str, object]
    ) -> list[MiddlewareEntry] | NotConfigured:
        from $package.middleware import logging_at

        name = str(options.get("level") or os.environ.get("$variable") or "INFO")
        level = logging.getLevelName(name.upper())
        if not isinstance(level, int):
            return NotConfigured(reason="$variable is not a level: INFO, DEBUG...")
        return [MiddlewareEntry(name="$plugin", factory=logging_at(level))]


plugin = ${cls}Plugin()
'''

_MIDDLEWARE = '''\
"""The middleware, which is created for each request and each send."""

from __future__ import annotations

import logging
from collections.abc import Callable

import inngest
from inngest.middleware import StepInfo

logger = logging.getLogger("$package")


class ${cls}Middleware(inngest.MiddlewareSync):
    """Override the hooks that you need; ``inngest.MiddlewareSync`` lists them."""

    level = logging.INFO

    def on_step_complete(self, step: StepInfo) -> None:
        logger.log(self.level, "%s: step %r was run", self.client.app_id, step.id)


def logging_at(level: int) -> Callable[[inngest.Inngest, object], ${cls}Middleware]:
    """Return a factory for middleware that logs at ``level``."""

    def make(client: inngest.Inngest, raw_request: object) -> ${cls}Middleware:
        made = ${cls}Middleware(client, raw_request)
        made.level = level
        return made

    return make
'''

_TESTS = '''\
"""Inngest's test suites for plugins and middleware, and this plugin's own tests."""

from __future__ import annotations

import logging
from typing import Any

import inngest
import pytest
from inngest.plugins import NotConfigured
from inngest.testing import MiddlewareSuite, PluginSuite, play
from $package.middleware import logging_at
from $package.plugin import plugin


class TestPlugin(PluginSuite):
    name = "$plugin"


class Test${cls}Middleware(MiddlewareSuite):
    def build(self) -> Any:
        return logging_at(logging.INFO)


def test_each_step_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    middleware: Any = [logging_at(logging.WARNING)]
    client = inngest.Inngest(app_id="shop", is_production=False, middleware=middleware)

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
    def fn(ctx: inngest.ContextSync[Any]) -> str:
        ctx.step.run("pay", lambda: "paid")
        return ctx.step.run("ship", lambda: "shipped")

    assert play(client, fn).body == "shipped"
    lines = [record.getMessage() for record in caplog.records if record.name == "$package"]
    assert lines == ["shop: step 'pay' was run", "shop: step 'ship' was run"]


def test_a_level_that_is_none_is_said() -> None:
    assert isinstance(plugin.inngest_middleware({"level": "loud"}), NotConfigured)
'''

FILES: Final = {
    ".gitignore": "__pycache__/\n.venv/\ndist/\n",
    "README.md": _README,
    "pyproject.toml": _PYPROJECT,
    "src/$package/__init__.py": _INIT,
    "src/$package/middleware.py": _MIDDLEWARE,
    "src/$package/plugin.py": _PLUGIN,
    "src/$package/py.typed": "",
    "tests/test_plugin.py": _TESTS,
}
"""Maps paths to contents; both are templates."""
