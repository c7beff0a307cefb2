"""When cron triggers fire, and the timers for that. Pure; cronsim says which minutes match.

A schedule has five fields, as the server reads them, and optionally a time zone in front
(`TZ=Europe/Paris`). Extensions such as seconds, `@hourly`, `L`, `W` and `#` are refused. Where
cronsim differs from the server's library, robfig/cron, this follows the latter.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from inngest.dev._internal.model.durations import DAY, MINUTE, SECOND, iso, parse_duration
from inngest.dev._internal.model.ids import new_job_id, new_ulid
from inngest.dev._internal.model.values import (
    SCHEDULED_EVENT,
    Event,
    Function,
    Item,
    Transition,
    Trigger,
)

MAX_JITTER = 5 * MINUTE
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
"""cronsim is given what the clocks of the zone show as if it were UTC: changes of the clocks are
handled here."""
_ZONE = re.compile(r"(?:CRON_)?TZ=(\S+)\s+(.*)")
_PART = re.compile(r"(\*|\?|[0-9]+|[A-Za-z]{3})(-([0-9]+|[A-Za-z]{3}))?(/[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    fields: str
    zone: ZoneInfo

    def after(self, moment: int) -> int | None:
        """The first matching minute after this moment, in milliseconds; None if there is none.

        It counts what the clocks of the zone show: a minute that they skip in spring does not
        match, and one that they show twice in autumn matches twice.
        """
        offset = self._offset(moment)
        shown = moment + offset
        while True:
            try:
                found = next(CronSim(self.fields, _EPOCH + shown * _MILLISECOND))
            except StopIteration:
                return None
            due = (found - _EPOCH) // _MILLISECOND - offset
            changed = self._change(moment, due, offset)
            if changed is None:
                return due
            # the clocks are changed before that: search on from there, by what they show then
            moment, offset = changed, self._offset(changed)
            shown = changed + offset - 1

    def _offset(self, moment: int) -> int:
        at = datetime.fromtimestamp(moment / 1000, tz=self.zone)
        return (at.utcoffset() or timedelta()) // _MILLISECOND

    def _change(self, moment: int, until: int, offset: int) -> int | None:
        """When the clocks of the zone are changed first after `moment`; None if not by `until`."""
        if self.zone.key == "UTC":
            return None
        while moment < until:
            later = min(moment + DAY, until)
            if self._offset(later) != offset:
                while later - moment > 1:
                    middle = (moment + later) // 2
                    if self._offset(middle) == offset:
                        moment = middle
                    else:
                        later = middle
                return later
            moment = later
        return None


@lru_cache(maxsize=1024)
def read_schedule(text: str) -> Schedule | None:
    """The schedule that a cron trigger names; None when it is none."""
    zoned = _ZONE.fullmatch(text.strip())
    zone_name, fields = (zoned[1], zoned[2]) if zoned else ("UTC", text)
    parts = fields.split()
    if len(parts) != 5 or not all(_PART.fullmatch(p) for f in parts for p in f.split(",")):
        return None
    if re.search(r"(^|[,-])0*7", parts[4]):  # cronsim takes it for Sunday, the server refuses it
        return None
    try:
        zone = ZoneInfo(zone_name)
        normal = _normal(parts)
        CronSim(normal, datetime.now(timezone.utc))
    except (CronSimError, KeyError, ValueError, OSError):
        return None
    return Schedule(fields=normal, zone=zone)


def _normal(parts: list[str]) -> str:
    """The fields, written so that cronsim reads them as robfig/cron does.

    If both the day and the weekday are restricted, either may match. To cronsim, a field that
    begins with a star is not restricted; to robfig/cron, `*/2` is.
    """
    minute, hour, day, month, weekday = (
        # cronsim reads `5-5/2` as `5/2`, which goes on to the end
        re.sub(r"\b(\w+)-\1/[0-9]+", r"\1", part.replace("?", "*"))
        for part in parts
    )
    return " ".join((minute, hour, _days(day, "1-31"), month, _days(weekday, "0-6")))


def _days(field: str, every: str) -> str:
    items = field.split(",")
    if "*" in items or "*/1" in items:
        return "*"
    return ",".join(every + each[1:] if each.startswith("*/") else each for each in items)


def read_jitter(text: str | None) -> int | None:
    """Milliseconds, 0 without one; None when it is not 1 s … 5 min."""
    if text is None:
        return 0
    jitter = parse_duration(text)
    return jitter if jitter is not None and SECOND <= jitter <= MAX_JITTER else None


def timetable(functions: Iterable[Function], items: Iterable[Item], now: int) -> Transition:
    """Bring the timers into line with the cron triggers of these functions: one for each.

    A timer that is there stays as it is, unless it is later than the next tick but one: then the
    clock was ahead when it was set.
    """
    wanted = {(f.id, _name(t)): (f, t) for f in functions for t in f.triggers if t.cron is not None}
    change = Transition()
    for item in items:
        place = (item.function_id, item.match or "")
        if place in wanted and not _is_late(item, wanted[place][1], now):
            del wanted[place]
        else:
            change.drops.append(item.job_id)
    for function, trigger in wanted.values():
        _schedule(change, function.id, trigger, now)
    return change


def tick(item: Item, function: Function | None, now: int) -> Transition:
    """Send the event of a cron timer that fell due, and set the next timer.

    If several ticks were missed while the engine did not run, this one stands for all of them.
    """
    change = Transition(drops=[item.job_id])
    triggers = function.triggers if function else ()
    trigger = next((t for t in triggers if t.cron is not None and _name(t) == item.match), None)
    if function is None or trigger is None:
        return change
    scheduled = int(item.payload)
    at = _seconds(scheduled)
    body = {
        "name": SCHEDULED_EVENT,
        "data": {"cron": trigger.cron, "scheduledAt": at, "fireAt": _seconds(item.due)},
        "id": at,
        "ts": now,
    }
    change.events.append(
        Event(internal_id=new_ulid(now), received_at=now, body=body, target=function.id)
    )
    # A tick that was missed by less than the jitter is not skipped: with a delay of its own it
    # might be due only now.
    missed = now - (read_jitter(trigger.jitter) or 0)
    _schedule(change, function.id, trigger, max(scheduled, missed), earliest=now)
    return change


def _is_late(item: Item, trigger: Trigger, now: int) -> bool:
    schedule = read_schedule(trigger.cron or "")
    following = schedule.after(now) if schedule else None
    following = schedule.after(following) if schedule and following is not None else None
    return following is not None and int(item.payload) > following


def _schedule(
    change: Transition, function_id: str, trigger: Trigger, after: int, *, earliest: int = 0
) -> None:
    schedule = read_schedule(trigger.cron or "")
    moment = schedule.after(after) if schedule else None
    if moment is None:
        return
    delay = _delay(read_jitter(trigger.jitter) or 0, function_id, moment)
    change.items.append(
        Item(
            job_id=new_job_id(),
            run_id="",
            function_id=function_id,
            kind="cron",
            step_id="",
            due=max(moment + delay, earliest),
            match=_name(trigger),
            payload=moment,
        )
    )


def _delay(jitter: int, function_id: str, moment: int) -> int:
    """The delay of a tick: whole seconds from 1 s up to the jitter.

    It differs from tick to tick, and is the same whenever it is worked out.
    """
    if not jitter:
        return 0
    digest = hashlib.sha256(f"{function_id}:{moment}".encode()).digest()
    choices = max(jitter // SECOND - 1, 1)
    return (1 + int.from_bytes(digest[:8], "big") % choices) * SECOND


def _name(trigger: Trigger) -> str:
    return f"{trigger.cron}|{trigger.jitter or ''}"


def _seconds(moment: int) -> str:
    return (iso(moment) or "").replace(".000Z", "Z")
