"""State in S3, or in whatever speaks its API."""

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
    """What is used of ``boto3.client("s3")``."""

    @property
    def get_object(self) -> Callable[..., Any]:
        """Read an object."""
        ...

    @property
    def put_object(self) -> Callable[..., Any]:
        """Write an object."""
        ...


class S3Driver:
    """Keeps each value in an object of its own, ``inngest/<run>/<hash of the value>``.

    It deletes nothing: have the bucket's lifecycle do it, after the longest run.

    :param bucket: the bucket; pointers into others are refused.
    :param client: a client of ``boto3``, which ``pip install inngest-core[s3]`` brings.
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
        """Put the values in the place of the pointers to them.

        :raises NonRetriableError: a value is gone or damaged, or was never of this bucket.
        """
        found = list(pointers(steps, STRATEGY))
        keys = [self._key(data) for _, data in found]
        if not keys:
            return
        with ThreadPoolExecutor(min(len(keys), READERS)) as readers:
            for (output, _), value in zip(found, readers.map(self._load, keys), strict=True):
                output.data = value

    def save_step(self, run_id: str, value: object) -> dict[str, object]:
        """Keep a value of a run: the pointer to it."""
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
            f'a pointer is not to an object below "{PREFIX}" of the bucket "{self._bucket}"'
        )

    def _load(self, key: str) -> object:
        what = f'the object "{key}" of the bucket "{self._bucket}"'
        try:
            content = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except Exception as error:
            if not _is_missing(error):
                raise
            raise NonRetriableError(f"{what} is gone") from error
        try:
            return json.loads(content)
        except ValueError:
            raise NonRetriableError(f"what {what} holds is not JSON: it was damaged") from None


def _is_missing(error: Exception) -> bool:
    answer = getattr(error, "response", None)
    details = answer.get("Error") if isinstance(answer, dict) else None
    return isinstance(details, dict) and details.get("Code") == "NoSuchKey"


__all__ = ["S3Client", "S3Driver"]
