"""Call the REST API with the signing key, and with the next one if a key is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from inngest._internal.flow import Fetch, FetchError, Flow, Request, Response
from inngest._internal.protocol.headers import AUTHORIZATION
from inngest._internal.protocol.signature import SigningKey


def fetch_authorized(make: Request, keys: Sequence[SigningKey]) -> Flow[Response | FetchError]:
    """Make the request with the first key; on 401 or 403 once more with the second.

    Without keys, as in dev mode, the request carries no authorization.
    """
    tries = [_with_bearer(make, key) for key in keys[:2]] or [make]
    outcome: Response | FetchError = yield Fetch(tries[0])
    for again in tries[1:]:
        if isinstance(outcome, FetchError) or outcome.status not in (401, 403):
            break
        outcome = yield Fetch(again)
    if isinstance(outcome, Response) and outcome.status >= 300:
        return _without_keys(outcome, keys)
    return outcome


def _without_keys(refusal: Response, keys: Sequence[SigningKey]) -> Response:
    """What a server says of a failure is shown, and some say again what they were asked."""
    body = refusal.body
    for key in keys:
        body = body.replace(f"Bearer {key.bearer}".encode(), b"Bearer ***")
    return dataclasses.replace(refusal, body=body)


def _with_bearer(make: Request, key: SigningKey) -> Request:
    headers = {k: v for k, v in make.headers.items() if k.lower() != AUTHORIZATION}
    headers[AUTHORIZATION] = f"Bearer {key.bearer}"
    return dataclasses.replace(make, headers=headers)
