"""Play a run to its end in process, as the simplest possible Inngest server.

It stores what steps report, calls again with the stored results, and retries failures, with
neither clock nor network. It supports steps that run code and sleeps, and no others.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import inngest
from inngest.testing.exchange import TIMEOUT
from inngest.transport import CommRequest, CommResponse, Handler, ServeOptions

MAX_CALLS = 200


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended.

    :param status: the status of the last response.
    :param body: its decoded JSON body.
    :param headers: its headers.
    :param calls: how often the function was called.
    :param stored: the results and errors that steps reported, by step id.
    """

    status: int
    body: Any
    headers: Mapping[str, str]
    calls: int
    stored: Mapping[str, Any]

    @property
    def is_final(self) -> bool:
        """Whether the last response forbids another attempt."""
        return self.headers.get("x-inngest-no-retry") == "true"


@dataclass
class _State:
    memos: dict[str, Any] = field(default_factory=dict)
    stored: dict[str, Any] = field(default_factory=dict)
    queue: list[tuple[str, int]] = field(default_factory=lambda: [("step", 0)])

    def take(self, ops: list[dict[str, Any]], target: str, attempt: int) -> None:
        for op in ops:
            match op["op"]:
                case "StepPlanned":
                    if all(queued != op["id"] for queued, _ in self.queue):
                        self.queue.append((op["id"], 0))
                    continue
                case "StepError":
                    self.queue.append((target, attempt + 1))
                    continue
                case "StepFailed":
                    self.memos[op["id"]] = {"error": op["error"]}
                case "Sleep":
                    self.memos[op["id"]] = None
                case _:
                    self.memos[op["id"]] = {"data": op["data"]}
            self.stored[op["displayName"]] = op.get("error") or op.get("data")
        if not self.queue:
            self.queue.append(("step", 0))


def play(
    client: inngest.Inngest,
    function: inngest.Function[Any],
    *,
    data: Any = None,
    raw: object = None,
    max_attempts: int = 3,
) -> Ended:
    """Run a function to its end. The client is in dev mode meanwhile, so no key is needed.

    :param data: the data of the triggering event.
    :param raw: what middleware receives as the framework's request.
    :param max_attempts: the limit for the function and for each step.
    :raises AssertionError: the run did not end within ``MAX_CALLS`` calls.
    """
    is_production, client.is_production = client.is_production, False
    try:
        return _play(client, function, data, raw, max_attempts)
    finally:
        client.is_production = is_production


def _play(
    client: inngest.Inngest,
    function: inngest.Function[Any],
    data: Any,
    raw: object,
    max_attempts: int,
) -> Ended:
    handler = Handler(client, [function], ServeOptions(framework="test", environ={}))
    state = _State()
    for calls in range(1, MAX_CALLS + 1):
        assert state.queue, "the run has stalled"
        target, attempt = state.queue.pop(0)
        request = CommRequest(
            method="POST",
            url="http://app.test/api/inngest",
            headers={},
            query={"fnId": function.id, "stepId": target},
            body=_body(state.memos, attempt, max_attempts, data),
            raw=raw,
        )
        response = _answer(handler, request, is_async=function.is_handler_async)
        body = json.loads(response.body)
        if response.status == 206:
            state.take(body, target, attempt)
            continue
        final = response.headers.get("x-inngest-no-retry") == "true"
        if response.status == 200 or final or attempt + 1 >= max_attempts:
            return Ended(
                status=response.status,
                body=body,
                headers=response.headers,
                calls=calls,
                stored=state.stored,
            )
        state.queue.insert(0, (target, attempt + 1))
    raise AssertionError(f"the run did not end within {MAX_CALLS} calls")


def _answer(handler: Handler, request: CommRequest, *, is_async: bool) -> CommResponse:
    if is_async:
        answer = asyncio.run(asyncio.wait_for(handler.handle_async(request), TIMEOUT))
    else:
        answer = handler.handle_sync(request)
    assert isinstance(answer, CommResponse)
    return answer


def _body(memos: Mapping[str, Any], attempt: int, max_attempts: int, data: Any) -> bytes:
    event = {"data": data or {}, "id": "e1", "name": "suite/go", "ts": 1}
    return json.dumps(
        {
            "ctx": {
                "attempt": attempt,
                "disable_immediate_execution": False,
                "max_attempts": max_attempts,
                "run_id": "run",
                "stack": {"current": len(memos), "stack": list(memos)},
            },
            "event": event,
            "events": [event],
            "steps": memos,
            "use_api": False,
        }
    ).encode()


__all__ = ["Ended", "play"]
