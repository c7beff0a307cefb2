"""A driver for S3 and for stores with a compatible API."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from inngest._internal.errors import NonRetriableError
from inngest._internal.middleware.memos import StepMemos
from inngest.experimental.remote_state_middleware._pointer import Kept, pointer, pointers

STRATEGY = "inngest/s3"
PREFIX = "inngest/"
READERS = 8


class S3Client(Protocol):
    """The methods of ``boto3.client("s3")`` that the driver uses."""

    @property
    def get_object(self) -> Callable[..., Any]:
        """Read an object."""
        ...

    @property
    def put_object(self) -> Callable[..., Any]:
        """Write an object."""
        ...


class S3Driver:
    """Stores each value in an object with the key ``inngest/<run id>/<hash of the value>``.

    It never deletes objects: use a lifecycle rule of the bucket that outlasts the longest run.

    :param bucket: the bucket's name; pointers into other buckets are rejected.
    :param client: a ``boto3`` client (``pip install "inngest-core[s3]"``).
    :raises TypeError: ``client`` lacks the methods of an S3 client.
    """

    blocks = True

    def __init__(self, *, bucket: str, client: S3Client) -> None:
        if not all(callable(getattr(client, name, None)) for name in ("get_object", "put_object")):
            raise TypeError(
                f'S3Driver needs boto3.client("s3"), not a {type(client).__name__}: '
                'pip install "inngest-core[s3]"'
            )
        self._bucket, self._client = bucket, client

    def load_steps(self, steps: StepMemos) -> None:
        """Replace pointers with the values that they point to.

        :raises NonRetriableError: an object is missing or corrupt, or in another bucket.
        """
        found = list(pointers(steps, STRATEGY))
        keys = [self._key(data) for _, data in found]
        if not keys:
            return
        with ThreadPoolExecutor(min(len(keys), READERS)) as readers:
            for (output, _), value in zip(found, readers.map(self._load, keys), strict=True):
                output.data = value

    def save_step(self, run_id: str, value: object) -> dict[str, object]:
        """Store a value of a run, and return the pointer to it."""
        kept = Kept.of(run_id, value)
        key = f"{PREFIX}{kept.key}"
        self._client.put_object(
            Bucket=self._bucket, Key=key, Body=kept.content, ContentType="application/json"
        )
        place = {"bucket": self._bucket, "key": key}
        return pointer(STRATEGY, place, **place)

    def _key(self, data: object) -> str:
        match data:
            case {"bucket": self._bucket, "key": str(key)} if key.startswith(PREFIX):
                return key
        raise NonRetriableError(
            f'a pointer is not to an object below "{PREFIX}" in the bucket "{self._bucket}"'
        )

    def _load(self, key: str) -> object:
        what = f'the object "{key}" of the bucket "{self._bucket}"'
        try:
            content = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except Exception as error:
            if not _is_missing(error):
                raise
            raise NonRetriableError(f"{what} does not exist") from error
        try:
            return json.loads(content)
        except ValueError:
            raise NonRetriableError(f"{what} is corrupt: its content is not JSON") from None


def _is_missing(error: Exception) -> bool:
    answer = getattr(error, "response", None)
    details = answer.get("Error") if isinstance(answer, dict) else None
    return isinstance(details, dict) and details.get("Code") == "NoSuchKey"


__all__ = ["S3Client", "S3Driver"]
