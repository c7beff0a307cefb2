"""One Inngest server for a run of tests or a script.

::

    from inngest.experimental.dev_server import server

    server.start()
    client = inngest.Inngest(app_id="shop", is_production=False, api_base_url=server.origin,
                             event_api_base_url=server.origin)
    ...
    server.stop()

The environment says:

| variable | meaning |
|---|---|
| `DEV_SERVER_ENABLED` | ``0`` or ``false``: a server is there already, start none |
| `DEV_SERVER_LOGS` | anything else than that: show what the server writes |
| `DEV_SERVER_PORT` | the port; by default a free one, or 8288 if a server is there already |
| `DEV_SERVER_VERSION` | a version of the real server for npx to run |
"""

import os
from typing import Final

from inngest.experimental.dev_server._server import Server

server: Final = Server(os.environ)
"""The server of this process."""

__all__ = ["Server", "server"]
