"""Have apps register, and tell of all that do."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rich.markup import escape

from inngest.dev._internal.commands.absence import Absence
from inngest.dev._internal.commands.telling import Teller, hint, sync_failure
from inngest.dev._internal.model.values import Function, Json
from inngest.dev._internal.server import DevServer

NOT_REACHED = 0
"""The status of an app that nobody answers for."""


class Syncs:
    """To be made when the server runs: what has registered with an earlier engine is known."""

    def __init__(self, teller: Teller, server: DevServer, absence: Absence) -> None:
        self._teller, self._server, self._absence = teller, server, absence
        self._at: dict[str, Json] = server.syncs()
        self._told: dict[str, list[Function]] = {}

    def sync(self, url: str, option: str = "--url") -> int:
        """Ask an app to register, and say what came of it.

        :param option: says where the app is.
        """
        status = self._ask(url, option)
        if status == NOT_REACHED:
            self._teller.problem("could not sync", f"nobody answers at {url}")
        else:
            self._absence.ends(url)
        return status

    def look(self) -> None:
        """Ask the apps that did not run yet, and tell of those that were asked by others.

        Workers of Connect register each time that they connect: they are told of anew when they
        have other functions.
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
        """Says what came of it, but for an app that nobody answers for."""
        before = self._server.syncs()
        status, text = self._server.sync(url)
        apps = self._registered(before)
        if status == 200 and apps:
            self._at |= apps
            self._tell(f"synced {url}", apps)
        elif status == 200:
            advice = hint(self._server.origin, is_keyed=self._is_keyed)
            where = f"{url} registered elsewhere. {advice}"
            self._teller.problem("could not sync", where)
        elif status != NOT_REACHED:
            origin = self._server.origin
            why = sync_failure(status, text, url, option, origin, is_keyed=self._is_keyed)
            self._teller.problem("could not sync", why)
        return status

    @property
    def _is_keyed(self) -> bool:
        return self._server.engine.signing_key is not None

    def _registered(self, before: Mapping[str, Json]) -> dict[str, Json]:
        """The apps that have registered since, and when."""
        return {app: at for app, at in self._server.syncs().items() if before.get(app) != at}

    def _functions(self, apps: Collection[str]) -> list[Function]:
        """Without durable endpoints, whose app is an origin: their runs tell of them."""
        found = self._server.functions()
        return [each for each in found if each.app in apps and each.app != each.url]

    def _tell(self, what: str, apps: Collection[str]) -> None:
        functions = self._functions(apps)
        many = "" if len(functions) == 1 else "s"
        self._teller.say(f"{escape(what)}: {len(functions)} function{many}")
        self._teller.functions(functions)
        self._told |= {app: [f for f in functions if f.app == app] for app in apps}
