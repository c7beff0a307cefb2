"""An app for load tests: two functions of ten steps, which log their executions.

    python load_app.py tornado PORT
    gunicorn "load_app:make_flask()"
    uvicorn --factory load_app:make_fast_api

LOAD_LOG names the log, with a line for each executed step; INNGEST_DEV is the engine's origin.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import inngest

if TYPE_CHECKING:
    import fastapi
    import flask

STEPS = 5

client = inngest.Inngest(app_id="load", is_production=False)


def note(key: int, step: int) -> int:
    log = os.open(os.environ["LOAD_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(log, f"{key} {step}\n".encode())
    finally:
        os.close(log)
    return step


async def note_async(key: int, step: int) -> int:
    await asyncio.sleep(0)
    return note(key, step)


@client.create_function(fn_id="sync", trigger=inngest.TriggerEvent(event="load/sync"), retries=0)
def load_sync(ctx: inngest.ContextSync) -> int:
    key = int(str(ctx.event.data["key"]))
    return sum(ctx.step.run(f"step {step}", note, key, step) for step in range(STEPS))


@client.create_function(fn_id="async", trigger=inngest.TriggerEvent(event="load/async"), retries=0)
async def load_async(ctx: inngest.Context) -> int:
    key = int(str(ctx.event.data["key"]))
    total = 0
    for step in range(STEPS):
        total += await ctx.step.run(f"step {step}", note_async, key, step)
    return total


FUNCTIONS = [load_sync, load_async]


def make_flask() -> flask.Flask:
    import flask

    import inngest.flask

    app = flask.Flask("load")
    inngest.flask.serve(app, client, FUNCTIONS)
    return app


def make_fast_api() -> fastapi.FastAPI:
    import fastapi

    import inngest.fast_api

    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, client, FUNCTIONS)
    return app


async def run_tornado(port: int) -> None:
    import tornado.web

    import inngest.tornado

    app = tornado.web.Application(log_function=lambda handler: None)
    inngest.tornado.serve(app, client, FUNCTIONS)
    app.listen(port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run_tornado(int(sys.argv[2])))
