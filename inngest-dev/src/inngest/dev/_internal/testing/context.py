"""Which call is being answered: known to whatever the call does, on any thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    function_id: str
    run_id: str
    call: str
    """Tells this attempt from all others."""
    executed: list[str] = field(default_factory=list)
    """The ids of the steps whose code has run in this call."""


def call_key(job_id: str, generation: int) -> str:
    return f"{job_id}:{generation}"


_CURRENT: ContextVar[Calling | None] = ContextVar("inngest.dev.testing.calling", default=None)


def current() -> Calling | None:
    return _CURRENT.get()


@contextmanager
def calling(function_id: str, headers: Mapping[str, str]) -> Iterator[None]:
    """While the call with these headers is answered."""
    generation = int(headers.get("x-inngest-generation-id", "1"))
    call = call_key(headers.get("x-inngest-job-id", ""), generation)
    run_id = headers.get("x-run-id", "")
    token = _CURRENT.set(Calling(function_id=function_id, run_id=run_id, call=call))
    try:
        yield
    finally:
        _CURRENT.reset(token)
