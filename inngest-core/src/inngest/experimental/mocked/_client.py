"""A client that sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inngest._internal.api.events import SendEventsResult
from inngest._internal.client.client import Inngest as RealInngest
from inngest._internal.errors import Error, SendEventsError
from inngest._internal.event import Event
from inngest._internal.flow import Flow


class Inngest(RealInngest):
    """A client for :func:`trigger`, whose ``send`` and ``send_sync`` send nothing.

    They run the middleware, check the events, and return fixed ids: one for each event, the
    same in every call. Arguments are those of :class:`inngest.Inngest`.
    """

    def _post(self, events: Sequence[Event[Any]]) -> Flow[SendEventsResult | Error]:
        yield from ()
        try:
            for event in events:
                event.to_wire(0)
        except Error as error:
            return SendEventsError(error.message, is_retriable=False)
        return SendEventsResult(ids=[f"{position:026}" for position in range(len(events))])


__all__ = ["Inngest"]
