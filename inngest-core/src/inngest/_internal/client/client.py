"""The client: an app's configuration, its functions, and its events."""

from __future__ import annotations

import dataclasses
import logging
import os
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from inngest._internal.api.access import Access
from inngest._internal.api.events import send_events
from inngest._internal.api.metadata import update_metadata
from inngest._internal.api.seed import ENTROPY_BYTES, event_id_seed
from inngest._internal.api.signals import send_signal
from inngest._internal.checks import kind_of
from inngest._internal.client.config import ClientConfig, resolve
from inngest._internal.errors import (
    Error,
    MiddlewareError,
    SendSignalError,
    SerializerUnknownError,
    UpdateMetadataError,
)
from inngest._internal.event import Event
from inngest._internal.flow import Flow
from inngest._internal.function import config
from inngest._internal.function.checkpointing import Checkpointing
from inngest._internal.function.checkpointing import read as read_checkpointing
from inngest._internal.function.decorator import DataT, FunctionDecorator
from inngest._internal.function.function import Function
from inngest._internal.function.options import FunctionOptions
from inngest._internal.function.reading import read_option
from inngest._internal.function.trigger import Trigger
from inngest._internal.middleware.contract import UninitializedMiddleware, factories_of
from inngest._internal.middleware.sending import ids_of, listed, send_within
from inngest._internal.middleware.stack import Stack
from inngest._internal.plugins.host import PluginHost
from inngest._internal.protocol import headers
from inngest._internal.runtime.drivers import AsyncDriver, SyncDriver
from inngest._internal.runtime.http_clients import HTTPClients
from inngest._internal.sent import SendEventsResult
from inngest._internal.serialization.contract import Serializer, is_serializer
from inngest._internal.step.runner import Events, MetadataOp
from inngest._internal.types import UNSET, Duration, ServerKind

if TYPE_CHECKING:
    from inngest._internal.function.decorator import FailureHandler
    from inngest._internal.step.replay_logger import Logger

T = TypeVar("T")


class Inngest:
    """An app on the Inngest platform.

    Every argument wins over its environment variable, which wins over the default.

    :param app_id: the app's id; the same in every deployment.
    :param api_base_url: origin of the API (``INNGEST_API_BASE_URL``).
    :param app_version: your own version, shown in the dashboard.
    :param checkpointing: let one call run many steps, where the server supports it (yes).
    :param env: branch environment (``INNGEST_ENV``).
    :param event_api_base_url: origin of the event API (``INNGEST_EVENT_API_BASE_URL``).
    :param event_key: key for sending events (``INNGEST_EVENT_KEY``).
    :param is_production: ``False`` for a Dev Server (``INNGEST_DEV``).
    :param logger: given to functions as ``ctx.logger``.
    :param middleware: classes or factories; the first is the outermost.
    :param plugin_options: what plugins are to know, by the plugin's name.
    :param plugins: names of installed plugins, or plugin objects; ``False`` for none. By
        default all that are installed (``INNGEST_PLUGINS``, ``INNGEST_PLUGINS_DISABLED``).
    :param request_timeout: of calls to the server: a ``timedelta``, milliseconds or text
        such as ``"10s"``.
    :param serializer: stores outputs of steps and functions, by default as their types say;
        an object, or the name of one that a plugin brings.
    :param signing_key: proves that requests are the server's (``INNGEST_SIGNING_KEY``).
    :raises URLInvalidError: a base URL cannot be used.
    :raises SigningKeyInvalidError: a signing key is malformed.
    :raises FunctionConfigInvalidError: ``request_timeout`` or ``middleware`` cannot be used.
    :raises SerializerUnknownError: no plugin, or more than one, offers the serializer.
    :raises PluginError: a plugin that was asked for by name is not there, or fails.
    """

    _network: ClassVar[type[HTTPClients]] = HTTPClients

    def __init__(
        self,
        *,
        app_id: str,
        api_base_url: str | None = None,
        app_version: str | None = None,
        checkpointing: Checkpointing | bool | None = None,
        env: str | None = None,
        event_api_base_url: str | None = None,
        event_key: str | None = None,
        is_production: bool | None = None,
        logger: Logger | None = None,
        middleware: list[UninitializedMiddleware] | None = None,
        plugin_options: Mapping[str, Mapping[str, object]] | None = None,
        plugins: Sequence[object] | Literal[False] | None = None,
        request_timeout: Duration | None = None,
        serializer: Serializer | str | None = None,
        signing_key: str | None = None,
    ) -> None:
        resolved = resolve(
            environ=os.environ,
            api_base_url=api_base_url,
            env=env,
            event_api_base_url=event_api_base_url,
            event_key=event_key,
            is_production=is_production,
            request_timeout=request_timeout,
            signing_key=signing_key,
        )
        if isinstance(resolved, Error):
            raise resolved
        self._config: ClientConfig = resolved
        self._http = self._network()
        self._app_version = app_version
        self.app_id = app_id
        self.logger: Logger = logger or logging.getLogger("inngest")
        self.middleware: list[UninitializedMiddleware] = list(factories_of(middleware))
        self._checkpointing = read_checkpointing(checkpointing)
        self._plugins = PluginHost(plugins, plugin_options)
        failure = self._plugins.verify()
        if failure is not None:
            raise failure
        self._serializer = self._find_serializer(serializer)

    @property
    def is_production(self) -> bool:
        """Whether the app speaks to Inngest Cloud or a self-hosted server."""
        return self._config.mode is ServerKind.CLOUD

    @is_production.setter
    def is_production(self, value: bool) -> None:
        mode = ServerKind.CLOUD if value else ServerKind.DEV_SERVER
        self._config = dataclasses.replace(self._config, mode=mode)

    @property
    def api_origin(self) -> str:
        """Origin of the API."""
        return self._config.api_origin

    @property
    def event_api_origin(self) -> str:
        """Origin of the event API."""
        return self._config.event_api_origin

    @property
    def app_version(self) -> str | None:
        """Your own version of the app."""
        return self._app_version

    @property
    def env(self) -> str | None:
        """The branch environment."""
        return self._config.env

    @property
    def event_key(self) -> str | None:
        """The event key."""
        return self._config.event_key

    @property
    def signing_key(self) -> str | None:
        """The signing key."""
        return self._config.signing_key_text

    @property
    def signing_key_fallback(self) -> str | None:
        """The second signing key, for rotation (``INNGEST_SIGNING_KEY_FALLBACK``)."""
        return self._config.signing_key_fallback_text

    def set_logger(self, logger: Logger) -> None:
        """Replace the logger that functions are given."""
        self.logger = logger

    def add_middleware(self, middleware: UninitializedMiddleware) -> None:
        """Add a middleware inside those that are there."""
        self.middleware = [*self.middleware, *factories_of([middleware])]

    def create_function(
        self,
        *,
        fn_id: str,
        trigger: Trigger[DataT] | Sequence[Trigger[DataT]] = (),
        batch_events: config.Batch | None = None,
        cancel: list[config.Cancel] | None = None,
        checkpointing: Checkpointing | bool | None = None,
        concurrency: list[config.Concurrency] | None = None,
        debounce: config.Debounce | None = None,
        idempotency: str | None = None,
        middleware: list[UninitializedMiddleware] | None = None,
        name: str | None = None,
        on_failure: FailureHandler | None = None,
        output_type: object = UNSET,
        priority: config.Priority | None = None,
        rate_limit: config.RateLimit | None = None,
        retries: int | None = None,
        serializer: Serializer | str | None = None,
        singleton: config.Singleton | None = None,
        throttle: config.Throttle | None = None,
        timeouts: config.Timeouts | None = None,
    ) -> FunctionDecorator[DataT]:
        """Declare a durable function.

        :param fn_id: the function's id within the app; keep it for as long as runs live.
        :param trigger: what starts it. An :class:`inngest.EventType` gives
            ``ctx.event.data`` its type. Without one, only ``step.invoke`` does.
        :param batch_events: call it once for many events.
        :param cancel: the events that end its runs; five at most.
        :param checkpointing: how one call runs many steps; by default as the client says.
        :param concurrency: how many of its calls go at once; two limits at most.
        :param debounce: start it when events have ceased for a while.
        :param idempotency: CEL expression; each value starts one run in 24 hours.
        :param middleware: the function's own, inside the client's.
        :param name: what people see instead of the id.
        :param output_type: how the output is stored and given to those who invoke the
            function; by default its return annotation.
        :param priority: which of the runs that wait goes first.
        :param rate_limit: drop what comes too often.
        :param retries: attempts after the first, for the function and each step (4).
        :param serializer: stores the function's output; by default the client's.
        :param singleton: have one run at a time.
        :param on_failure: called when a run has failed for good; async or sync like the
            function itself.
        :param throttle: put off what comes too often.
        :param timeouts: end runs that wait or take too long.
        :raises FunctionConfigInvalidError: the options do not go together.
        :raises SerializerUnknownError: no plugin, or more than one, offers the serializer.
        """
        options = FunctionOptions(
            app_id=self.app_id,
            local_id=fn_id,
            name=name or fn_id,
            triggers=tuple(trigger) if isinstance(trigger, Sequence) else (trigger,),
            batch_events=read_option(config.Batch, batch_events),
            cancel=read_option(config.Cancel, cancel),
            checkpointing=read_checkpointing(checkpointing),
            concurrency=read_option(config.Concurrency, concurrency),
            debounce=read_option(config.Debounce, debounce),
            idempotency=idempotency,
            middleware=factories_of(middleware),
            on_failure=on_failure,
            output_type=output_type,
            priority=read_option(config.Priority, priority),
            rate_limit=read_option(config.RateLimit, rate_limit),
            retries=retries,
            serializer=self._find_serializer(serializer),
            serializer_of_client=self._serializer,
            singleton=read_option(config.Singleton, singleton),
            throttle=read_option(config.Throttle, throttle),
            timeouts=read_option(config.Timeouts, timeouts),
        )

        def decorate(handler: Callable[..., Any]) -> Function[Any]:
            return Function(options, handler)

        return decorate

    async def send(self, events: Events, *, skip_middleware: bool = False) -> list[str]:
        """Send events, and return their ids in the same order.

        :param events: one event, or a list.
        :param skip_middleware: send them as they are.
        :raises EventKeyUnspecifiedError: in cloud mode without an event key.
        :raises SendEventsError: not all were accepted; its ``ids`` were.
        :raises Exception: what a middleware raised.
        """
        flow = self._send(listed(events), skip_middleware)
        return ids_of(await AsyncDriver(self._http).run(flow))

    def send_sync(self, events: Events, *, skip_middleware: bool = False) -> list[str]:
        """Send events like :meth:`send`, without an event loop."""
        flow = self._send(listed(events), skip_middleware)
        return ids_of(SyncDriver(self._http).run(flow))

    async def send_signal(self, signal: str, data: object = None) -> str | None:
        """Send a signal to the run that waits for it, and return that run's id.

        Signals are not kept: ``None`` means that no run waits for it at this moment.

        :param signal: the signal's name.
        :param data: JSON for the run.
        :raises SendSignalError: it was not sent, or nobody knows whether it was.
        """
        return _or_raise(await AsyncDriver(self._http).run(self._signal(signal, data)))

    def send_signal_sync(self, signal: str, data: object = None) -> str | None:
        """Send a signal like :meth:`send_signal`, without an event loop."""
        return _or_raise(SyncDriver(self._http).run(self._signal(signal, data)))

    async def update_metadata(
        self,
        run_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
    ) -> None:
        """Note something of a run, for people to see.

        :param run_id: the id of the run, as in ``ctx.run_id``.
        :param values: JSON, at most 64 KB.
        :param kind: which of the run's notes to change.
        :param op: ``merge`` or ``add`` to the values that are there, ``set`` all of them anew,
            or ``delete`` the values of these names.
        :raises UpdateMetadataError: it was not noted.
        """
        flow = self._note(run_id, values, kind, op)
        _or_raise(await AsyncDriver(self._http).run(flow))

    def update_metadata_sync(
        self,
        run_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
    ) -> None:
        """Note something of a run like :meth:`update_metadata`, without an event loop."""
        flow = self._note(run_id, values, kind, op)
        _or_raise(SyncDriver(self._http).run(flow))

    def close(self) -> None:
        """Close pooled connections. The client stays usable."""
        self._http.close()

    async def aclose(self) -> None:
        """Close pooled connections, those of the running event loop too."""
        self._http.close()
        await self._http.close_current_loop()

    def _send(
        self, events: list[Event[Any]], skip_middleware: bool
    ) -> Flow[SendEventsResult | Exception]:
        factories = [] if skip_middleware else self._all_middleware()
        hooks = yield from Stack.build(factories, self, None)
        if isinstance(hooks, MiddlewareError):
            return hooks
        return (yield from send_within(hooks, events, self._post))

    def _post(self, events: Sequence[Event[Any]]) -> Flow[SendEventsResult | Exception]:
        if not events:
            return SendEventsResult()
        url = self._config.event_url
        if isinstance(url, Error):
            return url
        now_ms = int(time.time() * 1000)
        return (
            yield from send_events(
                events,
                now_ms=now_ms,
                url=url,
                headers=self._headers(),
                timeout=self._config.timeout,
                seed=event_id_seed(now_ms, secrets.token_bytes(ENTROPY_BYTES)),
                jitter=lambda: random.uniform(0, 0.1),
            )
        )

    def _signal(self, signal: str, data: object) -> Flow[str | SendSignalError | None]:
        return send_signal(signal, data, self._access())

    def _note(
        self, run_id: str, values: Mapping[str, object], kind: str, op: MetadataOp
    ) -> Flow[UpdateMetadataError | None]:
        return update_metadata(run_id, values, kind=kind, op=op, access=self._access())

    def _access(self) -> Access:
        return Access(
            api_origin=self.api_origin,
            headers=self._headers(),
            keys=self._config.signing_keys,
            timeout=self._config.timeout,
        )

    def _headers(self) -> dict[str, str]:
        return headers.sdk_headers(env=self.env, framework=None, server_kind=None)

    def _all_middleware(self) -> Sequence[UninitializedMiddleware]:
        return (*self._plugins.middleware(self), *self.middleware)

    def _find_serializer(self, named: Serializer | str | None) -> Serializer | None:
        if isinstance(named, str):
            return _or_raise(self._plugins.serializer(named))
        if named is None or is_serializer(named):
            return named
        raise SerializerUnknownError(
            "a serializer is an object with the methods serialize and deserialize, or the "
            f"name of one; it was given {kind_of(named)}"
        )


def _or_raise(outcome: T | Error) -> T:
    if isinstance(outcome, Error):
        raise outcome
    return outcome
