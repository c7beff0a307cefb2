"""Store the outputs of steps and functions yourself; the server keeps pointers to them.

::

    driver = S3Driver(bucket="state-of-runs", client=boto3.client("s3"))
    client = inngest.Inngest(
        app_id="shop", middleware=[RemoteStateMiddleware.factory(driver)]
    )

All apps that read each other's results need the middleware, with a driver for the same store.
"""

from inngest.experimental.remote_state_middleware._memory import InMemoryDriver
from inngest.experimental.remote_state_middleware._middleware import (
    RemoteStateMiddleware,
    StateDriver,
)
from inngest.experimental.remote_state_middleware._s3 import S3Client, S3Driver

__all__ = ["InMemoryDriver", "RemoteStateMiddleware", "S3Client", "S3Driver", "StateDriver"]
