"""An app that kills itself where it is told to. See ``supervisor``.

The plan is `{"port": …, "engine": …, "checkpointing": …, "kills": [[run key, step, point], …]}`.
"""

from __future__ import annotations

import socket
import sys
from functools import partial
from typing import Any

import flask
import httpx  # noqa: F401 - here, or each life would import it
from werkzeug.serving import make_server

import inngest
import inngest.flask

from .supervisor import Scene

STEPS = 4
SCENE = Scene(sys.argv[1])
KILLS = {tuple(kill) for kill in SCENE.plan["kills"]}

BEFORE, INSIDE, WORKED, ANSWERING, ANSWERED = "before", "inside", "worked", "answering", "answered"


def reach(key: int, step: int, point: str) -> None:
    """Die here if the plan says so, and if nobody has died here before."""
    if (key, step, point) in KILLS:
        SCENE.die_once(f"{key}-{step}-{point}", key, step, point)


def work(key: int, step: int) -> dict[str, int]:
    reach(key, step, INSIDE)
    SCENE.note("ran", key, step)
    reach(key, step, WORKED)
    return {"key": key, "step": step}


async def work_async(key: int, step: int) -> dict[str, int]:
    return work(key, step)


client = inngest.Inngest(
    app_id="crash",
    is_production=False,
    plugins=[],
    api_base_url=SCENE.plan["engine"],
    checkpointing=SCENE.plan["checkpointing"],
    event_api_base_url=SCENE.plan["engine"],
)


@client.create_function(fn_id="sync", trigger=inngest.TriggerEvent(event="crash/sync"), retries=20)
def crash_sync(ctx: inngest.ContextSync) -> int:
    key = int(str(ctx.event.data["key"]))
    total = 0
    for step in range(STEPS):
        reach(key, step, BEFORE)
        total += ctx.step.run(f"step {step}", work, key, step)["step"]
        SCENE.note("saw", key, step)
    return total


@client.create_function(
    fn_id="async", trigger=inngest.TriggerEvent(event="crash/async"), retries=20
)
async def crash_async(ctx: inngest.Context) -> int:
    key = int(str(ctx.event.data["key"]))
    total = 0
    for step in range(STEPS):
        reach(key, step, BEFORE)
        total += (await ctx.step.run(f"step {step}", work_async, key, step))["step"]
        SCENE.note("saw", key, step)
    return total


app = flask.Flask(__name__)
inngest.flask.serve(app, client, [crash_sync, crash_async])


@app.after_request
def answer(response: flask.Response) -> flask.Response:
    for key, step in executed(response):
        reach(key, step, ANSWERING)
        response.call_on_close(partial(reach, key, step, ANSWERED))
    return response


def executed(response: flask.Response) -> list[tuple[int, int]]:
    """Which steps this response reports."""
    ops: Any = response.get_json(silent=True) if response.status_code == 206 else []
    found = [op.get("data") for op in ops]
    results = [data.get("data", data) for data in found if isinstance(data, dict)]
    return [(result["key"], result["step"]) for result in results]


def serve(listener: socket.socket) -> None:
    make_server(
        "127.0.0.1", SCENE.plan["port"], app, threaded=True, fd=listener.fileno()
    ).serve_forever()


if __name__ == "__main__":
    SCENE.supervise(serve)
