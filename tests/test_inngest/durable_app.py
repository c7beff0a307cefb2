"""Durable endpoints that kill their process where they are told to. See ``supervisor``.

The plan is `{"port": …, "engine": …, "kind": "asgi" | "wsgi"}`. A request says where it is to
die: `{"key": …, "kill": [step, point], "nap": step | null}`.
"""

from __future__ import annotations

import datetime
import socket
import sys
from typing import Any

import fastapi
import flask
import httpx
import uvicorn
from starlette.routing import Route
from werkzeug.serving import make_server

import inngest
from inngest.experimental import durable

from .supervisor import Scene

STEPS = 4
SCENE = Scene(sys.argv[1])
NAP = datetime.timedelta(seconds=30)

client = inngest.Inngest(app_id="shop", is_production=False, api_base_url=SCENE.plan["engine"])


def reach(order: Any, step: int, point: str) -> None:
    """Die here if the request says so, and if it has not died yet."""
    if order["kill"] == [step, point]:
        SCENE.die_once(order["key"], order["key"], step, point)


def work(order: Any, step: int) -> int:
    SCENE.note("ran", order["key"], step)
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
        SCENE.note("saw", order["key"], step)
    return {"total": total}


@durable.wsgi(client)
def checkout_sync(ctx: inngest.ContextSync, request: durable.Request) -> dict[str, int]:
    order, total = request.json(), 0
    for step in range(STEPS):
        if order["nap"] == step:
            ctx.step.sleep("nap", NAP)
        reach(order, step, "before")
        total += ctx.step.run(f"step {step}", work, order, step)
        SCENE.note("saw", order["key"], step)
    return {"total": total}


def serve_asgi(listener: socket.socket) -> None:
    app = fastapi.FastAPI(routes=[Route("/checkout", checkout, methods=["POST"])])
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


def serve_wsgi(listener: socket.socket) -> None:
    app = flask.Flask(__name__)
    app.add_url_rule("/checkout", view_func=lambda: checkout_sync, methods=["POST"])
    make_server(
        "127.0.0.1", SCENE.plan["port"], app, threaded=True, fd=listener.fileno()
    ).serve_forever()


if __name__ == "__main__":
    httpx.Client().close()  # loaded once, not after each restart
    SCENE.supervise(serve_asgi if SCENE.plan["kind"] == "asgi" else serve_wsgi)
