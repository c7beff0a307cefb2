"""Steps in which the server makes an HTTP request. PROTOCOL section 11, ``Gateway``.

What the server carries is text: a request's body is JSON or nothing, since other text would
arrive in quotes; a response's body is read as UTF-8, and of several headers of one name
only the first is there.
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
    """The answer to a request that the server made, whatever its status.

    :param status_code: the HTTP status.
    :param headers: names are lower case, and each has one value.
    :param body: the text of the answer.
    :param url: what was asked.
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

        :raises ValueError: it is not JSON.
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
    """Have the server make a request with ``body``, JSON values, or ``content``, JSON text."""
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
    """See that headers can be sent: a server tries in vain, and says what it could not send.

    :raises NonRetriableError: one cannot be. It names the header, whose value may be secret.
    """
    for name, value in headers.items():
        if not is_header_name(name):
            raise NonRetriableError(f'step "{step_id}": headers: {name!r} is no name of one')
        if not is_header_value(str(value)):
            raise NonRetriableError(
                f'step "{step_id}": headers: the value of {name!r} cannot be sent: it holds a '
                "line break, or another control character"
            )


def is_header_value(text: str) -> bool:
    """Whether a header may say ``text``."""
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
        raise NonRetriableError(f'step "{step_id}": json and content exclude each other')
    encoded = encode(body, f'the body of step "{step_id}"', advice="")
    if isinstance(encoded, OutputUnserializableError):
        raise encoded
    return encoded


def is_json(text: str) -> bool:
    """Whether the server sends ``text`` as it is."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is JSON to Python only")


def fetched(raw: object, call: StepCall) -> FetchedResponse:
    """Read what the server got.

    :raises NonRetriableError: it has not the form that the protocol defines.
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
    raise NonRetriableError(f'what is stored for step "{call.id}" is no answer to a request')


__all__ = ["FetchedResponse", "check_headers", "fetch", "fetched", "is_header_value", "is_json"]
