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
import django, flask, gevent, inngest, inngest.django, inngest.flask
from asgiref.sync import sync_to_async
from django.conf import settings
from inngest.testing.bench import call_body

CALLS = 4
client = inngest.Inngest(app_id="app", is_production=False)
caller = contextvars.ContextVar("caller")
begun = set()

async def meet():
    begun.add(caller.get())
    for _ in range(10_000):
        if len(begun) == CALLS:
            return
        await asyncio.sleep(0.005)

@client.create_function(fn_id="async", trigger=inngest.TriggerEvent(event="e"))
async def asynchronous(ctx):
    await meet()
    if framework == "django" and sys.version_info < (3, 14):
        await sync_to_async(len)("")  # from 3.14 on, executors do not return under gevent
    return [len(begun), caller.get()]

class Meeting(inngest.Middleware):
    async def before_execution(self):
        await meet()

@client.create_function(fn_id="sync", trigger=inngest.TriggerEvent(event="e"), middleware=[Meeting])
def sync(ctx):
    return [len(begun), caller.get()]

def on_flask():
    app = flask.Flask("app")
    inngest.flask.serve(app, client, [asynchronous, sync])
    return lambda path: app.test_client().post(path, data=call_body()).get_data()

def on_django():
    urlpatterns = inngest.django.serve(client, [asynchronous, sync]),
    settings.configure(ALLOWED_HOSTS=["*"], DATABASES={}, ROOT_URLCONF=urlpatterns)
    django.setup()
    from django.test import Client
    def post(path):
        return Client().post(path, call_body(), content_type="application/json").getvalue()
    return post

def call(name):
    caller.set(name)
    answer = json.loads(post(f"/api/inngest?fnId=app-{kind}&stepId=step"))
    return json.loads(answer["body"]) if "body" in answer else answer

framework, kind = sys.argv[1:]
post = on_flask() if framework == "flask" else on_django()
calls = [gevent.spawn(call, f"caller {number}") for number in range(CALLS)]
gevent.joinall(calls)
print(json.dumps([each.value for each in calls]))
"""


@pytest.mark.parametrize(
    ("framework", "kind", "streaming"),
    [("flask", "async", "disable"), ("django", "async", "force"), ("django", "sync", "disable")],
)
def test_calls_run_side_by_side_each_on_a_loop_of_its_own(
    framework: str, kind: str, streaming: str
) -> None:
    """All have begun before the first of them ends; a sync function's middleware is async."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, framework, kind],
        env={"INNGEST_STREAMING": streaming, "INNGEST_PLUGINS": ""},
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    expected = [[4, f"caller {number}"] for number in range(4)]
    assert json.loads(done.stdout) == expected, done.stderr
