"""Finds the scales of charts: round ticks for numbers, and for times ticks that are round in the zone of the reader."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta, tzinfo

_FACTORS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_STEPS = 5
_LARGEST = 1e15
"""Numbers beyond this are drawn at the edge: their axis would have no readable ticks."""


@dataclass(frozen=True, slots=True)
class LinearScale:
    """Holds an axis from `low` to `high` with 3 to 6 round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Return where a value lies, from 0 at `low` to 1 at `high`; one outside lies at the edge."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def linear_scale(values: Iterable[float], *, from_zero: bool = True, whole: bool = False) -> LinearScale:
    """Return the scale for some values; those that are not finite are left out, and of none it goes from 0 to 1.

    It begins at 0 unless a value lies below, or `from_zero` is false. With `whole` its ticks are whole numbers, as counts are.
    """
    found = [min(max(value, -_LARGEST), _LARGEST) for value in values if math.isfinite(value)]
    least, most = (min(found), max(found)) if found else (0.0, 1.0)
    if from_zero:
        least, most = min(least, 0.0), max(most, 0.0)
    size = max(abs(least), abs(most))
    if most - least <= size * 1e-9:
        # All are equal, or too near for twelve digits to tell them apart.
        room = max(1.0, size * 0.1)
        least, most = (least, most + room) if least >= 0 else (least - room, most)
    step = _step((most - least) / _MOST_STEPS)
    if whole:
        step = max(1.0, 5.0 if step == 2.5 else step)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    # Twelve digits, so that no tick is 0.30000000000000004.
    ticks = tuple(float(f"{number * step:.12g}") for number in range(first, max(last, first + 1) + 1))
    return LinearScale(ticks[0], ticks[-1], ticks)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in _FACTORS if power * factor >= rough * (1 - 1e-9))


@dataclass(frozen=True, slots=True)
class TimeTick:
    """Holds a round moment with its label and its position from 0 to 1; narrow charts leave out those that are `is_optional`."""

    at: datetime
    label: str
    share: float
    is_optional: bool


_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (
    (10 * _MINUTE, _MINUTE),
    (30 * _MINUTE, 5 * _MINUTE),
    (90 * _MINUTE, 10 * _MINUTE),
    (4 * _HOUR, 30 * _MINUTE),
    (9 * _HOUR, _HOUR),
    (16 * _HOUR, 2 * _HOUR),
    (30 * _HOUR, 3 * _HOUR),
    (60 * _HOUR, 12 * _HOUR),
    (10 * _DAY, _DAY),
    (20 * _DAY, 2 * _DAY),
    (45 * _DAY, 4 * _DAY),
    (100 * _DAY, 14 * _DAY),
)
"""The length of a chart up to which it has a tick at each step, in seconds."""
_MONTHS = (1, 3, 6, 12)
_MOST_MONTH_TICKS = 14


def time_ticks(since: datetime, until: datetime, zone: tzinfo) -> list[TimeTick]:
    """Return the ticks of a chart from one moment to another, round in a time zone: `14:20`, `18 Nov`, `Nov 2025`."""
    length = (until - since).total_seconds()
    if length <= 0:
        return []
    step = next((step for most, step in _STEPS if length <= most), None)
    moments = list(_months(since, until, zone) if step is None else _steps(since, until, zone, step))
    if step is None:
        form = "%b %Y"
    elif step < 12 * _HOUR:
        form = "%H:%M"
    else:
        form = "%-d %b"
    if step == 12 * _HOUR:
        form = "%-d %b %H:%M"
    return [
        TimeTick(at, f"{at.astimezone(zone):{form}}", (at - since).total_seconds() / length, number % 2 == 1)
        for number, at in enumerate(moments)
    ]


def _steps(since: datetime, until: datetime, zone: tzinfo, step: int) -> Iterator[datetime]:
    here = since.astimezone(zone)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    if step <= _HOUR:
        # In steps of real time: on the day when an hour comes twice, both have their ticks.
        at = (
            here - timedelta(seconds=(here.minute * 60 + here.second) % step, microseconds=here.microsecond)
        ).astimezone(UTC)
        while at <= until:
            if at >= since:
                yield at
            at += timedelta(seconds=step)
        return
    # In steps of the clock on the wall, which begin at midnight also where a day has 23 or 25 hours.
    if step > _DAY:
        midnight -= timedelta(days=midnight.toordinal() % (step // _DAY))
    seen = None
    wall = midnight
    while (at := wall.replace(tzinfo=zone).astimezone(UTC)) <= until:
        if at >= since and at != seen:
            yield at
        seen = at
        wall += timedelta(seconds=step)


def _months(since: datetime, until: datetime, zone: tzinfo) -> Iterator[datetime]:
    here = since.astimezone(zone)
    number = here.year * 12 + here.month - 1
    months = (until - since).days / 30.4
    every = next(
        (m for m in _MONTHS if months / m <= _MOST_MONTH_TICKS), 12 * math.ceil(months / 12 / _MOST_MONTH_TICKS)
    )
    number -= number % every
    while number // 12 < MAXYEAR:
        at = datetime(number // 12, number % 12 + 1, 1, tzinfo=zone).astimezone(UTC)
        if at > until:
            return
        if at >= since:
            yield at
        number += every
