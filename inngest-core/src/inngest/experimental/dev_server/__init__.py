"""An Inngest server for a test session or a script.

::

    from inngest.experimental.dev_server import server

    server.start()
    client = inngest.Inngest(app_id="shop", is_production=False, api_base_url=server.origin,
                             event_api_base_url=server.origin)
    ...
    server.stop()
Configured by environment variables:
The environment says:

| variable | meaning |
| `DEV_SERVER_ENABLED` | ``0`` or ``false``: start no server, use one that is running |
| `DEV_SERVER_LOGS` | show the server's output, unless unset, ``0`` or ``false`` |
| `DEV_SERVER_PORT` | the port; by default a free one, or 8288 if no server is to be started |
| `DEV_SERVER_VERSION` | the version of the real server that npx runs |
| `DEV_SERVER_VERSION` | a version of the real server for npx to run |
"""

import os
from typing import Final

from inngest.experimental.dev_server._server import Server

server: Final = Server(os.environ)
"""The server shared by this process."""

__all__ = ["Server", "server"]
