"""What Django's database asks of the threads that functions run on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections, transaction
from inngest.transport import run_coroutine, threads_are_greenlets

T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])


def without_transactions(view: View) -> View:
    """Exempt a view from ``ATOMIC_REQUESTS`` of any database: each step is a unit of its own."""
    for alias in _databases():
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def _databases() -> list[str]:
    """The databases that ``ATOMIC_REQUESTS`` may be set for. A small script may configure none."""
    try:
        return list(connections)
    except ImproperlyConfigured:
        return [DEFAULT_DB_ALIAS]


class RequestThread:
    """The request's own thread, where sync code of a WSGI app belongs.

    Django runs an async view on a loop beside it.
    """

    limit = 1

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work with the caller's context variables."""
        return await sync_to_async(work)()


@contextmanager
def connections_closed() -> Iterator[None]:
    """Close old database connections of a thread before and after its work, as for a request."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


def wait(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end. Database work in it is done on this thread.

    Where threads are greenlets there is no way back to this thread. Sync work, which Django does
    not allow on a loop, is done on a thread of each call's own there, so that no call waits for
    the work of another one.
    """
    if threads_are_greenlets():
        return run_coroutine(_on_own_thread(coroutine))

    async def run() -> Any:
        return await coroutine

    return async_to_sync(run)()


async def _on_own_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    context: Any = ThreadSensitiveContext  # untyped in the asgiref of Python 3.10
    async with context():
        return await coroutine
