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

    Arguments take precedence over environment variables, which are given in parentheses.

    :param app_id: the app's id; the same in every deployment.
    :param api_base_url: the origin of the API (``INNGEST_API_BASE_URL``).
    :param app_version: your own version, shown in the dashboard.
    :param checkpointing: let one call run many steps; on by default where the server supports it.
    :param env: the branch environment (``INNGEST_ENV``).
    :param event_api_base_url: the origin of the event API (``INNGEST_EVENT_API_BASE_URL``).
    :param event_key: the key for sending events (``INNGEST_EVENT_KEY``).
    :param is_production: ``False`` for a Dev Server (``INNGEST_DEV``).
    :param logger: the logger that functions receive as ``ctx.logger``.
    :param middleware: classes or factories; the first is the outermost.
    :param plugin_options: the options of plugins, by the plugin's name.
    :param plugins: names of installed plugins, or plugin objects; ``False`` for none; all that
        are installed by default (``INNGEST_PLUGINS``, ``INNGEST_PLUGINS_DISABLED``).
    :param request_timeout: the timeout of requests to the server: a ``timedelta``, milliseconds,
        or a string such as ``"10s"``; 30 seconds by default.
    :param serializer: converts the outputs of steps and functions, by default according to
        their types: an object, or the name of a plugin's serializer.
    :param signing_key: verifies requests from the server, and authorizes requests to it
        (``INNGEST_SIGNING_KEY``).
    :raises URLInvalidError: a base URL is invalid.
    :raises SigningKeyInvalidError: a signing key is malformed.
    :raises FunctionConfigInvalidError: another argument is invalid.
    :raises SerializerUnknownError: ``serializer`` is invalid, or no plugin, or more than one,
        provides it.
    :raises PluginError: a plugin requested by name or passed as an object failed to load.
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
        """Whether the client is in cloud mode: for Inngest Cloud or a self-hosted server."""
        return self._config.mode is ServerKind.CLOUD

    @is_production.setter
    def is_production(self, value: bool) -> None:
        mode = ServerKind.CLOUD if value else ServerKind.DEV_SERVER
        self._config = dataclasses.replace(self._config, mode=mode)

    @property
    def api_origin(self) -> str:
        """The origin of the API."""
        return self._config.api_origin

    @property
    def event_api_origin(self) -> str:
        """The origin of the event API."""
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
        """Replace the logger that functions receive."""
        self.logger = logger

    def add_middleware(self, middleware: UninitializedMiddleware) -> None:
        """Add a middleware inside the existing ones."""
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

        :param fn_id: the function's id within the app; do not change it while it has runs.
        :param trigger: what starts it; without one, only ``step.invoke`` does. An
            :class:`inngest.EventType` determines the type of ``ctx.event.data``.
        :param batch_events: call it once for many events.
        :param cancel: the events that cancel its runs; five at most.
        :param checkpointing: how one call runs many steps; by default the client's setting.
        :param concurrency: limits of its concurrent calls; two at most.
        :param debounce: start it when no event has arrived for a while.
        :param idempotency: a CEL expression; each value starts one run in 24 hours.
        :param middleware: the function's own middleware, inside the client's.
        :param name: the name shown instead of the id.
        :param output_type: the type by which the output is stored, and returned to those who invoke
            the function; by default its return annotation.
        :param priority: the order in which waiting runs start.
        :param rate_limit: drop events that exceed a rate.
        :param retries: attempts after the first, for the function and for each step; 4 by default.
        :param serializer: converts the function's output; by default the client's.
        :param singleton: allow one run at a time.
        :param on_failure: a handler for runs that have finally failed; async if the function is,
            else sync.
        :param throttle: delay runs that exceed a rate.
        :param timeouts: cancel runs that wait or run too long.
        :raises FunctionConfigInvalidError: an option is invalid, or options cannot be combined.
        :raises SerializerUnknownError: ``serializer`` is invalid, or no plugin, or more than one,
            provides it.
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
        :param skip_middleware: send them without running middleware.
        :raises EventKeyUnspecifiedError: there is no event key in cloud mode.
        :raises SendEventsError: some events were not accepted; its ``ids`` are those of the others.
        :raises Exception: a middleware raised it.
        """
        flow = self._send(listed(events), skip_middleware)
        return ids_of(await AsyncDriver(self._http).run(flow))

    def send_sync(self, events: Events, *, skip_middleware: bool = False) -> list[str]:
        """Send events; the sync version of :meth:`send`."""
        flow = self._send(listed(events), skip_middleware)
        return ids_of(SyncDriver(self._http).run(flow))

    async def send_signal(self, signal: str, data: object = None) -> str | None:
        """Send a signal to the run that waits for it, and return that run's id.

        Signals are not stored: ``None`` means that no run was waiting, so it was dropped.

        :param signal: the signal's name.
        :param data: JSON for the run.
        :raises SendSignalError: it was not sent, or it is unknown whether it was.
        """
        return _or_raise(await AsyncDriver(self._http).run(self._signal(signal, data)))

    def send_signal_sync(self, signal: str, data: object = None) -> str | None:
        """Send a signal; the sync version of :meth:`send_signal`."""
        return _or_raise(SyncDriver(self._http).run(self._signal(signal, data)))

    async def update_metadata(
        self,
        run_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
    ) -> None:
        """Update the metadata of a run, which people can see.

        :param run_id: the id of the run, as in ``ctx.run_id``.
        :param values: JSON by key, at most 64 KB.
        :param kind: which of the run's sets of metadata to update.
        :param op: ``merge`` or ``add`` to the existing values, ``set`` to replace them all, or
            ``delete`` to remove the keys in ``values``.
        :raises UpdateMetadataError: the update was not accepted.
        """
        flow = self._metadata_update(run_id, values, kind, op)
        _or_raise(await AsyncDriver(self._http).run(flow))

    def update_metadata_sync(
        self,
        run_id: str,
        values: Mapping[str, object],
        *,
        kind: str = "default",
        op: MetadataOp = "merge",
    ) -> None:
        """Update the metadata of a run; the sync version of :meth:`update_metadata`."""
        flow = self._metadata_update(run_id, values, kind, op)
        _or_raise(SyncDriver(self._http).run(flow))

    def close(self) -> None:
        """Close the pooled connections of sync methods. The client stays usable."""
        self._http.close()

    async def aclose(self) -> None:
        """Close the pooled connections, including those of the running event loop."""
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

    def _metadata_update(
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
            "serializer: must be an object with the methods serialize and deserialize, or the "
            f"name of a plugin's serializer, not {kind_of(named)}"
        )


def _or_raise(outcome: T | Error) -> T:
    if isinstance(outcome, Error):
        raise outcome
    return outcome
