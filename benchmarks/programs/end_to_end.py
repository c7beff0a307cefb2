"""How long a run of many steps takes, from its event to its end, in real time.

The argument is a JSON object: `server` is the origin of an Inngest server, `steps` how many
the function takes, one after another, `samples` how many runs are timed one by one, and
`queueing` how many seconds each call waits before the app sees it.
Prints `{"seconds": [...]}` by the clock of the server, which is asked now and then, as each
question takes from what it has for the run. The app is FastAPI on uvicorn.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import urllib.request
from datetime import datetime
from typing import Any

import fastapi
import pydantic
import uvicorn

import inngest
import inngest.fast_api

SECONDS = 300.0
_instant = pydantic.TypeAdapter(datetime).validate_python


def app_of(client: inngest.Inngest, steps: int) -> fastapi.FastAPI:
    async def work() -> int:
        return 1

    @client.create_function(fn_id=f"steps-{steps}", trigger=inngest.TriggerEvent(event="bench/go"))
    async def fn(ctx: inngest.Context) -> int:
        total = 0
        for number in range(steps):
            total += await ctx.step.run(f"step-{number}", work)
        return total

    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, client, [fn])
    return app


def queued(app: Any, seconds: float) -> Any:
    """Let each call wait, as it does in the queue of a real server."""

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            await asyncio.sleep(seconds)
        await app(scope, receive, send)

    return waiting


def asked(method: str, url: str) -> Any:
    request = urllib.request.Request(url, method=method, data=b"{}" if method == "PUT" else None)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def run_once(client: inngest.Inngest, server: str, steps: int) -> float:
    deadline = time.monotonic() + SECONDS
    (event_id,) = client.send_sync(inngest.Event(name="bench/go"))
    while time.monotonic() < deadline:
        time.sleep(0.1)
        runs = asked("GET", f"{server}/v1/events/{event_id}/runs")["data"]
        if runs and runs[0]["ended_at"] is not None:
            assert runs[0]["output"] == steps, runs[0]
            return (
                _instant(runs[0]["ended_at"]) - _instant(runs[0]["run_started_at"])
            ).total_seconds()
    raise TimeoutError(f"a run of {steps} steps did not end")


def main() -> None:
    case = json.loads(sys.argv[1])
    os.environ["INNGEST_DEV"] = case["server"]
    client = inngest.Inngest(app_id="bench", is_production=False)
    # uvicorn makes the socket: on one that it is given, answers wait for acknowledgements.
    app = queued(app_of(client, case["steps"]), case["queueing"])
    config = uvicorn.Config(app, port=0, log_level="error")
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    asked("PUT", f"http://127.0.0.1:{port}/api/inngest")
    run_once(client, case["server"], case["steps"])
    seconds = [run_once(client, case["server"], case["steps"]) for _ in range(case["samples"])]
    print(json.dumps({"seconds": seconds}))
    server.should_exit = True


if __name__ == "__main__":
    main()
