"""Build the messages for a call, and convert calls and responses. Pure."""

from __future__ import annotations

import json
from typing import Final

from inngest.connect._internal.frames import parse
from inngest.connect._internal.wire import connect_pb2 as wire
from inngest.transport import SDK_HEADER, CommRequest, CommResponse

MAX_REPLY_BYTES: Final = 8 * 1024 * 1024 - 64 * 1024
"""Slightly less than the largest frame that a gateway accepts, 8 MB."""

_REQUEST_VERSION: Final = 2
_NO_TARGET: Final = "step"


def request_ack(request: wire.GatewayExecutorRequestData) -> wire.WorkerRequestAckData:
    """Return the message that acknowledges a call."""
    ack = wire.WorkerRequestAckData(
        request_id=request.request_id,
        account_id=request.account_id,
        env_id=request.env_id,
        app_id=request.app_id,
        function_slug=request.function_slug,
        system_trace_ctx=request.system_trace_ctx,
        user_trace_ctx=request.user_trace_ctx,
        run_id=request.run_id,
    )
    if request.HasField("step_id"):
        ack.step_id = request.step_id
    return ack


def lease_extension(
    request: wire.GatewayExecutorRequestData, lease_id: str
) -> wire.WorkerRequestExtendLeaseData:
    """Return the message that requests an extension of a call's lease."""
    extension = wire.WorkerRequestExtendLeaseData(
        request_id=request.request_id,
        account_id=request.account_id,
        env_id=request.env_id,
        app_id=request.app_id,
        function_slug=request.function_slug,
        system_trace_ctx=request.system_trace_ctx,
        user_trace_ctx=request.user_trace_ctx,
        run_id=request.run_id,
        lease_id=lease_id,
    )
    if request.HasField("step_id"):
        extension.step_id = request.step_id
    return extension


def reply(request: wire.GatewayExecutorRequestData, response: CommResponse) -> wire.SDKResponse:
    """Return the reply to a call. A response that exceeds the limit becomes an error."""
    if len(response.body) > MAX_REPLY_BYTES:
        return reply(request, _too_large(len(response.body)))
    statuses = {200: wire.DONE, 206: wire.NOT_COMPLETED}
    return wire.SDKResponse(
        request_id=request.request_id,
        account_id=request.account_id,
        env_id=request.env_id,
        app_id=request.app_id,
        status=statuses.get(response.status, wire.ERROR),
        body=response.body,
        no_retry=response.headers.get("x-inngest-no-retry") == "true",
        retry_after=response.headers.get("retry-after"),
        sdk_version=SDK_HEADER,
        request_version=_REQUEST_VERSION,
        system_trace_ctx=_trace(request.system_trace_ctx),
        user_trace_ctx=_trace(request.user_trace_ctx),
        run_id=request.run_id,
    )


def is_receipt(body: bytes, request_id: str) -> bool:
    """Return whether a flush response confirms this reply. A proxy may respond with anything."""
    receipt = parse(wire.FlushResponse, body)
    return isinstance(receipt, wire.FlushResponse) and receipt.request_id == request_id


def comm_request(request: wire.GatewayExecutorRequestData) -> CommRequest:
    """Convert a call into the request that all transports use."""
    return CommRequest(
        method="POST",
        url="wss://connect",
        headers={
            "x-inngest-job-id": request.job_id,
            "x-request-id": request.request_id,
            **_trace_headers(request.user_trace_ctx),
        },
        query={"fnId": request.function_slug, "stepId": request.step_id or _NO_TARGET},
        body=request.request_payload,
        raw=request,
    )


def internal_error() -> CommResponse:
    """Return the response to a call for which this library failed."""
    return _error("the worker failed to handle this call; its log says why", no_retry=False)


def _too_large(size: int) -> CommResponse:
    return _error(
        f"the response has {size} bytes, more than the {MAX_REPLY_BYTES} that a gateway accepts: "
        "return less, or store the data elsewhere and return its location",
        no_retry=True,
    )


def _error(message: str, *, no_retry: bool) -> CommResponse:
    body = {"code": "unknown", "name": "ConnectError", "message": message}
    headers = {"x-inngest-no-retry": "true"} if no_retry else {}
    return CommResponse(status=500, body=json.dumps(body).encode(), headers=headers)


def _trace_headers(context: bytes) -> dict[str, str]:
    """Return the trace context as the headers ``traceparent`` and ``tracestate``."""
    try:
        read = json.loads(context)
    except (ValueError, RecursionError):
        return {}
    found = read.items() if isinstance(read, dict) else ()
    return {
        name: value
        for name, value in found
        if name in ("traceparent", "tracestate") and isinstance(value, str)
    }


def _trace(context: bytes) -> bytes:
    """Return a trace context that the flush API accepts: it rejects invalid JSON."""
    try:
        json.loads(context)
    except (ValueError, RecursionError):
        return b"{}"
    return context
