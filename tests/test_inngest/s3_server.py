"""An S3-compatible server in a separate process, and a client for it."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SECONDS = 60.0

_PROGRAM = """
import sys, threading
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()  # until whoever started it is gone
server.stop()
"""


@contextmanager
def s3_server() -> Iterator[str]:
    """Run the server for the duration of the block, and yield its origin."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    late = threading.Timer(SECONDS, process.kill)
    late.start()
    try:
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        assert port, "the server did not start"
        late.cancel()
        yield f"http://127.0.0.1:{port}"
    finally:
        late.cancel()
        process.communicate(timeout=SECONDS)


def s3_client(origin: str) -> Any:
    """Return ``boto3.client("s3")`` for this server."""
    boto3: Any = importlib.import_module("boto3")
    config: Any = importlib.import_module("botocore.config")
    return boto3.session.Session(
        aws_access_key_id="id", aws_secret_access_key="secret", region_name="us-east-1"
    ).client(
        "s3",
        endpoint_url=origin,
        config=config.Config(
            retries={"max_attempts": 1}, connect_timeout=SECONDS, read_timeout=SECONDS
        ),
    )
