"""Behind a real nginx: TLS ends there, paths are rewritten, and the registered URL is right."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

import inngest
from inngest.testing import HTTPChannel
from inngest.testing.bench import Bench, client_of, function
from inngest.testing.exchange import Inbox

from .live import Embedded, World, a_server
from .ports import free_port
from .transports import TRANSPORTS, on_werkzeug

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
OPENSSL = shutil.which("openssl")
PROXIED = ["asgi", "django_asgi", "django_wsgi", "fast_api", "flask", "tornado", "wsgi"]
SECONDS = 60.0

pytestmark = pytest.mark.skipif(
    NGINX is None or OPENSSL is None,
    reason="nginx and openssl are not installed; scripts/install_system_packages does it as root",
)

CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
{user}
events {{}}
http {{
    access_log off;
    client_max_body_size 20m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_http_version 1.1;
    server {{
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {folder}/../cert.pem;
        ssl_certificate_key {folder}/../key.pem;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-For $remote_addr;
        location / {{ proxy_pass {app}; }}
        location = /public/fns {{ proxy_pass {app}/api/inngest; }}
    }}
    server {{
        listen 127.0.0.1:{plain};
        location / {{ proxy_pass {app}; }}
        location = /public/fns {{ proxy_pass {app}/api/inngest; }}
    }}
}}
"""


@pytest.fixture(scope="module", autouse=True)
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for all nginx servers here."""
    folder = tmp_path_factory.getbasetemp()
    if not (folder / "cert.pem").exists():
        assert OPENSSL is not None
        made = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
        kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=shop.example"]
        subprocess.run([OPENSSL, "req", *kind, *made], check=True, capture_output=True)
    return folder


@contextmanager
def nginx(app: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Run nginx in front of the app; yield the origins of its TLS and its plain listeners.

    The TLS listener sends forwarding headers to the app, as proxies should; the plain one does not.
    """
    assert NGINX is not None
    tls, plain = free_port(), free_port()
    user = "user root;" if os.getuid() == 0 else ""
    config = CONFIG.format(folder=folder, app=app, tls=tls, plain=plain, user=user)
    (folder / "nginx.conf").write_text(config)
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(
            [NGINX, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(plain, process, folder / "nginx.log")
            yield f"https://127.0.0.1:{tls}", f"http://127.0.0.1:{plain}"
        finally:
            process.terminate()
            process.wait(SECONDS)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"nginx did not start: {log.read_text()}")


@contextmanager
def behind_nginx(name: str, folder: Path, api: str, **options: Any) -> Iterator[tuple[str, str]]:
    """An app that trusts its proxy, configured as its framework's documentation says."""
    transport = TRANSPORTS[name]
    client = client_of(api=api)
    made = function(client, "sync", lambda ctx: "done")
    app = transport.build(client, [made], **options)
    run: Callable[[Any], Any] = transport.run
    if name in ("flask", "wsgi"):
        app, run = ProxyFix(app, x_host=1), on_werkzeug
    with run(app) as origin, nginx(origin, folder) as faces:
        yield faces
    client.close()


def registered(url: str, api: Inbox) -> str:
    """Trigger a registration at this URL, and return the URL that the app registers."""
    answer = httpx.put(url, json={}, verify=insecure(), timeout=SECONDS)
    assert answer.status_code == 200, answer.text
    found = api.requests[-1][2]
    assert found["functions"][0]["steps"]["step"]["runtime"]["url"].startswith(found["url"] + "?")
    return str(found["url"])


def insecure() -> ssl.SSLContext:
    """Make a TLS context that accepts the self-signed certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.mark.parametrize("name", PROXIED)
def test_the_registered_url_is_the_one_outside(name: str, tmp_path: Path) -> None:
    with Inbox().open() as api, behind_nginx(name, tmp_path, api.origin) as (tls, _):
        url = f"{tls}/api/inngest"
        assert registered(url, api) == url


@pytest.mark.parametrize("name", PROXIED)
def test_a_rewritten_path_is_the_one_outside(name: str, tmp_path: Path) -> None:
    with (
        Inbox().open() as api,
        behind_nginx(name, tmp_path, api.origin, public_path="/public/fns") as (tls, _),
    ):
        url = f"{tls}/public/fns"
        assert registered(url, api) == url


@pytest.mark.parametrize("name", PROXIED)
def test_a_proxy_that_says_nothing_is_made_up_for(name: str, tmp_path: Path) -> None:
    said = {"serve_origin": "https://shop.example", "public_path": "/public/fns"}
    with Inbox().open() as api, behind_nginx(name, tmp_path, api.origin, **said) as (_, plain):
        found = registered(f"{plain}/public/fns", api)
        assert found == "https://shop.example/public/fns"


@pytest.mark.parametrize("name", ["fast_api", "flask"])
def test_a_run_goes_through_the_proxy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_server() as server:
        assert isinstance(server, Embedded)
        world = World(server, TRANSPORTS[name], is_async=False)

        def body(ctx: Any) -> Any:
            first = yield ctx.step.run("first", world.step("first", lambda: 20))
            return (yield ctx.step.run("second", world.step("second", lambda: first + 1)))

        world.function("two", body)
        app = world.transport.build(world.client, world.functions, public_path="/public/fns")
        if name == "flask":
            app = ProxyFix(app, x_host=1)
        with world.transport.run(app) as origin, nginx(origin, tmp_path) as (_, plain):
            monkeypatch.setenv("INNGEST_SERVE_ORIGIN", plain)
            assert server.sync(f"{plain}/public/fns")[0] == 200
            (run,) = server.runs(world.send("two"))
        world.client.close()
    assert (run.status, run.output) == ("Completed", 21)
    assert world.calls == ["first", "second"]


@pytest.mark.parametrize("name", PROXIED)
def test_a_stream_is_passed_on_as_it_comes(name: str, tmp_path: Path) -> None:
    """nginx would keep small answers back until they are complete."""
    seen = threading.Event()
    client = client_of(api="http://127.0.0.1:9")
    made = function(client, "sync", lambda ctx: seen.wait(SECONDS))
    transport = TRANSPORTS[name]
    app = transport.build(client, [made], streaming=inngest.Streaming.FORCE)
    with transport.run(app) as origin, nginx(origin, tmp_path) as (_, plain):
        incoming = Bench(HTTPChannel(plain), transport.path).stream()
        try:
            assert (incoming.status, incoming.read(1)) == (201, b" ")
            seen.set()
            assert json.loads(incoming.read())["body"] == "true"
        finally:
            incoming.close()
