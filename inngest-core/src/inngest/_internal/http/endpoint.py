"""A request to the serve endpoint: verify, route, answer, sign. As a flow."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from inngest._internal.api.register import register
from inngest._internal.errors import (
    BodyInvalidError,
    BodyTooLargeError,
    Error,
    FunctionConfigInvalidError,
    HeaderMissingError,
    MethodUnsupportedError,
    ProbeUnknownError,
    ServerKindMismatchError,
    SigVerificationFailedError,
    UnknownError,
    URLInvalidError,
)
from inngest._internal.flow import Flow
from inngest._internal.hosts import is_foreign_page, is_host
from inngest._internal.http.app import App
from inngest._internal.http.call import call_function
from inngest._internal.http.comm import CommRequest, CommResponse
from inngest._internal.http.options import ServeOptions
from inngest._internal.http.serve_url import announced_url, serve_url
from inngest._internal.http.streaming import UNBUFFERED
from inngest._internal.http.timings import server_timing
from inngest._internal.protocol import headers, response
from inngest._internal.protocol.introspect import full_inspection, public_inspection
from inngest._internal.protocol.register import in_band_answer, registration
from inngest._internal.protocol.request import MAX_BODY_BYTES
from inngest._internal.protocol.response import Answer
from inngest._internal.protocol.signature import SigningKey, sign, verify
from inngest._internal.types import ServerKind

IN_BAND, OUT_OF_BAND = "in_band", "out_of_band"
METHODS = "GET, HEAD, POST, PUT"

logger = logging.getLogger("inngest")


@dataclass(slots=True, kw_only=True)  # not frozen, for speed: see op.py
class Admitted:
    """A request, and the result of verifying its signature."""

    request: CommRequest
    verified: SigningKey | Error | None
    """The key that signed it, the error, or ``None`` if no signature is required."""
    started: float


class Endpoint:
    """Handles all requests to an app."""

    def __init__(self, app: App, options: ServeOptions, clock: Callable[[], float]) -> None:
        self._app = app
        self._options = options
        self._clock = clock
        self._own_headers = {headers.SDK_HANDLED: "true", **app.headers}

    def handle(self, request: CommRequest) -> Flow[CommResponse]:
        """Handle a request, as a flow. Never raises an ``Exception``."""
        return self.answer(self.admit(request))

    def admit(self, request: CommRequest) -> Admitted:
        """Verify a request's signature. Never raises an ``Exception``."""
        started = time.perf_counter()
        verified: SigningKey | Error | None
        try:
            verified = self._verify(request)
        except Exception as error:
            verified = _internal_error(error)
        return Admitted(request=request, verified=verified, started=started)

    def is_streamed(self, admitted: Admitted) -> bool:
        """Return whether to stream the response: only for calls that are authorized."""
        return (
            self._options.is_streaming
            and admitted.request.method.upper() == "POST"
            and "probe" not in admitted.request.query
            and not isinstance(admitted.verified, Error)
        )

    def stream_headers(self) -> dict[str, str]:
        """The headers of a streamed response, sent before the answer is known."""
        return self._own_headers | UNBUFFERED

    def answer(self, admitted: Admitted) -> Flow[CommResponse]:
        """Answer an admitted request, as a flow. Never raises an ``Exception``."""
        verified = admitted.verified
        try:
            answer = yield from self._route(admitted.request, verified)
        except Exception as error:
            answer = response.refused(_internal_error(error))
        signer = verified if isinstance(verified, SigningKey) else None
        return self._respond(answer, signer, time.perf_counter() - admitted.started)

    def call(self, request: CommRequest) -> Flow[CommResponse]:
        """Answer a call over an authenticated channel, as a flow. Never raises an ``Exception``."""
        return self.answer(Admitted(request=request, verified=None, started=time.perf_counter()))

    def register(self, url: str) -> Flow[CommResponse]:
        """Register the app under ``url``, as a flow. Never raises an ``Exception``."""
        started = time.perf_counter()
        try:
            answer = yield from self._register(url, self._app.configs(url), deploy_id=None)
        except Exception as error:
            answer = response.refused(_internal_error(error))
        return self._respond(answer, None, time.perf_counter() - started)

    def refuse(self, error: Error) -> CommResponse:
        """Answer input that could not be read as a request."""
        return self._respond(response.refused(error), None, 0)

    def _route(self, request: CommRequest, verified: SigningKey | Error | None) -> Flow[Answer]:
        match request.method.upper():  # the most frequent first
            case "POST":
                if isinstance(verified, Error):
                    return _refused(verified)
                if "probe" in request.query:
                    return _answer_probe(request.query["probe"])
                return (yield from call_function(request, self._app))
            case "GET" | "HEAD":
                return self._introspect(request, verified)
            case "PUT":
                return (yield from self._sync(request, verified))
            case _:
                refused = response.refused(MethodUnsupportedError("use GET, POST or PUT"))
                return replace(refused, headers={**refused.headers, headers.ALLOW: METHODS})

    def _verify(self, request: CommRequest) -> SigningKey | Error | None:
        if len(request.body) > MAX_BODY_BYTES:
            return BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")
        keys = self._app.keys
        header = request.headers.get(headers.SIGNATURE) or None
        if not self._is_cloud and (header is None or not keys):
            sent = request.headers
            is_foreign = is_foreign_page(sent.get("origin"), sent.get("host", ""))
            return _refused_page() if is_foreign else None
        return verify(keys, header=header, body=request.body, now=self._clock())

    def _introspect(self, request: CommRequest, verified: SigningKey | Error | None) -> Answer:
        if self._kind_mismatch(request) is not None:
            return Answer(status=403, body=b"{}")
        if isinstance(verified, Error):
            return _refused(verified)
        inspect = public_inspection if verified is None else full_inspection
        return Answer(status=200, body=response.dump(inspect(self._app.facts)))

    def _sync(self, request: CommRequest, verified: SigningKey | Error | None) -> Flow[Answer]:
        mismatch = self._kind_mismatch(request)
        if mismatch is not None:
            return _refused(mismatch)
        is_in_band = request.headers.get(headers.SYNC_KIND) == IN_BAND
        if isinstance(verified, Error):
            is_unsigned = isinstance(verified, HeaderMissingError)
            is_bad_body = isinstance(verified, BodyInvalidError)
            if (
                is_bad_body
                or is_in_band
                or not (is_unsigned and self._options.allows_unauthed_sync)
            ):
                return _refused(verified)
        if not is_host(request.headers.get("host", "")):
            return _refused(URLInvalidError("the Host header of the request is invalid"))
        is_trusted = isinstance(verified, SigningKey)
        announced = announced_url(request.body) if is_in_band and is_trusted else None
        url = serve_url(
            announced or request.url,
            origin=self._options.origin,
            public_path=self._options.public_path,
            serve_path=self._options.known_path,
        )
        if not self._app.functions:
            return _refused(FunctionConfigInvalidError("no functions are served"))
        functions = self._app.configs(url)
        if is_in_band and is_trusted:
            body = in_band_answer(self._app.facts, url=url, functions=functions)
            return _synced(IN_BAND, body)
        deploy_id = request.query.get("deployId")
        return (yield from self._register(url, functions, deploy_id=deploy_id))

    def _register(
        self, url: str, functions: list[dict[str, object]], *, deploy_id: str | None
    ) -> Flow[Answer]:
        outcome = yield from register(
            registration(self._app.facts, url=url, functions=functions),
            access=self._app.access,
            deploy_id=deploy_id,
        )
        if isinstance(outcome, Error):
            return _refused(outcome)
        return _synced(OUT_OF_BAND, outcome)

    @property
    def _is_cloud(self) -> bool:
        return self._app.facts.mode is ServerKind.CLOUD

    def _kind_mismatch(self, request: CommRequest) -> ServerKindMismatchError | None:
        claimed = request.headers.get(headers.SERVER_KIND)
        known = {kind.value: kind for kind in ServerKind}
        if claimed is None or claimed not in known or known[claimed] is self._app.facts.mode:
            return None
        return ServerKindMismatchError(
            f"Sync rejected since it's from {known[claimed].one} "
            f"but expected {self._app.facts.mode.label}"
        )

    def _respond(self, answer: Answer, signer: SigningKey | None, seconds: float) -> CommResponse:
        written = {**self._own_headers, **answer.headers}
        timings = server_timing([("comm_handler", seconds), *answer.timings])
        written[headers.SERVER_TIMING] = timings
        if signer is not None:
            written[headers.SIGNATURE] = sign(signer, answer.body, self._clock())
        return CommResponse(status=answer.status, body=answer.body, headers=written)


def _answer_probe(probe: str) -> Answer:
    if probe == "trust":
        return Answer(status=200, body=b"null")
    return response.refused(ProbeUnknownError("the only probe is trust"))


def _refused_page() -> SigVerificationFailedError:
    return SigVerificationFailedError(
        "dev mode accepts requests without a signature, but not from web pages of other sites"
    )


def _internal_error(error: Exception) -> UnknownError:
    """Log the error, and return one without details for the response."""
    logger.error("a request to the Inngest endpoint failed inside the library", exc_info=error)
    return UnknownError("the app failed to handle this request; its log says why")


def _refused(error: Error) -> Answer:
    """Log the refusal, which the sender may not show to anybody, and return its answer."""
    logger.warning("a request to the Inngest endpoint was refused: %s", error.message)
    return response.refused(error)


def _synced(kind: str, body: Mapping[str, object]) -> Answer:
    return Answer(status=200, body=response.dump(body), headers={headers.SYNC_KIND: kind})


__all__ = ["Endpoint"]
