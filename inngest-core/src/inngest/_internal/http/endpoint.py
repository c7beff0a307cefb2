"""One request to the serve endpoint: verify, route, answer, sign. A flow from end to end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from inngest._internal.api.register import register
from inngest._internal.errors import (
    BodyInvalidError,
    BodyTooLargeError,
    Error,
    HeaderMissingError,
    MethodUnsupportedError,
    ProbeUnknownError,
    ServerKindMismatchError,
    UnknownError,
)
from inngest._internal.flow import Flow
from inngest._internal.http.app import App
from inngest._internal.http.call import call_function
from inngest._internal.http.comm import CommRequest, CommResponse
from inngest._internal.http.options import ServeOptions
from inngest._internal.http.serve_url import serve_url
from inngest._internal.http.timings import server_timing
from inngest._internal.protocol import headers, response
from inngest._internal.protocol.introspect import full_inspection, public_inspection
from inngest._internal.protocol.register import in_band_answer, registration
from inngest._internal.protocol.request import MAX_BODY_BYTES
from inngest._internal.protocol.response import Answer
from inngest._internal.protocol.signature import SigningKey, sign, verify
from inngest._internal.types import ServerKind

IN_BAND, OUT_OF_BAND = "in_band", "out_of_band"

logger = logging.getLogger("inngest")


class Endpoint:
    """Answers every request to one app."""

    def __init__(self, app: App, options: ServeOptions, clock: Callable[[], float]) -> None:
        self._app = app
        self._options = options
        self._clock = clock

    def handle(self, request: CommRequest) -> Flow[CommResponse]:
        """Answer a request, as a flow. Never raises an ``Exception``."""
        started = time.perf_counter()
        signer: SigningKey | None = None
        try:
            verified = self._verify(request)
            signer = verified if isinstance(verified, SigningKey) else None
            answer = yield from self._route(request, verified)
        except Exception:
            logger.exception("a request to the Inngest endpoint failed inside the library")
            answer = response.refused(
                UnknownError("the app failed to handle this request; its log says why")
            )
        return self._respond(answer, signer, time.perf_counter() - started)

    def _route(self, request: CommRequest, verified: SigningKey | Error | None) -> Flow[Answer]:
        match request.method.upper():
            case "GET":
                return self._introspect(request, verified)
            case "PUT":
                return (yield from self._sync(request, verified))
            case "POST":
                if isinstance(verified, Error):
                    return response.refused(verified)
                return (yield from self._post(request))
            case _:
                return response.refused(MethodUnsupportedError("use GET, POST or PUT"))

    def _verify(self, request: CommRequest) -> SigningKey | Error | None:
        """Who signed the request; ``None`` when nobody needs to have."""
        if len(request.body) > MAX_BODY_BYTES:
            return BodyTooLargeError(f"the body is larger than {MAX_BODY_BYTES} bytes")
        keys = self._app.keys
        header = request.headers.get(headers.SIGNATURE) or None
        if not self._is_cloud and (header is None or not keys):
            return None
        return verify(keys, header=header, body=request.body, now=self._clock())

    def _introspect(self, request: CommRequest, verified: SigningKey | Error | None) -> Answer:
        if self._kind_mismatch(request) is not None:
            return Answer(status=403, body=b"{}")
        if isinstance(verified, Error):
            return response.refused(verified)
        inspect = public_inspection if verified is None else full_inspection
        return Answer(status=200, body=response.dump(inspect(self._app.facts)))

    def _sync(self, request: CommRequest, verified: SigningKey | Error | None) -> Flow[Answer]:
        mismatch = self._kind_mismatch(request)
        if mismatch is not None:
            return response.refused(mismatch)
        is_in_band = request.headers.get(headers.SYNC_KIND) == IN_BAND
        if isinstance(verified, Error):
            is_unsigned = isinstance(verified, HeaderMissingError)
            is_bad_body = isinstance(verified, BodyInvalidError)
            if (
                is_bad_body
                or is_in_band
                or not (is_unsigned and self._options.allows_unauthed_sync)
            ):
                return response.refused(verified)
        url = serve_url(request.url, origin=self._options.origin, path=self._options.known_path)
        functions = self._app.configs(url)
        if is_in_band and isinstance(verified, SigningKey):
            body = in_band_answer(self._app.facts, url=url, functions=functions)
            return _synced(IN_BAND, body)
        return (yield from self._register(request, url, functions))

    def _register(
        self, request: CommRequest, url: str, functions: list[dict[str, object]]
    ) -> Flow[Answer]:
        outcome = yield from register(
            registration(self._app.facts, url=url, functions=functions),
            api_origin=self._app.facts.api_origin,
            deploy_id=request.query.get("deployId"),
            headers=self._app.headers(),
            keys=self._app.keys,
            timeout=self._app.timeout,
        )
        if isinstance(outcome, Error):
            return response.refused(outcome)
        return _synced(OUT_OF_BAND, outcome)

    def _post(self, request: CommRequest) -> Flow[Answer]:
        probe = request.query.get("probe")
        if probe == "trust":
            return Answer(status=200, body=b"null")
        if probe is not None:
            return response.refused(ProbeUnknownError("the only probe is trust"))
        return (yield from call_function(request, self._app))

    @property
    def _is_cloud(self) -> bool:
        return self._app.facts.mode is ServerKind.CLOUD

    def _kind_mismatch(self, request: CommRequest) -> ServerKindMismatchError | None:
        claimed = request.headers.get(headers.SERVER_KIND)
        known = {kind.value: kind for kind in ServerKind}
        if claimed is None or claimed not in known or known[claimed] is self._app.facts.mode:
            return None
        return ServerKindMismatchError(
            f"Sync rejected since it's from {known[claimed].label} "
            f"but expected {self._app.facts.mode.label}"
        )

    def _respond(self, answer: Answer, signer: SigningKey | None, seconds: float) -> CommResponse:
        written = {
            headers.SDK_HANDLED: "true",
            headers.SERVER_TIMING: server_timing(
                {"comm_handler": round(seconds * 1000), **answer.timings}
            ),
            **self._app.headers(),
            **answer.headers,
        }
        if signer is not None:
            written[headers.SIGNATURE] = sign(signer, answer.body, self._clock())
        return CommResponse(status=answer.status, body=answer.body, headers=written)


def _synced(kind: str, body: Mapping[str, object]) -> Answer:
    return Answer(status=200, body=response.dump(body), headers={headers.SYNC_KIND: kind})


__all__ = ["Endpoint"]
