"""Publish messages while a function runs, and subscribe to them: channels and topics.

::

    async def process(ctx: inngest.Context) -> None:
        await ctx.step.run("tell", realtime.publish, client, "order:1", "status", {"is": "paid"})

    async with realtime.subscribe(client, "order:1", ["status"]) as messages:
        async for message in messages:
            print(message.data)

Messages are not stored: only current subscribers receive them. In a function, publish within
a step; otherwise each replay publishes again.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence

from inngest._internal.api.access import Access
from inngest._internal.api.realtime import create_token, publish_message
from inngest._internal.api.subscription import Kind, Message, listen
from inngest._internal.client.client import Inngest
from inngest._internal.errors import Error, RealtimeError
from inngest._internal.flow import Flow
from inngest._internal.runtime.drivers import AsyncDriver, SyncDriver
from inngest._internal.runtime.subscriptions import Subscription, SubscriptionSync


async def publish(
    client: Inngest,
    channel: str,
    topic: str,
    data: object,
    *,
    run_id: str | None = None,
    metadata: object = None,
) -> None:
    """Publish a message to a topic of a channel.

    :param channel: a name of your choice, such as ``order:1``.
    :param topic: a name within the channel; subscribers select topics.
    :param data: the message: any JSON value of at most 512 KB.
    :param run_id: the run that the message is about; subscribers see it.
    :param metadata: further information about the message: any JSON value.
    :raises RealtimeError: the message was not published, or is too large.
    :raises OutputUnserializableError: ``data`` or ``metadata`` is not JSON.
    """
    flow = publish_message(_access(client), channel, topic, data, run_id=run_id, metadata=metadata)
    _check(await AsyncDriver(client._http).run(flow))


def publish_sync(
    client: Inngest,
    channel: str,
    topic: str,
    data: object,
    *,
    run_id: str | None = None,
    metadata: object = None,
) -> None:
    """Publish a message; the sync version of :func:`publish`."""
    flow = publish_message(_access(client), channel, topic, data, run_id=run_id, metadata=metadata)
    _check(SyncDriver(client._http).run(flow))


async def get_subscription_token(
    client: Inngest, channel: str, topics: Sequence[str]
) -> Mapping[str, object]:
    """Create a subscription token for another client, such as a browser.

    It permits to subscribe to these topics, and expires after a minute.

    :returns: a mapping of ``channel``, ``topics``, and ``key``, which is the token.
    :raises RealtimeError: ``topics`` is empty, or the server issued no token.
    """
    return await AsyncDriver(client._http).run(_subscription_token(client, channel, topics))


def get_subscription_token_sync(
    client: Inngest, channel: str, topics: Sequence[str]
) -> Mapping[str, object]:
    """Create a subscription token; the sync version of :func:`get_subscription_token`."""
    return SyncDriver(client._http).run(_subscription_token(client, channel, topics))


def subscribe(client: Inngest, channel: str, topics: Sequence[str]) -> Subscription:
    """Subscribe to topics: an async context manager that yields an async iterator of messages.

    It reconnects when a connection ends; messages published in between are lost. The server is
    first contacted on entering the block, which raises :class:`RealtimeError` if no server
    responds or the subscription is refused.
    """
    return Subscription(client._http, _listen(client, channel, topics))


def subscribe_sync(client: Inngest, channel: str, topics: Sequence[str]) -> SubscriptionSync:
    """Subscribe to topics; the sync version of :func:`subscribe`. Iterating blocks the thread."""
    return SubscriptionSync(client._http, _listen(client, channel, topics))


def _listen(client: Inngest, channel: str, topics: Sequence[str]) -> Flow[Error]:
    return listen(_access(client), channel, topics, jitter=lambda: random.uniform(0.5, 1))


def _subscription_token(
    client: Inngest, channel: str, topics: Sequence[str]
) -> Flow[Mapping[str, object]]:
    token = yield from create_token(_access(client), channel, topics)
    _check(token if isinstance(token, RealtimeError) else None)
    return {"channel": channel, "topics": list(topics), "key": token}


def _access(client: Inngest) -> Access:
    access = client._access()
    return access if client.is_production else dataclasses.replace(access, keys=())


def _check(failure: Error | None) -> None:
    if failure is not None:
        raise failure


__all__ = [
    "Kind",
    "Message",
    "RealtimeError",
    "Subscription",
    "SubscriptionSync",
    "get_subscription_token",
    "get_subscription_token_sync",
    "publish",
    "publish_sync",
    "subscribe",
    "subscribe_sync",
]
