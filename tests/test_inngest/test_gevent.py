"""On a worker of gevent's, whose threads are greenlets: they share one thread of the system's."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SECONDS = 60

PROGRAM = """
from gevent import monkey
monkey.patch_all()

import asyncio, contextvars, json, sys
import flask, gevent, inngest, inngest.flask
from inngest.testing.bench import call_body

CALLS = 4
client = inngest.Inngest(app_id="app", is_production=False)
caller = contextvars.ContextVar("caller")
begun = set()

async def meet():
    begun.add(caller.get())
    for _ in range(2_000):
        if len(begun) == CALLS:
            return
        await asyncio.to_thread(gevent.sleep, 0.005)

@client.create_function(fn_id="async", trigger=inngest.TriggerEvent(event="e"))
async def asynchronous(ctx):
    await meet()
    return [len(begun), caller.get(), flask.request.path]

class Meeting(inngest.Middleware):
    async def before_execution(self):
        await meet()

@client.create_function(fn_id="sync", trigger=inngest.TriggerEvent(event="e"), middleware=[Meeting])
def sync(ctx):
    return [len(begun), caller.get(), flask.request.path]

app = flask.Flask("app")
inngest.flask.serve(app, client, [asynchronous, sync])

def call(name):
    caller.set(name)
    path = f"/api/inngest?fnId=app-{sys.argv[1]}&stepId=step"
    answer = app.test_client().post(path, data=call_body())
    body = answer.get_json()
    return json.loads(body["body"]) if answer.status_code == 201 else body

calls = [gevent.spawn(call, f"caller {number}") for number in range(CALLS)]
gevent.joinall(calls)
print(json.dumps([each.value for each in calls]))
"""


@pytest.mark.parametrize(
    ("kind", "streaming"), [("async", "disable"), ("async", "force"), ("sync", "disable")]
)
def test_calls_run_side_by_side_each_on_a_loop_of_its_own(kind: str, streaming: str) -> None:
    """All have begun before the first of them ends; a sync function's middleware is async."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, kind],
        env={"INNGEST_STREAMING": streaming, "INNGEST_PLUGINS": ""},
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    expected = [[4, f"caller {number}", "/api/inngest"] for number in range(4)]
    assert json.loads(done.stdout) == expected, done.stderr
