"""The examples in docs/connect.md work."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import inngest

from .connect_platform import PATIENCE, Platform, eventually, made, working

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def platform() -> Iterator[Platform]:
    with Platform(backoff=[0.01]) as made_platform:
        yield made_platform


def snippets(*beginnings: str) -> list[str]:
    """Return the snippets of the page that contain one of these texts."""
    page = (ROOT / "docs/connect.md").read_text("utf-8")
    found = [each.removeprefix("python\n") for each in page.split("```")[1::2]]
    return [each for each in found if any(text in each for text in beginnings)]


def test_the_probe_of_the_docs_tells_whether_calls_come_in(platform: Platform) -> None:
    (source,) = snippets("async def probe(")

    async def main() -> None:
        client = platform.client()

        @client.create_function(fn_id="greet", trigger=inngest.TriggerEvent(event="app/greet"))
        async def greet(ctx: inngest.Context) -> str:
            return "hello"

        worker = made(client, greet)
        snippet: dict[str, Any] = {"asyncio": asyncio, "worker": worker}
        exec(source, snippet)
        async with await asyncio.start_server(snippet["probe"], "127.0.0.1", 0) as server:
            origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

            async def ask(path: str) -> int:
                async with httpx.AsyncClient(timeout=60) as http:
                    return (await http.get(origin + path)).status_code

            assert (await ask("/ready"), await ask("/live")) == (503, 503)
            async with working(worker):
                assert (await ask("/ready"), await ask("/live")) == (200, 200)
            assert (await ask("/ready"), await ask("/live")) == (503, 503)
        await client.aclose()

    asyncio.run(main())


@pytest.mark.slow
def test_gunicorns_workers_each_run_a_worker_as_the_docs_have_it(
    platform: Platform, tmp_path: Path
) -> None:
    parts = snippets("def greet(", "def post_worker_init(")
    application = "def app(environ, start):\n    start('200 OK', [])\n    return []\n"
    config = tmp_path / "gunicorn.conf.py"
    config.write_text("\n".join(parts), "utf-8")
    (tmp_path / "shop_app.py").write_text(application, "utf-8")

    async def main() -> None:
        client = platform.client("shop")
        await eventually(
            lambda: sum(session.is_synced for session in platform.hub.sessions) == 2,
            "two workers have told their functions",
        )
        event = inngest.Event(name="user/created", data={"name": "Ada"})
        (event_id,) = await client.send(event)
        assert (await platform.ended(event_id))["output"] == "Hello Ada"
        await client.aclose()

    master = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:0", "shop_app:app"],
        cwd=tmp_path,
        env={**os.environ, "INNGEST_DEV": platform.origin},
    )
    try:
        asyncio.run(main())
    finally:
        master.terminate()
        assert master.wait(PATIENCE) == 0
    assert platform.hub.sessions == []
