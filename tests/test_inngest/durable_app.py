"""Durable endpoints that kill their process where they are told to, and a supervisor.

    python durable_app.py FOLDER

FOLDER holds plan.json, `{"port": …, "engine": …, "kind": "asgi" | "wsgi"}`. A request says
where it is to die: `{"key": …, "kill": [step, point], "nap": step | null}`. What happens is
a line of FOLDER/log. The supervisor holds the listening socket and forks, so that a restart
takes milliseconds and no port is ever lost.
"""

from __future__ import annotations

import datetime
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import fastapi
import flask
import httpx
import uvicorn
from starlette.routing import Route
from werkzeug.serving import make_server

import inngest
from inngest.experimental import durable

STEPS = 4
FOLDER = Path(sys.argv[1])
PLAN = json.loads((FOLDER / "plan.json").read_text())
NAP = datetime.timedelta(seconds=30)

client = inngest.Inngest(app_id="shop", is_production=False, api_base_url=PLAN["engine"])


def note(*words: object) -> None:
    """Append a line that survives whatever comes next."""
    line = " ".join(map(str, words)) + "\n"
    log = os.open(FOLDER / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(log, line.encode())
        os.fsync(log)
    finally:
        os.close(log)


def reach(order: Any, step: int, point: str) -> None:
    """Die here if the request says so, and if it has not died yet."""
    if order["kill"] != [step, point]:
        return
    try:
        os.close(os.open(FOLDER / f"{order['key']}-killed", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    note("kill", order["key"], step, point)
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def work(order: Any, step: int) -> int:
    note("ran", order["key"], step)
    reach(order, step, "worked")
    return step


async def work_async(order: Any, step: int) -> int:
    return work(order, step)


@durable.asgi(client)
async def checkout(ctx: inngest.Context, request: durable.Request) -> dict[str, int]:
    order, total = request.json(), 0
    for step in range(STEPS):
        if order["nap"] == step:
            await ctx.step.sleep("nap", NAP)
        reach(order, step, "before")
        total += await ctx.step.run(f"step {step}", work_async, order, step)
        note("saw", order["key"], step)
    return {"total": total}


@durable.wsgi(client)
def checkout_sync(ctx: inngest.ContextSync, request: durable.Request) -> dict[str, int]:
    order, total = request.json(), 0
    for step in range(STEPS):
        if order["nap"] == step:
            ctx.step.sleep("nap", NAP)
        reach(order, step, "before")
        total += ctx.step.run(f"step {step}", work, order, step)
        note("saw", order["key"], step)
    return {"total": total}


def serve_asgi(listener: socket.socket) -> None:
    app = fastapi.FastAPI(routes=[Route("/checkout", checkout, methods=["POST"])])
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


def serve_wsgi(listener: socket.socket) -> None:
    app = flask.Flask(__name__)
    app.add_url_rule("/checkout", view_func=lambda: checkout_sync, methods=["POST"])
    make_server("127.0.0.1", PLAN["port"], app, threaded=True, fd=listener.fileno()).serve_forever()


def supervise() -> None:
    listener = socket.create_server(("127.0.0.1", PLAN["port"]), backlog=128)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    httpx.Client().close()  # loaded once, not after each restart
    serve = serve_asgi if PLAN["kind"] == "asgi" else serve_wsgi
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
