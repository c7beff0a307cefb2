"""In processes of their own: there is one Django in a process, with one set of settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from inngest.testing.bench import call_body

BACKGROUND = """
import inngest

client = inngest.Inngest(app_id="shop", is_production=False, api_base_url="http://127.0.0.1:9")
trigger = inngest.TriggerEvent(event="e")

@client.create_function(fn_id="sync", trigger=trigger)
def sync(ctx: inngest.ContextSync):
    from django.db import connections
    connections["default"].ensure_connection()
    assert not any(one.in_atomic_block for one in connections.all())
    return {"size": len(str(ctx.event.data.get("text", "")))}

@client.create_function(fn_id="async", trigger=[trigger, inngest.TriggerCron(cron="0 8 * * *")])
async def asynchronous(ctx: inngest.Context):
    from asgiref.sync import sync_to_async
    return await sync_to_async(lambda: "async")()

functions = [sync, asynchronous]
only_sync = [sync]
"""
SETTINGS = """
import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={{name: {{
        "ENGINE": "django.db.backends.sqlite3", "NAME": name, "ATOMIC_REQUESTS": True
    }} for name in ("default", "other")}},
    INSTALLED_APPS=["inngest.django"],
    INNGEST={inngest},
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
    ROOT_URLCONF="urls",
    SECRET_KEY="x",
)
django.setup()
"""
NAMED = {"CLIENT": "background.client", "FUNCTIONS": "background.functions"}
URLS = """
from django.urls import include, path
urlpatterns = [path("v1/", include("inngest.django.urls"))]
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    (tmp_path / "background.py").write_text(BACKGROUND)
    (tmp_path / "urls.py").write_text(URLS)

    def run(program: str, inngest: Any = NAMED, **env: str) -> str:
        text = SETTINGS.format(inngest=inngest) + textwrap.dedent(program)
        kept = {name: value for name, value in os.environ.items() if "INNGEST" not in name}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", text],
            cwd=tmp_path,
            env={**kept, "PYTHONUTF8": "1", **env},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


CALLS = """
import json
from django.db import connection
from django.test import Client
from inngest.testing.bench import call_body

django_client = Client(enforce_csrf_checks=True)
def call(fn_id, **data):
    return django_client.post(
        f"/v1/api/inngest?fnId=shop-{fn_id}&stepId=step",
        call_body(data=data), content_type="application/json",
    )
"""


@pytest.mark.parametrize("functions", ["functions", "only_sync"])
def test_settings_name_what_is_served_and_large_bodies_come_in(run: Any, functions: str) -> None:
    """No CSRF token, three megabytes, and two databases with ATOMIC_REQUESTS."""
    program = CALLS + "print(call('sync', text='x' * 3_000_000).json())"
    named = {**NAMED, "FUNCTIONS": f"background.{functions}"}
    assert run(program, named) == "{'size': 3000000}\n"


def test_a_body_in_chunks_comes_in(run: Any) -> None:
    """As gunicorn hands it over: it ends by itself, and nobody knows its length before."""
    program = """
    import io
    from wsgiref.util import setup_testing_defaults
    from django.core.handlers.wsgi import WSGIHandler

    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/api/inngest",
        "QUERY_STRING": "fnId=shop-sync&stepId=step",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(call_body(data={"text": "x" * 70_000})),
        "wsgi.input_terminated": True,
    }
    setup_testing_defaults(environ)
    answer = WSGIHandler()(environ, lambda status, headers: print(status))
    print(b"".join(answer).decode())
    answer.close()
    """
    assert run(CALLS + textwrap.dedent(program)) == '200 OK\n{"size":70000}\n'


def test_middleware_may_read_the_body_before_and_after(run: Any) -> None:
    program = """
    import urls

    def before(get_response):
        return lambda request: print(len(request.body)) or get_response(request)

    def after(get_response):
        def answer(request):
            response = get_response(request)
            print(len(request.body))
            return response
        return answer

    urls.before, urls.after = before, after
    for name in ("before", "after"):
        settings.MIDDLEWARE = [f"urls.{name}"]
        django_client = Client()
        print(call("sync").json())
    """
    size = len(call_body())
    assert run(CALLS + textwrap.dedent(program)) == f"{size}\n{{'size': 0}}\n" * 2


def test_functions_may_be_named_one_by_one(run: Any) -> None:
    named = {**NAMED, "FUNCTIONS": ["background.sync", "background.asynchronous"]}
    assert run(CALLS + "print(call('async').json())", named) == "async\n"


def test_a_streamed_async_function_comes_back_for_its_database_work(run: Any) -> None:
    program = """
    answer = call('async')
    print(answer.status_code, json.loads(answer.getvalue())['body'])
    """
    named = {**NAMED, "STREAMING": "force"}
    assert run(CALLS + textwrap.dedent(program), named) == '201 "async"\n'


def test_a_stream_behind_a_sync_middleware_has_a_thread_for_its_database_work(run: Any) -> None:
    """The middleware's own has gone when the stream is sent."""
    program = """
    import asyncio
    from django.test import AsyncClient
    from inngest.testing.bench import call_body

    def plain(get_response):
        return lambda request: get_response(request)

    import urls
    urls.plain = plain
    settings.MIDDLEWARE = ["urls.plain"]

    async def main():
        answer = await AsyncClient().post(
            "/v1/api/inngest?fnId=shop-async&stepId=step", call_body(),
            content_type="application/json",
        )
        print(json.loads(b"".join([chunk async for chunk in answer.streaming_content]))["body"])

    asyncio.run(main())
    """
    named = {**NAMED, "STREAMING": "force"}
    assert run("import json\n" + textwrap.dedent(program), named) == '"async"\n'


def test_a_middleware_that_compresses_holds_no_space_back(run: Any) -> None:
    program = """
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware"]
    django_client = Client(headers={"accept-encoding": "gzip"})
    answer = call('async')
    print(answer['content-encoding'], json.loads(answer.getvalue())['body'])
    """
    named = {**NAMED, "STREAMING": "force"}
    assert run(CALLS + textwrap.dedent(program), named) == 'identity "async"\n'


def test_a_pool_thread_leaves_no_connection_open(run: Any) -> None:
    program = """
    import asyncio
    from django.db import close_old_connections, connections
    from inngest.django import _database
    from django.test import AsyncClient
    from inngest.testing.bench import call_body

    closed = []
    close = _database.close_old_connections
    def noting():
        close()
        closed.append(connections["default"].connection)
    _database.close_old_connections = noting

    async def main():
        answer = await AsyncClient().post(
            "/v1/api/inngest?fnId=shop-sync&stepId=step", call_body(),
            content_type="application/json",
        )
        print(answer.json(), closed)

    asyncio.run(main())
    """
    assert run(program) == "{'size': 0} [None, None]\n"


def test_a_command_lists_the_functions(run: Any) -> None:
    program = "from django.core.management import call_command; call_command('inngest_functions', json={})"
    assert json.loads(run(program.format(True))) == [
        {"id": "shop-sync", "is_async": False, "triggers": ["e"]},
        {"id": "shop-async", "is_async": True, "triggers": ["e", "0 8 * * *"]},
    ]
    assert run(program.format(False)).splitlines() == [
        "shop-sync  sync  e",
        "shop-async  async  e, 0 8 * * *",
    ]


SYNC = """
from django.core.management import CommandError, call_command
from inngest.testing.exchange import Inbox
import background, os

with Inbox().open() as inbox:
    background.client._config = background.client._config.__class__(
        **{
            name: inbox.origin if name == "api_origin" else getattr(background.client._config, name)
            for name in background.client._config.__dataclass_fields__
        }
    )
    inbox.status = STATUS
    try:
        call_command("inngest_sync", **OPTIONS)
    except CommandError as error:
        print("error", error)
    print([body["url"] for _, _, body in inbox.requests])
"""


def test_a_command_registers_the_functions(run: Any) -> None:
    url = "https://shop.example/v1/api/inngest"
    program = SYNC.replace("STATUS", "200").replace("OPTIONS", "{'origin': 'https://shop.example'}")
    assert run(program).splitlines() == [f"registered 2 functions at {url}", f"['{url}']"]


def test_a_command_says_why_nothing_was_registered(run: Any) -> None:
    program = SYNC.replace("STATUS", "401").replace("OPTIONS", "{}")
    assert "error where is the project reached?" in run(program)
    told = run(program, INNGEST_SERVE_ORIGIN="https://shop.example")
    assert "error not registered: the Inngest server did not accept the functions" in told
    assert "{" not in told, "a message for people"


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        (" localhost:8000 ", "at http://localhost:8000/v1/api/inngest"),
        ("shop example", "error origin (INNGEST_SERVE_ORIGIN) is not a valid URL: "),
    ],
)
def test_a_command_reads_its_origin_as_the_settings_are_read(
    run: Any, origin: str, told: str
) -> None:
    program = SYNC.replace("STATUS", "200").replace("OPTIONS", f"{{'origin': {origin!r}}}")
    assert told in run(program)


SEVERAL = """
import inngest, inngest.django, background
from django.urls import include, path

second = inngest.Inngest(app_id="second", is_production=False)
served = [inngest.django.serve(background.client, background.only_sync)]

@second.create_function(fn_id="own", trigger=background.trigger)
async def own(ctx): ...

urlpatterns = [
    inngest.django.serve(second, [own], serve_path="/one"),
    inngest.django.serve(second, [own], serve_path="/two"),
    path("v2/", include((served, "shop"))),
]
"""


def test_commands_find_every_endpoint_wherever_it_is(run: Any, tmp_path: Path) -> None:
    """Two with one name, one in a namespace, and all of it under a prefix."""
    (tmp_path / "urls.py").write_text(SEVERAL)
    program = """
    from django.core.management import call_command
    from django.urls import set_script_prefix
    from inngest.django.management._endpoints import endpoints
    set_script_prefix("/prefix/")
    print([one.path for one in endpoints()])
    call_command("inngest_functions")
    """
    assert run(program).splitlines() == [
        "['/prefix/one', '/prefix/two', '/prefix/v2/api/inngest']",
        "second-own  async  e",
        "second-own  async  e",
        "shop-sync  sync  e",
    ]


def test_the_url_has_the_script_s_name_once(run: Any) -> None:
    """A proxy that takes the prefix away, and servers that know it, with and without it."""
    program = """
    from django.test import AsyncRequestFactory, RequestFactory
    from inngest.django._convert import from_django

    def show(*requests):
        print([from_django(request).url for request in requests])

    asgi, wsgi = AsyncRequestFactory(), RequestFactory()
    show(asgi.put("/a b/?x=1"), wsgi.put("/a b/?x=1"))
    settings.FORCE_SCRIPT_NAME = "/pre"
    show(asgi.put("/a"), asgi.put("/pre/a"), wsgi.put("/a"))
    settings.FORCE_SCRIPT_NAME = None
    show(wsgi.put("/a", SCRIPT_NAME="/pre"))
    """
    with_prefix = "http://testserver/pre/a"
    assert run(program).splitlines() == [
        "['http://testserver/a%20b/', 'http://testserver/a%20b/']",
        str([with_prefix] * 3),
        str([with_prefix]),
    ]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (None, "set INNGEST ="),
        ({"CLIENT": "background.client"}, "set INNGEST ="),
        ({**NAMED, "SERVE_ORIGN": "x"}, "unknown keys: SERVE_ORIGN"),
    ],
)
def test_settings_that_say_nothing_are_refused(run: Any, named: Any, told: str) -> None:
    program = """
    from django.core.exceptions import ImproperlyConfigured
    from inngest.django._settings import configured
    try:
        configured()
    except ImproperlyConfigured as error:
        print(error)
    """
    assert told in run(program, named)


def test_a_command_without_an_endpoint_says_what_to_add(run: Any, tmp_path: Path) -> None:
    (tmp_path / "urls.py").write_text("urlpatterns = []")
    program = """
    from django.core.exceptions import ImproperlyConfigured
    from inngest.django.management._endpoints import endpoints
    try:
        endpoints()
    except ImproperlyConfigured as error:
        print(error)
    """
    assert "urlpatterns" in run(program)
