"""Create the run of a durable endpoint's request, and record its steps. PROTOCOL section 16."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inngest._internal.api.access import Access, until_settled
from inngest._internal.api.answer import parsed, problem
from inngest._internal.api.checkpoint import TRIES, checkpoint_body
from inngest._internal.errors import CheckpointFailedError, with_cause
from inngest._internal.flow import FetchError, Flow, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunRun:
    """A run that the server has created. ``token`` permits its bearer to await the output."""

    run_id: str
    fn_id: str
    app_id: str
    token: str | None


def begin_run(
    access: Access, facts: Mapping[str, object], steps: bytes, *, jitter: Callable[[], float]
) -> Flow[BegunRun | CheckpointFailedError]:
    """Create a run on the server, with its first steps.

    :param facts: further fields of the body: ``run_id``, ``event``, ``retries`` etc.
    :param steps: a JSON list of operations.
    """
    answer = yield from _post(access, "/v1/checkpoint", facts, steps, jitter)
    if isinstance(answer, CheckpointFailedError):
        return answer
    body = parsed(answer)
    match body:
        case {"data": {"run_id": str(run_id), "fn_id": str(fn_id), "app_id": str(app_id)} as run}:
            token = run.get("token")
            return BegunRun(
                run_id=run_id,
                fn_id=fn_id,
                app_id=app_id,
                token=token if isinstance(token, str) else None,
            )
    return CheckpointFailedError(
        "unexpected response to the creation of a run; does the API origin point to Inngest?"
    )


def record_endpoint_steps(
    access: Access, run: BegunRun, steps: bytes, *, now_ms: int, jitter: Callable[[], float]
) -> Flow[CheckpointFailedError | None]:
    """Record steps of a run; return ``None`` on success."""
    facts = {"run_id": run.run_id, "fn_id": run.fn_id, "app_id": run.app_id, "ts": now_ms}
    path = f"/v1/checkpoint/{run.run_id}/steps"
    answer = yield from _post(access, path, facts, steps, jitter)
    return answer if isinstance(answer, CheckpointFailedError) else None


def _post(
    access: Access,
    path: str,
    facts: Mapping[str, object],
    steps: bytes,
    jitter: Callable[[], float],
) -> Flow[Response | CheckpointFailedError]:
    body = checkpoint_body(facts, steps)
    outcome = yield from until_settled(lambda: access.post(path, body), tries=TRIES, jitter=jitter)
    match outcome:
        case FetchError(cause):
            about = " for the steps of a request"
            return with_cause(CheckpointFailedError(access.unanswered(cause, about)), cause)
        case Response(status=status) if not 200 <= status < 300:
            return CheckpointFailedError(
                f"the steps of a request were not accepted: {problem(outcome)}"
            )
    return outcome


__all__ = ["BegunRun", "begin_run", "record_endpoint_steps"]
