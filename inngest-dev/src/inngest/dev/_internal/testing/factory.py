"""A factory of engines that are closed together, as the pytest fixture returns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from inngest import Function, Inngest
from inngest.dev._internal.testing.engines import VirtualEngine
from inngest.dev._internal.testing.stubbed_gateway import Fetch

if TYPE_CHECKING:
    from typing_extensions import Self


class EngineFactory:
    """The value of the fixture `inngest_engine`: makes engines that are closed with the test."""

    def __init__(self) -> None:
        self._exits = ExitStack()

    def __call__(
        self,
        client: Inngest | None = None,
        functions: Sequence[Function[Any]] = (),
        *,
        start: datetime | None = None,
        fetch: Fetch | None = None,
        timeout: float = 30.0,
    ) -> VirtualEngine:
        """Make an engine; see :class:`VirtualEngine`."""
        engine = VirtualEngine(client, functions, start=start, fetch=fetch, timeout=timeout)
        return self._exits.enter_context(engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()
