"""Update the metadata of runs. PROTOCOL section 14.5."""

from __future__ import annotations

import json
from collections.abc import Mapping

from inngest._internal.api.access import Access
from inngest._internal.api.answer import problem
from inngest._internal.checks import is_text
from inngest._internal.errors import UpdateMetadataError, with_cause
from inngest._internal.flow import FetchError, Flow, Response

OPS = ("add", "delete", "merge", "set")
MAX_BYTES = 64 * 1024
"""The maximum size of one update."""


def update_metadata(
    run_id: str,
    values: Mapping[str, object],
    *,
    kind: str,
    op: str,
    access: Access,
) -> Flow[UpdateMetadataError | None]:
    """Update the metadata of a run; return ``None`` on success."""
    body = _body(values, kind, op)
    if isinstance(body, UpdateMetadataError):
        return body
    if not run_id.isalnum() or not run_id.isascii():
        return UpdateMetadataError("run_id: not the id of a run", is_retriable=False)
    outcome = yield from access.post(f"/v1/runs/{run_id}/metadata", body)
    match outcome:
        case FetchError(cause):
            about = f" for metadata of run {run_id}"
            return with_cause(UpdateMetadataError(access.unanswered(cause, about)), cause)
        case Response(status=status) if not 200 <= status < 300:
            return UpdateMetadataError(
                f"metadata of run {run_id} was not accepted: {problem(outcome)}",
                is_retriable=status >= 500,
            )
    return None


def _body(values: Mapping[str, object], kind: str, op: str) -> bytes | UpdateMetadataError:
    if not is_text(kind):
        return UpdateMetadataError("kind: must be a string, and not empty", is_retriable=False)
    if op not in OPS:
        return UpdateMetadataError(f"op: must be one of {', '.join(OPS)}", is_retriable=False)
    try:
        encoded = json.dumps(dict(values), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        failure = UpdateMetadataError("values: must be a mapping of JSON", is_retriable=False)
        return with_cause(failure, error)
    if len(encoded) > MAX_BYTES:
        return UpdateMetadataError(
            f"values: larger than the limit of {MAX_BYTES // 1024} KB", is_retriable=False
        )
    entry = {"kind": f"userland.{kind}", "op": op, "values": dict(values)}
    return json.dumps({"target": {}, "metadata": [entry]}).encode("ascii")
