"""Header names, in lower case, and the headers that identify the SDK. PROTOCOL section 3."""

from __future__ import annotations

import re
from typing import Final

from inngest._internal.types import ServerKind
from inngest._internal.version import SDK_HEADER

ALLOW: Final = "allow"
AUTHORIZATION: Final = "authorization"
CONTENT_TYPE: Final = "content-type"
ENV: Final = "x-inngest-env"
EVENT_ID_SEED: Final = "x-inngest-event-id-seed"
EXPECTED_SERVER_KIND: Final = "x-inngest-expected-server-kind"
FRAMEWORK: Final = "x-inngest-framework"
FORCE_STEP_PLAN: Final = "x-inngest-force-step-plan"
GENERATION_ID: Final = "x-inngest-generation-id"
JOB_ID: Final = "x-inngest-job-id"
NO_RETRY: Final = "x-inngest-no-retry"
REQUEST_ID: Final = "x-request-id"
REQ_VERSION: Final = "x-inngest-req-version"
RETRY_AFTER: Final = "retry-after"
RUN_ID: Final = "x-run-id"
SDK: Final = "x-inngest-sdk"
SDK_HANDLED: Final = "x-inngest-sdk-handled"
SERVER_KIND: Final = "x-inngest-server-kind"
SERVER_TIMING: Final = "server-timing"
SIGNATURE: Final = "x-inngest-signature"
STEP_ID: Final = "x-inngest-step-id"
SYNC_KIND: Final = "x-inngest-sync-kind"
USER_AGENT: Final = "user-agent"

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

EXECUTION_VERSION: Final = "2"
"""The version of step ids and opcodes: the value of ``x-inngest-req-version``."""


def is_header_name(text: str) -> bool:
    """Return whether ``text`` is a valid header name."""
    return _NAME.fullmatch(text) is not None


def sdk_headers(
    *, env: str | None, framework: str | None, server_kind: ServerKind | None
) -> dict[str, str]:
    """Return the headers of all requests to and responses for a server."""
    headers = {
        CONTENT_TYPE: "application/json",
        SDK: SDK_HEADER,
        USER_AGENT: SDK_HEADER,
        REQ_VERSION: EXECUTION_VERSION,
    }
    if env:
        headers[ENV] = env.encode("utf-8").decode("latin-1")  # HTTP libraries encode as Latin-1
    if framework:
        headers[FRAMEWORK] = framework
    if server_kind:
        headers[EXPECTED_SERVER_KIND] = server_kind.value
    return headers
