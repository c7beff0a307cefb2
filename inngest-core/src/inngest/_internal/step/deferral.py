"""Function calls that a run defers until its end, and can abort."""

from __future__ import annotations

from typing import Any

from inngest._internal.errors import NonRetriableError
from inngest._internal.function.reference import Invocable
from inngest._internal.op import Opcode, StepCall, StepID
from inngest._internal.step.calls import call_data, called_id
from inngest._internal.step.runner import RunnerFacts


class Deferred:
    """A call that an async function has deferred."""

    def __init__(self, runner: RunnerFacts, step: StepID) -> None:
        self._runner = runner
        self._step = step

    async def abort(self) -> None:
        """Abort the call: the function will not be called. Idempotent."""
        self._runner.abort(self._step)


class DeferredSync:
    """A call that a sync function has deferred."""

    def __init__(self, runner: RunnerFacts, step: StepID) -> None:
        self._runner = runner
        self._step = step

    def abort(self) -> None:
        """Abort the call: the function will not be called. Idempotent."""
        self._runner.abort(self._step)


def defer(
    step_id: str,
    function: Invocable[Any, Any],
    app_id: str,
    data: object,
    name: str | None,
) -> StepCall:
    """Request a call of ``function`` after the run. ``app_id`` is the caller's.

    :raises NonRetriableError: ``function`` is not a function, or has no deferred trigger.
    """
    fn_slug = called_id(step_id, function, app_id)
    if not function.takes_deferred_calls:
        raise NonRetriableError(
            f'step "{step_id}": function "{fn_slug}" does not accept deferred calls: '
            "declare it with trigger=inngest.TriggerDeferred()"
        )
    return StepCall.for_server(
        step_id,
        Opcode.DEFER_ADD,
        display_name=name,
        opts={
            "fn_slug": fn_slug,
            "input": call_data(step_id, function, data),
        },
    )


__all__ = ["Deferred", "DeferredSync", "defer"]
