"""Ask a running engine over HTTP, for the commands of the terminal."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Any

import httpx

from inngest.dev._internal.api.access import hashed

DEFAULT = "http://127.0.0.1:8288"
ENDED = ("Completed", "Failed", "Cancelled")


class RemoteError(Exception):
    """The engine has not done what it was asked to do. The message says why."""


class Remote:
    def __init__(self, origin: str, key: str | None) -> None:
        if key and not (key.isascii() and key.isprintable()):
            raise RemoteError("--signing-key holds characters that no key has")
        self.origin = (origin if "://" in origin else f"http://{origin}").rstrip("/")
        # the hash, not the key itself, which signs: something else may listen there
        headers = {"authorization": f"Bearer {hashed(key.strip())}"} if key else {}
        # no proxy of the environment: the engine is on this machine
        self._client = httpx.Client(headers=headers, timeout=30.0, trust_env=False)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Any:
        """The JSON of the answer; of an envelope, its `data`.

        :raises RemoteError: there is no usable answer, or it is an error.
        """
        try:
            answer = self._client.request(
                method,
                self.origin + path,
                params=dict(query or {}),
                json=body if method == "POST" else None,
            )
        except UnicodeEncodeError as error:
            raise RemoteError(f"an argument is not UTF-8: {error.object!a}") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError) as error:
            raise RemoteError(
                f"--engine takes a URL like {DEFAULT}, not {self.origin!r}"
            ) from error
        except httpx.HTTPError as error:
            raise RemoteError(
                f"no engine answers at {self.origin} ({type(error).__name__}). "
                "Start one with python -m inngest dev, or name another with --engine."
            ) from error
        try:
            found = answer.json()
        except ValueError:
            found = None
        if answer.status_code == 401:
            option = "--event-key" if path.startswith("/e/") else "--signing-key"
            if option == "--signing-key" and "authorization" in self._client.headers:
                raise RemoteError(f"the engine refuses this {option}")
            raise RemoteError(f"the engine asks for a key: give {option}")
        if answer.status_code >= 400:
            text = found.get("error") if isinstance(found, dict) else None
            raise RemoteError(str(text or f"status {answer.status_code}: {answer.text[:500]}"))
        if found is None and answer.text != "null":
            raise RemoteError(
                f"what answers at {self.origin} is no inngest-dev engine: name one with --engine"
            )
        if isinstance(found, dict) and set(found) == {"data", "metadata"}:
            return found["data"]
        return found

    def close(self) -> None:
        self._client.close()


def connect(options: argparse.Namespace) -> Remote:
    return Remote(options.engine, options.signing_key)


def add_options(parser: argparse.ArgumentParser) -> None:
    given = os.environ.get("INNGEST_DEV", "")
    parser.add_argument(
        "--engine",
        default=given if ":" in given else DEFAULT,
        metavar="URL",
        help="origin of the engine (default: INNGEST_DEV, else %(default)s)",
    )
    parser.add_argument(
        "--signing-key",
        default=os.environ.get("INNGEST_SIGNING_KEY") or None,
        help="for an engine that asks for it (INNGEST_SIGNING_KEY)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
