"""Serve an app, and start it again whenever its code changes."""

from __future__ import annotations

import threading
from pathlib import Path

from rich.markup import escape

from inngest.dev._internal.commands.absence import Absence
from inngest.dev._internal.commands.hosted import HostedApp
from inngest.dev._internal.commands.syncing import Syncs
from inngest.dev._internal.commands.terminal import Terminal
from inngest.dev._internal.commands.watching import Watched
from inngest.dev._internal.server import DevServer

LOOK_SECONDS = 0.5
"""How often it is looked whether files have changed, or apps have come."""
SELF_WRITTEN = (
    "changed at each of the last starts. If the app writes it, it is started for ever: "
    "have it written to a folder that is not watched, such as build"
)


class Reloading:
    """:param urls: where the app serves Inngest."""

    def __init__(
        self,
        app: HostedApp,
        urls: list[str],
        *,
        terminal: Terminal,
        server: DevServer,
        syncs: Syncs,
        absence: Absence,
    ) -> None:
        self._app, self._urls = app, urls
        self._terminal, self._server = terminal, server
        self._syncs, self._absence = syncs, absence
        self._is_explained = False
        """Whether the app does not run, and it has been said why."""

    def run(self, stop: threading.Event) -> None:
        """Serve the app until `stop` is set."""
        watched = Watched(Path.cwd())
        self._start(stop)
        is_new = True
        while not stop.wait(LOOK_SECONDS):
            self._syncs.look()
            changed = watched.changed()
            # of what changes just after a start, the app itself may be the author
            for path in watched.started(changed) if is_new else ():
                self._terminal.problem(path, SELF_WRITTEN)
            is_new = bool(changed)
            if changed:
                more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
                what = f"{changed[0]}{more} changed: starting {self._app.target} again"
                self._terminal.say(escape(what))
                self._start(stop)
            elif self._app.ended() and not self._is_explained:
                self._absence.begins(self._app.origin)
                self._explain(self._app.target, "ended; waiting for a change of its code")

    def _start(self, stop: threading.Event) -> None:
        self._is_explained = False
        self._absence.begins(self._app.origin)
        problem = self._app.start(stop.is_set)
        if stop.is_set():
            return
        if problem is not None:
            waiting = "waiting for a change of its code"
            self._explain(f"cannot serve {self._app.target}", f"{problem}\n{waiting}")
            return
        self._server.describe_events(self._app.schemas())
        before = self._server.syncs()
        if {self._syncs.sync(url, "--path") for url in self._urls} == {200}:
            self._absence.is_registered()
            for name in self._server.forget(self._app.origin, before):
                self._terminal.say(escape(f"{name} is forgotten: it is not served any more"))
        self._absence.ends(self._app.origin)

    def _explain(self, what: str, why: str) -> None:
        self._is_explained = True
        self._terminal.problem(what, why)
