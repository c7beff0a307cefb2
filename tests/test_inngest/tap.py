"""A TCP proxy that records every byte in both directions."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

END_SECONDS = 60.0


class Tap:
    """Forwards connections. ``heard`` has the bytes of each direction of each connection."""

    def __init__(self, origin: str) -> None:
        host, _, port = urlsplit(origin).netloc.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock, self._is_closed = threading.Lock(), False
        self._pieces: list[bytearray] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def heard(self) -> bytes:
        return b"\n".join(map(bytes, self._pieces))

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                near, _ = self._listener.accept()
                self._join_up(near)

    def _join_up(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target, timeout=END_SECONDS)
        except OSError:  # the server has gone
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            if self._is_closed:
                near.close()
                far.close()
                return
            self._sockets += [near, far]
            self._start(self._pass_on, near, far)
            self._start(self._pass_on, far, near)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        kept = bytearray()
        self._pieces.append(kept)
        with suppress(OSError):
            while data := source.recv(65536):
                kept += data
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _close(self) -> None:
        with self._lock:
            self._is_closed = True
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(END_SECONDS)
            assert not thread.is_alive()


@contextmanager
def tapped(origin: str) -> Iterator[Tap]:
    """Run a tap in front of the server at ``origin`` for the duration of the block."""
    tap = Tap(origin)
    tap._start(tap._listen)
    try:
        yield tap
    finally:
        tap._close()
