"""Call the REST API with the signing key, or with the fallback key if it is rejected."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from inngest._internal.flow import Fetch, FetchError, Flow, Request, Response
from inngest._internal.protocol.headers import AUTHORIZATION
from inngest._internal.protocol.signature import SigningKey


def fetch_authorized(request: Request, keys: Sequence[SigningKey]) -> Flow[Response | FetchError]:
    """Make a request with the first key; after a 401 or 403, once more with the second.

    Without keys, as in dev mode, the request is made without authorization.
    """
    tries = [_with_bearer(request, key) for key in keys[:2]] or [request]
    outcome: Response | FetchError = yield Fetch(tries[0])
    for again in tries[1:]:
        if isinstance(outcome, FetchError) or outcome.status not in (401, 403):
            break
        outcome = yield Fetch(again)
    if isinstance(outcome, Response) and outcome.status >= 300:
        return _without_keys(outcome, keys)
    return outcome


def _without_keys(refusal: Response, keys: Sequence[SigningKey]) -> Response:
    """Redact the keys: the body is shown in errors, and some servers echo the request."""
    body = refusal.body
    for key in keys:
        body = body.replace(f"Bearer {key.bearer}".encode(), b"Bearer ***")
    return dataclasses.replace(refusal, body=body)


def _with_bearer(request: Request, key: SigningKey) -> Request:
    headers = {k: v for k, v in request.headers.items() if k.lower() != AUTHORIZATION}
    headers[AUTHORIZATION] = f"Bearer {key.bearer}"
    return dataclasses.replace(request, headers=headers)
