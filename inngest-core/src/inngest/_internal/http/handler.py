"""One request to the serve endpoint: verify, route, answer, sign. A flow from end to end."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inngest._internal.api.register import register
from inngest._internal.client.client import Inngest
from inngest._internal.client.config import ClientConfig, is_truthy
from inngest._internal.errors import (
    BodyInvalidError,
    BodyTooLargeError,
    Error,
    FunctionConfigInvalidError,
    HeaderMissingError,
    MethodUnsupportedError,
    ProbeUnknownError,
    ServerKindMismatchError,
    SigningKeyMissingError,
    UnknownError,
)
from inngest._internal.flow import Flow
from inngest._internal.function.function import Function
from inngest._internal.http.call import Called, call_function
from inngest._internal.http.comm import CommRequest, CommResponse
from inngest._internal.http.serve_url import serve_url
from inngest._internal.protocol import headers, response
from inngest._internal.protocol.introspect import (
    AppFacts,
    full_inspection,
    public_inspection,
)
from inngest._internal.protocol.register import in_band_answer, registration
from inngest._internal.protocol.request import MAX_BODY_BYTES
from inngest._internal.protocol.response import Answer
from inngest._internal.protocol.signature import SigningKey, sign, verify
from inngest._internal.runtime.drivers import AsyncDriver, SyncDriver
from inngest._internal.types import ServerKind

DEFAULT_SERVE_PATH = "/api/inngest"
IN_BAND, OUT_OF_BAND = "in_band", "out_of_band"

logger = logging.getLogger("inngest")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How an app is reached, and what it trusts. Arguments win over the environment."""

    framework: str
    enable_unauthed_sync: bool | None = None
    public_path: str | None = None
    serve_origin: str | None = None
    serve_path: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def origin(self) -> str | None:
        """The public origin, when the app cannot know it from a request."""
        return self.serve_origin or self.environ.get("INNGEST_SERVE_ORIGIN") or None

    @property
    def mount_path(self) -> str:
        """The path of the endpoint within the framework."""
        return self.serve_path or self.environ.get("INNGEST_SERVE_PATH") or DEFAULT_SERVE_PATH

    @property
    def known_path(self) -> str | None:
        """The public path, when the user gave one."""
        return self.public_path or self.serve_path or self.environ.get("INNGEST_SERVE_PATH") or None

    @property
    def allows_unauthed_sync(self) -> bool:
        """Whether anyone may ask a cloud-mode app to sync. Off unless asked for."""
        if self.enable_unauthed_sync is not None:
            return self.enable_unauthed_sync
        return is_truthy(self.environ.get("INNGEST_ENABLE_UNAUTHED_SYNC"))


class Handler:
    """Serves the functions of one client. What every transport is built on.

    :raises SigningKeyMissingError: in cloud mode without a signing key.
    :raises FunctionConfigInvalidError: no functions, or two of one id.
    """

    def __init__(
        self,
        client: Inngest,
        functions: Sequence[Function[Any]],
        options: ServeOptions,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._config: ClientConfig = client._config
        self._functions = list(functions)
        self._options = options
        self._clock = clock
        self._table = callable_table(functions)
        if client.is_production and not self._config.signing_keys:
            raise SigningKeyMissingError(
                "cloud mode needs a signing key: set INNGEST_SIGNING_KEY or "
                "Inngest(signing_key=...), or INNGEST_DEV=1 for a Dev Server"
            )
        self._facts = AppFacts(
            app_id=client.app_id,
            api_origin=client.api_origin,
            event_api_origin=client.event_api_origin,
            function_count=len(self._functions),
            mode=self._config.mode,
            env=client.env,
            framework=options.framework,
            event_key=client.event_key,
            signing_key=self._config.signing_key,
            signing_key_fallback=self._config.signing_key_fallback,
            serve_origin=options.origin,
            serve_path=options.known_path,
            app_version=client.app_version,
        )
        self._sync_driver = SyncDriver(client._http)
        self._async_driver = AsyncDriver(client._http)

    @property
    def mount_path(self) -> str:
        """The path to mount the endpoint at."""
        return self._options.mount_path

    def handle_sync(self, request: CommRequest) -> CommResponse:
        """Answer a request in the calling thread; async functions get a loop of their own."""
        return self._sync_driver.run(self.handle(request))

    async def handle_async(self, request: CommRequest) -> CommResponse:
        """Answer a request on the running loop; sync functions get a thread of their own."""
        return await self._async_driver.run(self.handle(request))

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
        keys = self._config.signing_keys
        header = request.headers.get(headers.SIGNATURE) or None
        if not self._client.is_production and (header is None or not keys):
            return None
        return verify(keys, header=header, body=request.body, now=self._clock())

    def _introspect(self, request: CommRequest, verified: SigningKey | Error | None) -> Answer:
        if self._kind_mismatch(request) is not None:
            return Answer(status=403, body=b"{}")
        if isinstance(verified, Error):
            return response.refused(verified)
        inspect = public_inspection if verified is None else full_inspection
        return Answer(status=200, body=response.dump(inspect(self._facts)))

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
        functions = [config for fn in self._functions for config in fn.configs(url)]
        if is_in_band and isinstance(verified, SigningKey):
            body = in_band_answer(self._facts, url=url, functions=functions)
            return _synced(IN_BAND, body)
        return (yield from self._register(request, url, functions))

    def _register(
        self, request: CommRequest, url: str, functions: list[dict[str, object]]
    ) -> Flow[Answer]:
        outcome = yield from register(
            registration(self._facts, url=url, functions=functions),
            api_origin=self._client.api_origin,
            deploy_id=request.query.get("deployId"),
            headers=self._headers(),
            keys=self._config.signing_keys,
            timeout=self._config.timeout,
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
        return (
            yield from call_function(
                request, client=self._client, table=self._table, headers=self._headers()
            )
        )

    def _kind_mismatch(self, request: CommRequest) -> ServerKindMismatchError | None:
        claimed = request.headers.get(headers.SERVER_KIND)
        known = {kind.value: kind for kind in ServerKind}
        if claimed is None or claimed not in known or known[claimed] is self._config.mode:
            return None
        return ServerKindMismatchError(
            f"Sync rejected since it's from {known[claimed].label} "
            f"but expected {self._config.mode.label}"
        )

    def _headers(self) -> dict[str, str]:
        return headers.sdk_headers(
            env=self._client.env,
            framework=self._options.framework,
            server_kind=self._config.mode,
        )

    def _respond(self, answer: Answer, signer: SigningKey | None, seconds: float) -> CommResponse:
        written = {
            headers.SDK_HANDLED: "true",
            headers.SERVER_TIMING: f"comm_handler;dur={round(seconds * 1000)}",
            **self._headers(),
            **answer.headers,
        }
        if signer is not None:
            written[headers.SIGNATURE] = sign(signer, answer.body, self._clock())
        return CommResponse(status=answer.status, body=answer.body, headers=written)


def callable_table(functions: Sequence[Function[Any]]) -> dict[str, Called]:
    """Every id that the server may call, with the code behind it."""
    if not functions:
        raise FunctionConfigInvalidError("serve() needs at least one function")
    table: dict[str, Called] = {}
    for function in functions:
        called = [(function.id, function.handler)]
        if function.on_failure is not None and function.on_failure_fn_id is not None:
            called.append((function.on_failure_fn_id, function.on_failure))
        for fn_id, handler in called:
            if fn_id in table:
                raise FunctionConfigInvalidError(
                    f'two functions have the id "{fn_id}": give each its own fn_id'
                )
            table[fn_id] = Called(handler=handler, is_async=function.is_handler_async)
    return table


def _synced(kind: str, body: Mapping[str, object]) -> Answer:
    return Answer(status=200, body=response.dump(body), headers={headers.SYNC_KIND: kind})


__all__ = ["Handler", "ServeOptions"]
