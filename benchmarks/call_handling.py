"""What handling one call costs, against the least that any handler must do.

The least: parse the body, look every memo up by its hashed id, and encode the answer,
all with the standard library. Rounds alternate between the two; medians are compared.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable
from functools import partial

import inngest
from inngest.transport import CommRequest, Handler, ServeOptions

ROUNDS = 200
STEPS = (0, 1, 10, 100, 1000)


def build_handler() -> Handler:
    client = inngest.Inngest(app_id="bench", is_production=False)

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="bench/go"))
    def fn(ctx: inngest.ContextSync) -> int:
        steps = ctx.event.data["steps"]
        assert isinstance(steps, int)
        for number in range(steps):
            ctx.step.run(f"step-{number}", str)
        return steps

    return Handler(client, [fn], ServeOptions(framework="none"))


def build_body(steps: int) -> bytes:
    hashes = [hash_id(f"step-{number}") for number in range(steps)]
    body = {
        "ctx": {"attempt": 0, "run_id": "run", "stack": {"stack": hashes, "current": steps}},
        "event": {"name": "bench/go", "data": {"steps": steps}},
        "steps": {hashed: {"data": "x" * 100} for hashed in hashes},
    }
    return json.dumps(body).encode()


def hash_id(step_id: str) -> str:
    return hashlib.sha1(step_id.encode(), usedforsecurity=False).hexdigest()


def handle_minimally(body: bytes) -> bytes:
    call = json.loads(body)
    memos = call["steps"]
    for number in range(call["event"]["data"]["steps"]):
        assert memos[hash_id(f"step-{number}")]["data"]
    return json.dumps(call["event"]["data"]["steps"]).encode()


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    handler = build_handler()
    print(f"{'memos':>6} {'ours µs':>10} {'minimal µs':>11} {'ratio':>6}")
    for steps in STEPS:
        body = build_body(steps)
        request = CommRequest(
            method="POST",
            url="http://localhost/api/inngest",
            headers={},
            query={"fnId": "bench-fn", "stepId": "step"},
            body=body,
        )
        assert handler.handle_sync(request).status == 200
        ours: list[float] = []
        minimal: list[float] = []
        for _ in range(ROUNDS):
            ours.append(seconds(partial(handler.handle_sync, request)))
            minimal.append(seconds(partial(handle_minimally, body)))
        mine, least = statistics.median(ours) * 1e6, statistics.median(minimal) * 1e6
        print(f"{steps:>6} {mine:>10.0f} {least:>11.0f} {mine / least:>6.1f}")


if __name__ == "__main__":
    main()
