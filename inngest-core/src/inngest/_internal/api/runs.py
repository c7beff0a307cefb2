"""Fetch the state of a run that is too large for the call's body. PROTOCOL section 14.1."""

from __future__ import annotations

import re
from typing import Final

from inngest._internal.api.access import Access
from inngest._internal.api.answer import problem
from inngest._internal.errors import StateUnavailableError, with_cause
from inngest._internal.flow import FetchError, Flow, Pause, Response
from inngest._internal.serialization.text import as_stored

TRIES: Final = 3
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def fetch_events(run_id: str, access: Access) -> Flow[list[object] | StateUnavailableError]:
    """Fetch the events that triggered the run, in wire format."""
    answer = yield from _fetch(run_id, "batch", access)
    if isinstance(answer, (list, StateUnavailableError)):
        return answer
    return _malformed(run_id)


def fetch_steps(run_id: str, access: Access) -> Flow[dict[str, object] | StateUnavailableError]:
    """Fetch the run's memos by hashed step id, in wire format."""
    answer = yield from _fetch(run_id, "actions", access)
    if isinstance(answer, (dict, StateUnavailableError)):
        return answer
    return _malformed(run_id)


def _fetch(run_id: str, part: str, access: Access) -> Flow[object]:
    if not _RUN_ID.fullmatch(run_id):
        return StateUnavailableError("the run id is not valid")
    path = f"/v0/runs/{run_id}/{part}"
    outcome = yield from access.get(path)
    for retry in range(TRIES - 1):
        if isinstance(outcome, Response) and outcome.status < 500:
            break
        yield Pause(0.1 * 2**retry)
        outcome = yield from access.get(path)
    match outcome:
        case FetchError(cause):
            about = f" for the state of run {run_id}"
            return with_cause(StateUnavailableError(access.unanswered(cause, about)), cause)
        case Response(status=status) if 200 <= status < 300:
            return _parsed(outcome)
        case _:
            return StateUnavailableError(
                f"the state of run {run_id} is not available: {problem(outcome)}"
            )


def _parsed(answer: Response) -> object:
    """Decode numbers as doubles, as in calls, although this API keeps large integers."""
    try:
        return as_stored(answer.body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def _malformed(run_id: str) -> StateUnavailableError:
    return StateUnavailableError(
        f"unexpected response to the request for the state of run {run_id}"
    )
