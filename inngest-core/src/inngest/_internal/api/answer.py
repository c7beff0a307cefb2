"""Decode responses of a server without trusting them: no body makes these functions raise."""

from __future__ import annotations

from inngest._internal.errors import BodyInvalidError
from inngest._internal.flow import Response
from inngest._internal.protocol.request import decode_json

_MAX_TEXT = 500


def parsed(response: Response) -> object:
    """Return the decoded body, or ``None`` if it is not JSON."""
    body = decode_json(response.body)
    return None if isinstance(body, BodyInvalidError) else body


def problem(response: Response) -> str:
    """Return the server's error message and the status as one short line."""
    body = parsed(response)
    text: object = None
    if isinstance(body, dict):
        text = body.get("error") or body.get("message")
    elif body is None and not response.body.lstrip().startswith(b"<"):
        text = response.body[:_MAX_TEXT].decode("utf-8", "replace").strip()
    if not isinstance(text, str) or not text:
        return f"status {response.status}"
    return f"{text[:_MAX_TEXT]} (status {response.status})"
