"""The events by which a step or the API invokes a function. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from inngest.dev._internal.machine.runs import internal_event
from inngest.dev._internal.model.ids import stable_uuid
from inngest.dev._internal.model.values import INVOKED_EVENT, Event, Function, Json


def invocation(
    child: Function,
    payload: Mapping[str, Json],
    correlation: str,
    *,
    name: str,
    due: int,
    source: Function | None,
    now: int,
) -> Event:
    """Return the event by which a step invokes the function `child`.

    :param correlation: the id that ties the child's end to the waiting step.
    :param name: of the step.
    :param due: when the step stops waiting.
    :param source: id of the step's function.
    """
    inner = {
        "correlation_id": correlation,
        "expire": due,
        "fn_id": child.id,
        "name": name,
        "source_app_id": stable_uuid("app", source.app) if source else "",
        "source_fn_id": source.uuid if source else "",
        "source_fn_v": 1,
    }
    return _event(payload, inner, now)


def direct_invocation(function_id: str, payload: Mapping[str, Json], now: int) -> Event:
    """Return the event by which the API invokes a function. No step waits for its end."""
    inner = {
        "expire": 0,
        "fn_id": function_id,
        "gid": "",
        "name": "",
        "source_app_id": "",
        "source_fn_id": "",
        "source_fn_v": 0,
    }
    return _event(payload, inner, now)


def _event(payload: Mapping[str, Json], inner: Mapping[str, Json], now: int) -> Event:
    data = payload.get("data")
    extra = {k: payload[k] for k in ("user", "v", "meta") if payload.get(k) is not None}
    body = {**(data if isinstance(data, dict) else {}), "_inngest": inner}
    return internal_event(INVOKED_EVENT, body, now, **extra)
