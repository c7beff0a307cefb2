"""Read a server's answer without trusting it: no body can raise here."""

from __future__ import annotations

from inngest._internal.errors import BodyInvalidError
from inngest._internal.flow import Response
from inngest._internal.protocol.request import decode_json

_MOST_SHOWN = 500


def parsed(response: Response) -> object:
    """Return the JSON in the answer's body, ``None`` if there is none."""
    body = decode_json(response.body)
    return None if isinstance(body, BodyInvalidError) else body


def problem(response: Response) -> str:
    """Return what the server says went wrong, and the status, in one short line."""
    body = parsed(response)
    text: object = None
    if isinstance(body, dict):
        text = body.get("error") or body.get("message")
    elif body is None and not response.body.lstrip().startswith(b"<"):
        text = response.body[:_MOST_SHOWN].decode("utf-8", "replace").strip()
    if not isinstance(text, str) or not text:
        return f"status {response.status}"
    return f"{text[:_MOST_SHOWN]} (status {response.status})"
