"""Parallel groups: discover the steps of several branches together."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
T = TypeVar("T")


class ParallelMode(enum.Enum):
    """When a function continues after a parallel group."""

    WAIT = "wait"
    """Once all branches are done."""

    RACE = "race"
    """Whenever any branch makes progress."""


RACE = ParallelMode.RACE
"""A module constant for speed, like :data:`inngest._internal.op.STEP_RUN`."""

parallel_mode: ContextVar[ParallelMode] = ContextVar(
    "inngest_parallel_mode", default=ParallelMode.WAIT
)
"""The mode of the innermost group around the running code."""


class BranchRunner(Protocol):
    """Runs the branches of a group one after another, and collects new steps."""

    def branches(self, callables: tuple[Callable[[], T], ...]) -> tuple[T, ...]:
        """Return the results of all branches, or end the call."""
        ...


class Group:
    """Runs branches of an async function in parallel."""

    @overload
    async def parallel(
        self,
        callables: tuple[Callable[[], Awaitable[A]], Callable[[], Awaitable[B]]],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[A, B]: ...

    @overload
    async def parallel(
        self,
        callables: tuple[
            Callable[[], Awaitable[A]], Callable[[], Awaitable[B]], Callable[[], Awaitable[C]]
        ],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[A, B, C]: ...

    @overload
    async def parallel(
        self,
        callables: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
            Callable[[], Awaitable[C]],
            Callable[[], Awaitable[D]],
        ],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[A, B, C, D]: ...

    @overload
    async def parallel(
        self,
        callables: tuple[
            Callable[[], Awaitable[A]],
            Callable[[], Awaitable[B]],
            Callable[[], Awaitable[C]],
            Callable[[], Awaitable[D]],
            Callable[[], Awaitable[E]],
        ],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[A, B, C, D, E]: ...

    @overload
    async def parallel(
        self,
        callables: tuple[Callable[[], Awaitable[T]], ...],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[T, ...]: ...

    @overload  # pyright infers that a `partial` of `step.run` takes further arguments
    async def parallel(  # type: ignore[overload-cannot-match]
        self,
        callables: tuple[Callable[..., Awaitable[T]], ...],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[T, ...]: ...

    async def parallel(
        self,
        callables: tuple[Callable[[], Awaitable[Any]], ...],
        parallel_mode: ParallelMode = ParallelMode.WAIT,
    ) -> tuple[Any, ...]:
        """Call the callables, which take no arguments; return their results in the same order.

        The server runs their steps in parallel. The first error of a branch ends the group and is
        raised.
        """
        with _mode(parallel_mode):
            tasks = [asyncio.ensure_future(_awaited(branch)) for branch in callables]
        try:
            return tuple(await asyncio.gather(*tasks))
        finally:
            _cancel(tasks)  # and clear the list, which an error's traceback keeps alive


class GroupSync:
    """Runs branches of a sync function in parallel."""

    def __init__(self, runner: BranchRunner) -> None:
        self._runner = runner

    @overload
    def parallel(
        self,
        callables: tuple[Callable[[], A], Callable[[], B]],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[A, B]: ...

    @overload
    def parallel(
        self,
        callables: tuple[Callable[[], A], Callable[[], B], Callable[[], C]],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[A, B, C]: ...

    @overload
    def parallel(
        self,
        callables: tuple[Callable[[], A], Callable[[], B], Callable[[], C], Callable[[], D]],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[A, B, C, D]: ...

    @overload
    def parallel(
        self,
        callables: tuple[
            Callable[[], A], Callable[[], B], Callable[[], C], Callable[[], D], Callable[[], E]
        ],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[A, B, C, D, E]: ...

    @overload
    def parallel(
        self,
        callables: tuple[Callable[[], T], ...],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[T, ...]: ...

    @overload  # pyright infers that a `partial` of `step.run` takes further arguments
    def parallel(  # type: ignore[overload-cannot-match]
        self,
        callables: tuple[Callable[..., T], ...],
        parallel_mode: ParallelMode = ...,
    ) -> tuple[T, ...]: ...

    def parallel(
        self,
        callables: tuple[Callable[[], Any], ...],
        parallel_mode: ParallelMode = ParallelMode.WAIT,
    ) -> tuple[Any, ...]:
        """Call the callables, which take no arguments; return their results in the same order.

        The server runs their steps in parallel. The first error of a branch ends the group and is
        raised.
        """
        with _mode(parallel_mode):
            return self._runner.branches(tuple(callables))


def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    tasks.clear()


async def _awaited(branch: Callable[[], Awaitable[T]]) -> T:
    return await branch()


@contextmanager
def _mode(mode: ParallelMode) -> Iterator[None]:
    token = parallel_mode.set(mode)
    try:
        yield
    finally:
        parallel_mode.reset(token)
