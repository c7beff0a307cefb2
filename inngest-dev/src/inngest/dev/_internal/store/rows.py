"""Convert database rows to and from the engine's values. Pure."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from inngest.dev._internal.function.options import BadOption, Options, read_options
from inngest.dev._internal.model.values import Event, Function, Item, Json, Run, Trigger


def marks(values: Sequence[Any]) -> str:
    """Return an SQL placeholder for each of the values."""
    return ", ".join("?" for _ in values)


_NAMES = [field.name for field in fields(Item)]
_PAYLOAD = _NAMES.index("payload")
_values_of_item = attrgetter(*_NAMES)
ITEM_FIELDS = ", ".join(_NAMES)
"""The columns that hold an item's fields, with the same names and order."""
_encode = json.JSONEncoder(separators=(",", ":")).encode


def dump(value: Json) -> str:
    return "null" if value is None else _encode(value)


def load(text: str | None) -> Json:
    return None if text is None or text == "null" else json.loads(text)


def event_of(internal_id: str, row: sqlite3.Row) -> Event:
    return Event(
        internal_id=internal_id, received_at=row["received_at"], body=json.loads(row["body"])
    )


def function_of(row: sqlite3.Row) -> Function:
    return Function(
        id=row["id"],
        uuid=row["uuid"],
        app=row["app"],
        name=row["name"],
        url=row["url"],
        max_attempts=row["max_attempts"],
        triggers=tuple(_trigger(*each) for each in json.loads(row["triggers"])),
        options=_options(row["options"]),
    )


def _trigger(
    event: str, expression: str | None, cron: str | None = None, jitter: str | None = None
) -> Trigger:
    return Trigger(event=event, expression=expression, cron=cron, jitter=jitter)


def _options(text: str) -> Options:
    options = read_options(json.loads(text))
    assert not isinstance(options, BadOption), "checked when the function was registered"
    return options


def run_of(row: sqlite3.Row, events: tuple[Event, ...]) -> Run:
    return Run(
        id=row["id"],
        function_id=row["function_id"],
        events=events,
        status=row["status"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        output=load(row["output"]),
        version=row["version"],
        plan_only=bool(row["plan_only"]),
        keys=load(row["keys"]),
        lane=row["lane"],
        priority=row["priority"],
        defers=load(row["defers"]),
        response=load(row["response"]),
        single=row["single"],
    )


def item_of(row: Sequence[Any]) -> Item:
    """:param row: the columns `ITEM_FIELDS`."""
    item = Item(*row)
    item.plan_only, item.race = bool(item.plan_only), bool(item.race)
    item.payload = load(item.payload)
    return item


def row_of_item(item: Item) -> tuple[Any, ...]:
    """The columns `ITEM_FIELDS`."""
    row = list(_values_of_item(item))
    row[_PAYLOAD] = dump(item.payload)
    return tuple(row)
