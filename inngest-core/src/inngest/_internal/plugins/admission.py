"""Admit a plugin: import it, validate it, and collect what it offers; all of it, or nothing.

Whatever a plugin does wrong results in a :class:`Refusal`. A plugin has no effect elsewhere
until it is admitted.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

import pluggy

from inngest._internal.plugins.installed import Installed
from inngest._internal.plugins.offers import problem_of
from inngest._internal.serialization.annotations import signature
from inngest.plugins import (
    API_VERSION,
    GROUP,
    Command,
    HookSpecs,
    MiddlewareEntry,
    NotConfigured,
    SerializerEntry,
    Transport,
)

T = TypeVar("T")

HOOKS = tuple(sorted(name for name in vars(HookSpecs) if name.startswith("inngest_")))
"""The names of all hooks."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason why a plugin is not used."""

    reason: str
    cause: BaseException | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An admitted plugin and what it offers."""

    installed: Installed
    hooks: tuple[str, ...]
    transports: tuple[Transport, ...]
    serializers: tuple[SerializerEntry, ...]
    commands: tuple[Command, ...]


class _Manager(pluggy.PluginManager):
    """Skips dunder attributes, on which pluggy spends most of the time that registration takes."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)

    def parse_hookspec_opts(
        self, module_or_class: ModuleType | type, name: str
    ) -> pluggy.HookspecOpts | None:
        return None if name.startswith("__") else super().parse_hookspec_opts(module_or_class, name)


def new_manager() -> pluggy.PluginManager:
    """Return a plugin manager with the hook specifications and no plugins."""
    manager = _Manager(GROUP)
    manager.add_hookspecs(HookSpecs)
    return manager


def admit(manager: pluggy.PluginManager, installed: Installed) -> Admitted | Refusal:
    """Load and register a plugin, or return the reason against it."""
    plugin = guarded(installed.load)
    if isinstance(plugin, Refusal):
        return plugin
    problem = guarded(lambda: _misuse(manager, plugin))
    if problem is not None:
        return problem if isinstance(problem, Refusal) else Refusal(problem)
    for known, other in manager.list_name_plugin():
        if other is plugin:
            return Refusal(f"it is the same object as the plugin {known!r}")
    # A trial registration first: a manager that rejects a plugin may keep parts of it.
    trial = new_manager()
    found = guarded(lambda: _collect(trial, installed, plugin))
    if isinstance(found, Refusal):
        return found
    refused = guarded(lambda: manager.register(plugin, name=installed.name))
    return refused if isinstance(refused, Refusal) else found


def call_middleware(
    manager: pluggy.PluginManager, name: str, arguments: Mapping[str, object]
) -> list[MiddlewareEntry] | NotConfigured | Refusal:
    """Call one plugin's middleware hook with these arguments."""
    return guarded(lambda: _middleware(manager, name, arguments))


def guarded(work: Callable[[], T]) -> T | Refusal:
    """Call code of a plugin; convert what it raises to a refusal.

    This includes exceptions that are not an ``Exception``, such as ``SystemExit`` and panics of
    extensions written in Rust.
    """
    try:
        return work()
    except KeyboardInterrupt:
        raise  # the user's
    except BaseException as error:
        return Refusal(describe(error), error)


def describe(error: BaseException) -> str:
    """Describe an error in one line."""
    if isinstance(error, SystemExit):
        return "it called sys.exit()"
    if isinstance(error, _WrongOfferError):
        return str(error)
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    name = type(error).__name__
    text = text if len(text) <= 300 else f"{text[:299]}…"
    return f"{name}: {text}" if text else name


class _WrongOfferError(Exception):
    """A hook returned an invalid value. The message is the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


def _collect(trial: pluggy.PluginManager, installed: Installed, plugin: object) -> Admitted:
    trial.register(plugin, name=installed.name)
    name = installed.name
    return Admitted(
        installed=installed,
        hooks=tuple(hook for hook in HOOKS if getattr(trial.hook, hook).get_hookimpls()),
        transports=tuple(_offers(trial, name, "inngest_transports", Transport)),
        serializers=tuple(_offers(trial, name, "inngest_serializers", SerializerEntry)),
        commands=tuple(_offers(trial, name, "inngest_commands", Command)),
    )


def _middleware(
    manager: pluggy.PluginManager, name: str, arguments: Mapping[str, object]
) -> list[MiddlewareEntry] | NotConfigured:
    hook = "inngest_middleware"
    found: list[MiddlewareEntry] = []
    for result in _results(manager, name, hook, arguments):
        if isinstance(result, NotConfigured):
            return result
        found += _validated(hook, result, MiddlewareEntry)
    return found


def _offers(manager: pluggy.PluginManager, name: str, hook: str, kind: type[T]) -> Iterable[T]:
    found: list[T] = []
    for result in _results(manager, name, hook, {}):
        found += _validated(hook, result, kind)
    return found


def _results(
    manager: pluggy.PluginManager, name: str, hook: str, arguments: Mapping[str, object]
) -> Iterable[object]:
    """Call one plugin's implementations, so that failures are attributed to it."""
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin_name == name:
            yield implementation.function(*(arguments[a] for a in implementation.argnames))


def _validated(hook: str, result: Any, kind: type[T]) -> list[T]:
    if result is None:
        return []
    if inspect.iscoroutine(result):
        result.close()  # avoids the warning that it was never awaited
    if isinstance(result, (str, bytes, Mapping)) or not isinstance(result, Iterable):
        raise _WrongOfferError(
            f"{hook} returned {type(result).__name__}, not a list of {kind.__name__}"
        )
    items = list(result)
    names: set[str] = set()
    for item in items:
        if not isinstance(item, kind):
            raise _WrongOfferError(
                f"{hook} returned a list with {type(item).__name__}, not {kind.__name__}"
            )
        problem = problem_of(item)
        if problem is not None:
            raise _WrongOfferError(f"{hook} returned {kind.__name__}: {problem}")
        name: str = item.name  # type: ignore[attr-defined]
        if name in names:
            raise _WrongOfferError(f"{hook} returned two of the name {name!r}")
        names.add(name)
    return items


def _misuse(manager: pluggy.PluginManager, plugin: object) -> str | None:
    """Return what is wrong with a plugin before any hook is called, or ``None``."""
    if inspect.isclass(plugin):
        return "the entry point names a class; name an instance of it"
    version = getattr(plugin, "api_version", None)
    if version is None:
        return (
            f"it has no api_version, and this core has {API_VERSION}: is the plugin what the entry "
            "point names?"
        )
    if not isinstance(version, int) or isinstance(version, bool):
        return f"it has api_version {version!r} and this core has {API_VERSION}: upgrade the plugin"
    if version != API_VERSION:
        side = "the plugin" if version < API_VERSION else "inngest-core"
        return f"it has api_version {version} and this core has {API_VERSION}: upgrade {side}"
    problems = (_misuse_of(manager, plugin, attribute) for attribute in dir(plugin))
    return next(filter(None, problems), None)


def _misuse_of(manager: pluggy.PluginManager, plugin: object, attribute: str) -> str | None:
    options = manager.parse_hookimpl_opts(plugin, attribute)
    if options is None:
        meant = _similar_hook(attribute) if attribute.startswith("inngest_") else None
        if meant is None or not callable(getattr(plugin, attribute, None)):
            return None
        return f"{attribute} is not marked with @hookimpl" + (
            "" if attribute == meant else f", and the hook is called {meant}"
        )
    hook = options.get("specname") or attribute
    if hook not in HOOKS:
        if options.get("optionalhook"):
            return None
        meant = _similar_hook(hook)
        return f"there is no hook {hook}; " + (
            f"did you mean {meant}?" if meant else f"there is: {', '.join(HOOKS)}"
        )
    if options.get("wrapper") or options.get("hookwrapper"):
        return f"{hook} is a wrapper; return objects that wrap instead"
    method = getattr(plugin, attribute)
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        return f"{hook} is async; hooks are ordinary functions"
    offered = _required(getattr(HookSpecs(), hook))
    wrong = [name for name in _required(method) if name not in offered]
    if wrong:
        return f"{hook} takes {wrong[0]}, and is offered {', '.join(offered) or 'no argument'}"
    return None


def _required(method: Any) -> list[str]:
    """Return the names of the required arguments of a hook."""
    return [
        name
        for name, parameter in signature(method).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        and parameter.default is parameter.empty
    ]


def _similar_hook(name: str) -> str | None:
    return next(iter(difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.75)), None)
