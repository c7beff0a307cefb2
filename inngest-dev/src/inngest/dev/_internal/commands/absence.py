"""Which apps are known not to be there: no attempt is spent on calling them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from inngest.dev._internal.commands.hosted import HostedApp
from inngest.dev._internal.server import DevServer

CALLS_SECONDS = 2.0
_PAUSE = 0.02


class Absence:
    """Calls wait for an app that is being started, and for one that nobody has reached yet."""

    def __init__(self, server: DevServer, urls: Sequence[str], *, is_hosting: bool) -> None:
        """To be made before the server is started.

        :param urls: of the apps that are to be asked to register.
        :param is_hosting: an app is served. One of an earlier engine on this file had another
            port: what is known of it leads nowhere until the app has registered again.
        """
        self._server, self._given = server, tuple(urls)
        self._away, self._is_hosting = self._given, is_hosting
        server.engine.hold(self._is_away)

    @property
    def urls(self) -> list[str]:
        """Of the apps that are served by others and have not answered yet."""
        return [url for url in self._given if url in self._away]

    def begins(self, url: str) -> None:
        """What is there has ended, or is about to be stopped: calls to it are let to end.

        A server that stops answers the calls that it has taken, and drops those behind them.
        Calls that take longer are left to it.
        """
        self._change((*self._away, url))
        deadline = time.monotonic() + CALLS_SECONDS
        while self._server.is_calling(url) and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    def ends(self, url: str) -> None:
        """Somebody answers there."""
        if url in self._away:
            self._change(tuple(each for each in self._away if each != url))

    def is_registered(self) -> None:
        """The app that is served here has said where it is now."""
        self._is_hosting = False

    def _change(self, away: tuple[str, ...]) -> None:
        self._away = away
        self._server.hold(self._is_away)

    def _is_away(self, url: str) -> bool:
        """Asked on the engine's thread: what it reads is replaced, and never changed."""
        if url.startswith(self._away):
            return True
        return self._is_hosting and HostedApp.is_one(url) and not url.startswith(self._given)
