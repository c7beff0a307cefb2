"""Tell whoever listens what happens, while it happens: channels, topics, subscriptions.

::

    async def process(ctx: inngest.Context) -> None:
        await ctx.step.run("tell", realtime.publish, client, "order:1", "status", {"is": "paid"})

    async with realtime.subscribe(client, "order:1", ["status"]) as messages:
        async for message in messages:
            print(message.data)

Nothing is kept: a message reaches those who listen at that moment. In a function publish
from within a step, or each replay publishes once more.
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
    :param topic: a name within the channel: who listens says which topics.
    :param data: the message; anything that is JSON, of at most 512 KB.
    :param run_id: the run that it is about; the message shows it.
    :param metadata: what is said about the message; anything that is JSON.
    :raises RealtimeError: it was not published, or is too large.
    :raises OutputUnserializableError: it is not JSON.
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
    """Publish like :func:`publish`, without an event loop."""
    flow = publish_message(_access(client), channel, topic, data, run_id=run_id, metadata=metadata)
    _check(SyncDriver(client._http).run(flow))


async def get_subscription_token(
    client: Inngest, channel: str, topics: Sequence[str]
) -> Mapping[str, object]:
    """Make a token for somebody else, such as a browser, to listen with.

    It lets its bearer listen to these topics, and is to be used within a minute.

    :returns: ``channel``, ``topics``, and the token as ``key``.
    :raises RealtimeError: the server gave none, or was asked for no topic.
    """
    return await AsyncDriver(client._http).run(_given(client, channel, topics))


def get_subscription_token_sync(
    client: Inngest, channel: str, topics: Sequence[str]
) -> Mapping[str, object]:
    """Make a token like :func:`get_subscription_token`, without an event loop."""
    return SyncDriver(client._http).run(_given(client, channel, topics))


def subscribe(client: Inngest, channel: str, topics: Sequence[str]) -> Subscription:
    """Listen to topics of a channel: an async context manager, and its messages.

    It connects anew when a connection ends; what is published meanwhile is lost. Nothing is
    asked of the server before its block begins: that raises a :class:`RealtimeError` if no
    server answers, or if it refuses.
    """
    return Subscription(client._http, _listening(client, channel, topics))


def subscribe_sync(client: Inngest, channel: str, topics: Sequence[str]) -> SubscriptionSync:
    """Listen like :func:`subscribe`, without an event loop: the thread waits for messages."""
    return SubscriptionSync(client._http, _listening(client, channel, topics))


def _listening(client: Inngest, channel: str, topics: Sequence[str]) -> Flow[Error]:
    return listen(_access(client), channel, topics, jitter=lambda: random.uniform(0.5, 1))


def _given(client: Inngest, channel: str, topics: Sequence[str]) -> Flow[Mapping[str, object]]:
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
