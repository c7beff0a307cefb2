"""A context variable for the call being answered, on any thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """A call of a function."""

    function_id: str
    run_id: str
    call: str
    """Its key, as of `call_key`, unique per call of the run."""
    executed: list[str] = field(default_factory=list)
    """The ids of the steps whose code has run in this call."""


def call_key(job_id: str, generation: int) -> str:
    return f"{job_id}:{generation}"


_CURRENT: ContextVar[Calling | None] = ContextVar("inngest.dev.testing.calling", default=None)


def current() -> Calling | None:
    return _CURRENT.get()


@contextmanager
def calling(function_id: str, headers: Mapping[str, str]) -> Iterator[None]:
    """Set `current` to the call with these headers for the block."""
    generation = int(headers.get("x-inngest-generation-id", "1"))
    call = call_key(headers.get("x-inngest-job-id", ""), generation)
    run_id = headers.get("x-run-id", "")
    token = _CURRENT.set(Calling(function_id=function_id, run_id=run_id, call=call))
    try:
        yield
    finally:
        _CURRENT.reset(token)
