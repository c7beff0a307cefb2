"""Parse an app's answer to a call. Pure: bytes and headers in, one of three values out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from inngest.dev._internal.model.durations import parse_retry_after
from inngest.dev._internal.model.strict import decode
from inngest.dev._internal.model.values import Json, error_body, server_error

MAX_ANSWER = 8 * 1024 * 1024
_MAX_VERSION = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """The function returned this output."""

    output: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The function reported steps."""

    ops: list[dict[str, Json]]
    no_retry: bool = False
    retry_after: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Errored:
    """The attempt failed. `text` is the transport's error message."""

    body: Json
    text: str
    no_retry: bool = False
    retry_after: int | None = None
    version: int | None = None
    """The app's protocol version. The server records it for only some failures."""


Answer = Returned | Reported | Errored


def transport_error(text: str) -> Errored:
    """Return the error for an unreachable app or unusable answer."""
    return Errored(body=error_body(text), text=text)


def read_answer(status: int, headers: Mapping[str, str], content: bytes, now: int) -> Answer:
    """Parse an answer. `headers` must have lower-case names."""
    if len(content) > MAX_ANSWER:
        return transport_error("response is larger than 8 MB")
    if status == 201:
        return _read_envelope(headers, content, now)
    no_retry = headers.get("x-inngest-no-retry", "").strip().lower() == "true"
    retry_after = parse_retry_after(headers.get("retry-after", ""), now)
    readable, body = _json(content)
    if not 200 <= status < 300 and not headers.get("x-inngest-sdk") and not no_retry:
        message = f"Your server returned HTTP {status} before the SDK responded."
        name = "Server returned a fatal error"
        stack = _upstream(headers, content)
        return Errored(
            body={"error": message, "name": name, "message": message, "stack": stack},
            text=f"invalid status code: {status}",
            retry_after=retry_after,
        )
    if not 200 <= status < 300:
        return Errored(
            body=body if readable else content.decode("utf-8", "replace"),
            text="NonRetriableError" if no_retry else f"invalid status code: {status}",
            no_retry=no_retry,
            retry_after=retry_after,
        )
    if not headers.get("x-inngest-sdk"):
        return transport_error(
            f"the answer (status {status}) did not come from an Inngest SDK: "
            "it has no X-Inngest-Sdk header; check the URL of the app"
        )
    if status != 206:
        output = body if readable else content.decode("utf-8", "replace")
        if not content:
            output = None
        if no_retry:
            return Errored(body=output, text="NonRetriableError", no_retry=True)
        return Returned(output=output)
    ops = [body] if isinstance(body, dict) else body
    if not readable or not isinstance(ops, list) or not all(isinstance(o, dict) for o in ops):
        return transport_error("the 206 answer does not hold a list of steps")
    version = _version(headers.get("x-inngest-req-version"))
    return Reported(ops=ops, no_retry=no_retry, retry_after=retry_after, version=version)


def read_reentry(status: int, headers: Mapping[str, str], content: bytes, now: int) -> Answer:
    """Like `read_answer`, for durable endpoints: a list reports steps, all else is output."""
    is_done = 200 <= status < 300 and bool(headers.get("x-inngest-sdk"))
    if not is_done or len(content) > MAX_ANSWER:
        return read_answer(status, headers, content, now)
    readable, body = _json(content)
    if readable and isinstance(body, list):
        return read_answer(206, headers, content, now)
    return Returned(output=body if readable else content.decode("utf-8", "replace"))


def _upstream(headers: Mapping[str, str], content: bytes) -> str:
    kind = headers.get("content-type", "").split(";")[0] or "unknown"
    return (
        "No step output was produced before the request failed \N{EM DASH} this can mean a proxy "
        "or load balancer in front of your app returned an error, or your app was unable to "
        f"respond.\n\nUpstream response ({kind}):\n{content[:4096].decode('utf-8', 'replace')}"
    )


def _read_envelope(headers: Mapping[str, str], content: bytes, now: int) -> Answer:
    if not headers.get("x-inngest-sdk"):
        return transport_error("the streamed answer has no X-Inngest-Sdk header")
    readable, envelope = _json(content.strip())
    if not readable or not isinstance(envelope, dict):
        return transport_error("the streamed answer is not a JSON envelope")
    status = envelope.get("status")
    inner = envelope.get("headers")
    if not isinstance(status, int) or isinstance(status, bool) or status == 201:
        return transport_error("the streamed answer has no status")
    merged = dict(headers)
    if isinstance(inner, dict):
        merged |= {str(k).lower(): str(v) for k, v in inner.items()}
    body = envelope.get("body")
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return read_answer(status, merged, raw, now)


def _json(content: bytes) -> tuple[bool, Json]:
    try:
        return True, decode(content)
    except ValueError:
        return False, None


def _version(text: str | None) -> int | None:
    try:
        version = int(text) if text else -1
    except ValueError:
        return None
    return version if 0 <= version <= _MAX_VERSION else None


def public_error(answer: Errored) -> dict[str, Json]:
    """Return the `error` for function.failed and for the invoking parent's memo."""
    body = answer.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        inner = body["error"]
        if isinstance(inner.get("message"), str):
            return {k: v for k, v in inner.items() if k in ("error", "name", "message", "stack")}
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        found = {k: body[k] for k in ("name", "message", "stack") if isinstance(body.get(k), str)}
        return {"error": answer.text, "name": "Error", **found}
    return {"error": answer.text, "name": "Error", "message": answer.text}


def engine_error(name: str, message: str, stack: str | None = None) -> Errored:
    """Return a final failure that the engine itself declares."""
    body = server_error(name, message)
    if stack is not None:
        body["error"]["stack"] = stack
    return Errored(body=body, text=f"{name}: {message}", no_retry=True)
