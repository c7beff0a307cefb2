"""Repeat the request that began a run, so that its app goes on with it. Pure."""

from __future__ import annotations

from inngest.dev._internal.endpoints.requests import body_of_request
from inngest.dev._internal.model.ids import request_id
from inngest.dev._internal.model.values import DISCOVERY, Item, Run
from inngest.dev._internal.protocol.call import Call, trace_parent


def build_reentry(run: Run, item: Item, *, now: int) -> Call:
    """The request as it was, with headers that tell the app which run to go on with."""
    data = run.event.body["data"]
    query = data.get("query_params")
    headers = {
        "traceparent": trace_parent(run.id),
        "x-run-id": run.id,
        "x-request-id": request_id(item.job_id, item.generation, now),
        "x-inngest-generation-id": str(item.generation),
        "x-inngest-job-id": item.job_id,
        "x-inngest-req-version": str(run.version),
        "x-inngest-signature": "",
    }
    if data.get("content_type"):
        headers["content-type"] = data["content_type"]
    if item.plan_only:
        headers["x-inngest-force-step-plan"] = "true"
    if item.step_id != DISCOVERY:
        headers["x-inngest-step-id"] = item.step_id
    url = data["domain"].rstrip("/") + data["path"]
    return Call(
        method=data["method"].upper(),
        url=f"{url}?{query}" if query else url,
        headers=headers,
        body=body_of_request(data),
        is_reentry=True,
    )
