"""Register the app's functions with the server (out-of-band sync). PROTOCOL section 6.1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from inngest._internal.api.access import Access
from inngest._internal.api.answer import parsed, problem
from inngest._internal.errors import RegistrationFailedError, ServerUnreachableError, with_cause
from inngest._internal.flow import FetchError, Flow


def register(
    body: Mapping[str, object],
    *,
    access: Access,
    deploy_id: str | None,
) -> Flow[dict[str, object] | RegistrationFailedError | ServerUnreachableError]:
    """Send a registration; return the server's response.

    :param deploy_id: the ``deployId`` of the request that triggered the sync.
    """
    query = "" if deploy_id is None else f"?deployId={quote(deploy_id, safe='')}"
    sent = json.dumps(body, allow_nan=False).encode("ascii")
    outcome = yield from access.post(f"/fn/register{query}", sent)
    if isinstance(outcome, FetchError):
        failure = ServerUnreachableError(
            f"no response from the Inngest server at {access.api_origin}: "
            f"{type(outcome.cause).__name__}"
        )
        return with_cause(failure, outcome.cause)
    answer = parsed(outcome)
    if not 200 <= outcome.status < 300 or not isinstance(answer, dict):
        return RegistrationFailedError(
            f"the Inngest server did not accept the functions: {problem(outcome)}"
        )
    return answer
