"""Ask apps to register, and print what came of it, and who registered unasked."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from rich.markup import escape

from inngest.dev._internal.commands.absence import Absence
from inngest.dev._internal.commands.terminal import Terminal
from inngest.dev._internal.model.values import Function, Json
from inngest.dev._internal.server import DevServer

NOT_REACHED = 0
"""The status of an app that nobody answers for."""


class Syncs:
    """Make it when the server has been started: apps of an earlier engine then count as known."""

    def __init__(self, terminal: Terminal, server: DevServer, absence: Absence) -> None:
        self._terminal, self._server, self._absence = terminal, server, absence
        self._at: dict[str, Json] = server.syncs()
        self._told: dict[str, list[Function]] = {}

    def sync(self, url: str, option: str = "--url") -> int:
        """Ask an app to register, and print what came of it.

        :param option: the option of the command that says where the app is.
        :returns: the status of its answer, or `NOT_REACHED`.
        """
        status = self._ask(url, option)
        if status == NOT_REACHED:
            self._terminal.problem("could not sync", f"nobody answers at {url}")
        else:
            self._absence.ends(url)
        return status

    def look(self) -> None:
        """Ask the apps that have not answered yet, and print which others have registered.

        Workers of Connect register each time that they connect: they are printed again only when
        they have other functions.
        """
        for url in self._absence.urls:
            if self._ask(url, "--url") != NOT_REACHED:
                self._absence.ends(url)
        come = self._registered(self._at)
        self._at |= come
        for app in come:
            functions = self._functions([app])
            if functions and functions != self._told.get(app):
                self._tell(f"{app} registered", [app])

    def _ask(self, url: str, option: str) -> int:
        """Ask an app to register, and print what came of it, unless nobody answers."""
        before = self._server.syncs()
        status, text = self._server.sync(url)
        apps = self._registered(before)
        if status == 200 and apps:
            self._at |= apps
            self._tell(f"synced {url}", apps)
        elif status == 200:
            advice = _hint(self._server.origin, is_keyed=self._is_keyed)
            where = f"{url} registered elsewhere. {advice}"
            self._terminal.problem("could not sync", where)
        elif status != NOT_REACHED:
            origin = self._server.origin
            why = sync_failure(status, text, url, option, origin, is_keyed=self._is_keyed)
            self._terminal.problem("could not sync", why)
        return status

    @property
    def _is_keyed(self) -> bool:
        return self._server.engine.signing_key is not None

    def _registered(self, before: Mapping[str, Json]) -> dict[str, Json]:
        """The apps that have registered since `before`, and when."""
        return {app: at for app, at in self._server.syncs().items() if before.get(app) != at}

    def _functions(self, apps: Collection[str]) -> list[Function]:
        """The functions of apps; not durable endpoints, which never register: their app is an origin."""
        found = self._server.functions()
        return [each for each in found if each.app in apps and each.app != each.url]

    def _tell(self, what: str, apps: Collection[str]) -> None:
        functions = self._functions(apps)
        many = "" if len(functions) == 1 else "s"
        self._terminal.say(f"{escape(what)}: {len(functions)} function{many}")
        self._terminal.functions(functions)
        self._told |= {app: [f for f in functions if f.app == app] for app in apps}


def sync_failure(
    status: int, text: str, url: str, option: str, origin: str, *, is_keyed: bool = False
) -> str:
    """Why an app did not register, for people.

    :param status: of its answer.
    :param text: of its answer.
    :param option: the option of the command that says where the app is.
    :param origin: where the engine is.
    :param is_keyed: whether the engine is one with keys, to which apps in cloud mode belong.
    """
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if isinstance(body, dict) and body.get("message"):
        is_lost = body.get("code") in ("server_unreachable", "server_kind_mismatch")
        advice = _hint(origin, is_keyed=is_keyed)
        return f"{url}: {body['message']}" + (f". {advice}" if is_lost else "")
    if status == 404:
        return (
            f"{url} is not there (404). serve() is mounted at /api/inngest unless it is told "
            f"another serve_path. Say {option}."
        )
    return f"{url} answered {status}: {text[:500]}" if status else text


def _hint(origin: str, *, is_keyed: bool = False) -> str:
    """How to start an app so that it finds the engine."""
    if is_keyed:
        keys = f"with INNGEST_BASE_URL={origin} and the engine's keys"
        return f"Start the app without INNGEST_DEV, {keys}"
    return f"Start the app with INNGEST_DEV={origin}"
