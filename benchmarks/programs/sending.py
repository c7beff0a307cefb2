"""What it costs to make and send events, to a server on this machine that reads them.

The argument is a JSON object: `events`, how many are sent at once, and `samples`, how often
to measure. Prints `{"seconds": [...]}`: the time of this process's processor, since the
server is a process of its own.
"""

from __future__ import annotations

import http.server
import json
import multiprocessing
import sys
import time
from multiprocessing.connection import Connection

import inngest

WARM_UP = 3


class Sink(http.server.BaseHTTPRequestHandler):
    """Accepts everything, and says as many ids as it must."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write an answer: the second would wait for an acknowledgement
    answer = b""

    def do_POST(self) -> None:
        """Read the events, look at none."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def serve(count: int, found: Connection) -> None:
    ids = ["01JABCDEFGHJKMNPQRSTVWXYZ0"] * count
    Sink.answer = json.dumps({"ids": ids, "status": 200}).encode()
    server = http.server.HTTPServer(("127.0.0.1", 0), Sink)
    found.send(server.server_address[1])
    server.serve_forever()


def main() -> None:
    case = json.loads(sys.argv[1])
    count = case["events"]
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(count, there), daemon=True)
    server.start()
    origin = f"http://127.0.0.1:{here.recv()}"
    client = inngest.Inngest(app_id="bench", is_production=False, event_api_base_url=origin)

    def send() -> None:
        events = [
            inngest.Event(name="bench/sent", data={"number": number, "text": "x" * 50, "on": True})
            for number in range(count)
        ]
        ids = client.send_sync(events)
        assert len(ids) == count

    for _ in range(WARM_UP):
        send()
    seconds = []
    for _ in range(case["samples"]):
        started = time.process_time()
        send()
        seconds.append(time.process_time() - started)
    server.terminate()
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
