"""Keep what steps and functions give in a store of your own; the server gets a pointer.

::

    driver = S3Driver(bucket="state-of-runs", client=boto3.client("s3"))
    client = inngest.Inngest(
        app_id="shop", middleware=[RemoteStateMiddleware.factory(driver)]
    )

All apps that read each other's results need the middleware, with a driver that reads the
same store. A pointer is as PROTOCOL section 19 says.
"""

from inngest.experimental.remote_state_middleware._memory import InMemoryDriver
from inngest.experimental.remote_state_middleware._middleware import (
    RemoteStateMiddleware,
    StateDriver,
)
from inngest.experimental.remote_state_middleware._s3 import S3Client, S3Driver

__all__ = ["InMemoryDriver", "RemoteStateMiddleware", "S3Client", "S3Driver", "StateDriver"]
