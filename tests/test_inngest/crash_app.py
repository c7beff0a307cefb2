"""An app that kills itself where it is told to, and a supervisor that starts it again.

    python crash_app.py FOLDER

FOLDER holds plan.json, `{"port": …, "engine": …, "kills": [[run key, step, point], …]}`.
Everything that happens is a line of FOLDER/log, in the order in which it happened. Each
kill happens once: it leaves a file behind. The supervisor holds the listening socket and
forks, so that a restart takes milliseconds and no port is ever lost.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import flask
from werkzeug.serving import make_server

import inngest
import inngest.flask

STEPS = 4
FOLDER = Path(sys.argv[1])
PLAN = json.loads((FOLDER / "plan.json").read_text())
KILLS = {tuple(kill) for kill in PLAN["kills"]}

BEFORE, INSIDE, WORKED, ANSWERING, ANSWERED = "before", "inside", "worked", "answering", "answered"


def note(*words: object) -> None:
    """Append a line that survives whatever comes next."""
    line = " ".join(map(str, words)) + "\n"
    log = os.open(FOLDER / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(log, line.encode())
        os.fsync(log)
    finally:
        os.close(log)


def reach(key: int, step: int, point: str) -> None:
    """Die here if the plan says so, and if nobody has died here before."""
    if (key, step, point) not in KILLS:
        return
    try:
        os.close(os.open(FOLDER / f"{key}-{step}-{point}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    note("kill", key, step, point)
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def work(key: int, step: int) -> dict[str, int]:
    reach(key, step, INSIDE)
    note("ran", key, step)
    reach(key, step, WORKED)
    return {"key": key, "step": step}


async def work_async(key: int, step: int) -> dict[str, int]:
    return work(key, step)


client = inngest.Inngest(
    app_id="crash",
    is_production=False,
    api_base_url=PLAN["engine"],
    checkpointing=PLAN["checkpointing"],
    event_api_base_url=PLAN["engine"],
)


@client.create_function(fn_id="sync", trigger=inngest.TriggerEvent(event="crash/sync"), retries=20)
def crash_sync(ctx: inngest.ContextSync) -> int:
    key = int(str(ctx.event.data["key"]))
    total = 0
    for step in range(STEPS):
        reach(key, step, BEFORE)
        total += ctx.step.run(f"step {step}", work, key, step)["step"]
        note("saw", key, step)
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
        note("saw", key, step)
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
    make_server("127.0.0.1", PLAN["port"], app, threaded=True, fd=listener.fileno()).serve_forever()


def supervise() -> None:
    listener = socket.create_server(("127.0.0.1", PLAN["port"]), backlog=128)
    while True:
        child = os.fork()
        if child == 0:
            serve(listener)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"the app ended by itself: {status}")
        note("restart")


if __name__ == "__main__":
    supervise()
