"""Steps in which the server makes an HTTP request (PROTOCOL section 11, ``Gateway``).

The server transports text. A request body must be JSON or empty, since the server would send other
text as a JSON string. A response body is decoded as UTF-8, and of several headers with the same
name only the first is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from inngest._internal.checks import is_text
from inngest._internal.errors import NonRetriableError, OutputUnserializableError
from inngest._internal.op import Opcode, StepCall
from inngest._internal.protocol.headers import is_header_name
from inngest._internal.serialization.text import encode
from inngest._internal.types import UNSET

_UNSENDABLE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedResponse:
    """The response to a request that the server made, whatever its status.

    :param status_code: the HTTP status.
    :param headers: the headers: one value each, names in lower case.
    :param body: the body as text.
    :param url: the URL of the request.
    """

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    body: str = field(repr=False)
    url: str = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status_code < 300

    def json(self) -> Any:
        """Parse the body.

        :raises ValueError: the body is not JSON.
        """
        return json.loads(self.body)


def fetch(
    step_id: str,
    url: str,
    method: str,
    headers: Mapping[str, str] | None,
    body: object,
    content: str | None,
    name: str | None,
) -> StepCall:
    """Request an HTTP request whose body is ``body``, JSON types, or ``content``, JSON text."""
    if not is_text(url) or not url.startswith(("http://", "https://")):
        raise NonRetriableError(f'step "{step_id}": url: must start with http:// or https://')
    opts: dict[str, object] = {"type": "step.fetch", "url": url, "method": method.upper()}
    sent = {str(key): str(value) for key, value in (headers or {}).items()}
    check_headers(step_id, sent)
    text = _text(step_id, body, content)
    if text is not None:
        opts["body"] = text
        if not any(key.lower() == "content-type" for key in sent):
            sent["content-type"] = "application/json"
    if sent:
        opts["headers"] = sent
    return StepCall.for_server(step_id, Opcode.GATEWAY, display_name=name, opts=opts)


def check_headers(step_id: str, headers: Mapping[str, object]) -> None:
    """Check headers here, because the server would retry, and show the header in its error.

    :raises NonRetriableError: a header is invalid. The message omits its value, maybe a secret.
    """
    for name, value in headers.items():
        if not is_header_name(name):
            raise NonRetriableError(
                f'step "{step_id}": headers: {name!r} is not a valid header name'
            )
        if not is_header_value(str(value)):
            raise NonRetriableError(
                f'step "{step_id}": headers: the value of {name!r} contains a line break or '
                "another control character"
            )


def is_header_value(text: str) -> bool:
    """Return whether ``text`` is a valid header value."""
    return not _UNSENDABLE.search(text)


def _text(step_id: str, body: object, content: str | None) -> str | None:
    if body is UNSET:
        if content and not is_json(content):
            raise NonRetriableError(
                f'step "{step_id}": content: the server can send JSON only; make other '
                "requests in step.run"
            )
        return content or None
    if content is not None:
        raise NonRetriableError(f'step "{step_id}": pass json or content, not both')
    encoded = encode(body, f'the body of step "{step_id}"', advice="")
    if isinstance(encoded, OutputUnserializableError):
        raise encoded
    return encoded


def is_json(text: str) -> bool:
    """Return whether ``text`` is JSON, which the server sends unchanged."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON, although Python accepts it")


def response_of(raw: object, call: StepCall) -> FetchedResponse:
    """Decode the response that the server stored.

    :raises NonRetriableError: it does not have the format that the protocol defines.
    """
    match raw:
        case {"status_code": int(status), "body": str(body), **rest}:
            headers = rest.get("headers") or {}
            if isinstance(headers, dict):
                return FetchedResponse(
                    status_code=status,
                    headers={str(key).lower(): str(value) for key, value in headers.items()},
                    body=body,
                    url=str(rest.get("url") or ""),
                )
    raise NonRetriableError(f'the stored result of step "{call.id}" is not an HTTP response')


__all__ = ["FetchedResponse", "check_headers", "fetch", "is_header_value", "is_json", "response_of"]
