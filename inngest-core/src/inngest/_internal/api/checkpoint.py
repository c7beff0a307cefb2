"""Record finished steps while a call continues. PROTOCOL section 15."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from inngest._internal.api.access import Access, until_settled
from inngest._internal.api.answer import parsed, problem
from inngest._internal.errors import CheckpointFailedError, StaleDispatchError, with_cause
from inngest._internal.flow import FetchError, Flow, Response

TRIES: Final = 5
TIMEOUT: Final = 5.0
"""Seconds for one try. It is short, because results can also be reported in the response."""


def record_steps(
    run_id: str,
    steps: bytes,
    facts: Mapping[str, object],
    *,
    access: Access,
    jitter: Callable[[], float],
    has_time: Callable[[], bool],
) -> Flow[CheckpointFailedError | StaleDispatchError | None]:
    """Record ``steps``; return ``None`` on success.

    :param steps: a JSON list of operations.
    :param facts: identify the run and the dispatch that the steps belong to.
    :param has_time: returns whether there is time for another try.
    """
    body = checkpoint_body(facts, steps)
    path = f"/v1/checkpoint/{quote(run_id, safe='', errors='replace')}/async"
    timeout = min(access.timeout, TIMEOUT)
    outcome = yield from until_settled(
        lambda: access.post(path, body, timeout=timeout),
        tries=TRIES,
        jitter=jitter,
        has_time=has_time,
    )
    match outcome:
        case FetchError(cause):
            about = f" for a checkpoint of run {run_id}"
            return with_cause(CheckpointFailedError(access.unanswered(cause, about)), cause)
        case Response(status=409):
            return StaleDispatchError(
                f"another call of run {run_id} has taken over: {problem(outcome)}"
            )
        case Response(status=status) if not 200 <= status < 300:
            failure = CheckpointFailedError(
                f"a checkpoint of run {run_id} was not accepted: {problem(outcome)}"
            )
            failure.is_of_one_run = status in (400, 413) and _names_run(outcome)
            return failure
    return None


def _names_run(refusal: Response) -> bool:
    match parsed(refusal):
        case {"data": {"run_id": str()}}:
            return True
    return False


def checkpoint_body(facts: Mapping[str, object], steps: bytes) -> bytes:
    """Return the request body; ``steps`` is JSON already, ``facts`` become fields beside it."""
    return json.dumps(facts).encode("ascii")[:-1] + b',"steps":' + steps + b"}"
