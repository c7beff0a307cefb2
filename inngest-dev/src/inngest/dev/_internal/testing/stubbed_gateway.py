"""Answer the requests of fetch and AI steps with a function of the test, in process."""

from __future__ import annotations

import json
from collections.abc import Callable

from inngest.dev._internal.machine.fetching import Inbound, Outbound, Unreachable

Fetch = Callable[[Outbound], object]
"""Answers a request: with an `Inbound`, or with a JSON value, the body of a 200.

What it raises becomes the step's connection error."""


class StubbedGateway:
    def __init__(self, fetch: Fetch | None) -> None:
        self._fetch = fetch

    async def fetch(self, request: Outbound) -> Inbound | Unreachable:
        if self._fetch is None:
            return Unreachable(
                reason=f"nothing stands in for {request.url} in this test: give the engine "
                "fetch=<a function that answers the request>"
            )
        try:
            answer = self._fetch(request)
            if isinstance(answer, Inbound):
                return answer
            headers = {"content-type": "application/json"}
            return Inbound(status=200, headers=headers, body=_json(answer))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # pytest.fail, e.g., raises a BaseException
            kind = "" if isinstance(error, OSError) and str(error) else f"{type(error).__name__}: "
            return Unreachable(reason=f"{kind}{error}")

    async def close(self) -> None:
        return


def _json(answer: object) -> bytes:
    try:
        return json.dumps(answer).encode()
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"fetch= gave a {type(answer).__name__}: an inngest.dev.testing.Inbound is needed, "
            f"or plain JSON, the body of an answer of status 200 ({error})"
        ) from None
