"""Which apps are known not to be there. The engine does not call them: that would cost attempts."""

from __future__ import annotations

import time
from collections.abc import Sequence

from inngest.dev._internal.commands.hosted import HostedApp
from inngest.dev._internal.server import DevServer

CALLS_SECONDS = 2.0
"""How long the calls of an app that is about to be stopped are let to end."""
_PAUSE = 0.02


class Absence:
    """Holds the engine's calls of an app that is being started, or that nobody has reached yet."""

    def __init__(self, server: DevServer, urls: Sequence[str], *, is_hosting: bool) -> None:
        """Make it before the server is started.

        :param urls: of apps that others serve, and that are to be asked to register.
        :param is_hosting: whether this command serves an app, too. An earlier one on the same
            database served it on another port: its functions have a URL that leads nowhere until
            the app has registered again.
        """
        self._server, self._given = server, tuple(urls)
        self._away, self._is_hosting = self._given, is_hosting
        server.engine.hold(self._is_away)

    @property
    def urls(self) -> list[str]:
        """The URLs of apps that others serve, and that have not answered yet."""
        return [url for url in self._given if url in self._away]

    def begins(self, url: str) -> None:
        """The app at this URL has ended, or is about to be stopped: call it no more.

        Waits a little for the calls under way: a server that stops answers what it has read, and
        drops what is still in its socket.
        """
        self._change((*self._away, url))
        deadline = time.monotonic() + CALLS_SECONDS
        while self._server.is_calling(url) and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    def ends(self, url: str) -> None:
        """Somebody answers at this URL: call it again."""
        if url in self._away:
            self._change(tuple(each for each in self._away if each != url))

    def is_registered(self) -> None:
        """The app that this command serves has registered its new URL."""
        self._is_hosting = False

    def _change(self, away: tuple[str, ...]) -> None:
        self._away = away
        self._server.hold(self._is_away)

    def _is_away(self, url: str) -> bool:
        """Runs on the engine's thread: so what it reads is replaced as a whole, never changed."""
        if url.startswith(self._away):
            return True
        return self._is_hosting and HostedApp.is_one(url) and not url.startswith(self._given)
