"""When things happen: arrivals at a rate that follows the hour, the weekday and the day, evenly spread with some jitter.

Poisson arrivals would be more natural, and would fire a rule by chance now and then. These keep every count within one or two of what
is expected, so that a healthy demo raises no alert, and a fault is the only thing that does.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

_HOUR_S, _WEEK_S = 3600, 7 * 86_400
_MONDAY_S = 4 * 86_400
"""1970-01-05, the first Monday of the epoch, in seconds."""
_HOURS = (
    *(0.80, 0.75, 0.72, 0.70, 0.70, 0.72, 0.78, 0.85),
    *(0.95, 1.05, 1.10, 1.15, 1.20, 1.15, 1.10, 1.10),
    *(1.15, 1.20, 1.30, 1.40, 1.35, 1.20, 1.00, 0.88),
)
"""How busy each local hour is: the evening most, the small hours half as much."""
_WEEKDAYS = (1.00, 0.98, 1.00, 1.04, 1.10, 0.95, 0.93)
_DAY_VARIES = 0.05
_USUAL = sum(_HOURS) / len(_HOURS) * sum(_WEEKDAYS) / len(_WEEKDAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One kind of arrivals: so many on a usual day. `shares` are the kinds that an arrival may be, with their weights.

    Every run of as many arrivals as the weights add up to holds each kind as often as its weight.
    """

    name: str
    per_day: float
    shares: Mapping[str, int] = field(default_factory=lambda: {"": 1})


class Arrival(NamedTuple):
    """One arrival: its moment in epoch seconds, its kind, and its number, which is its alone."""

    at: float
    kind: str
    number: str


class Arrivals:
    """The arrivals of streams, a pure function of the seed and the time. `zone` is by whose clock a day has its shape."""

    def __init__(self, seed: str, zone: ZoneInfo) -> None:
        self._seed = seed
        self._zone = zone
        self._weeks: dict[tuple[str, int], list[Arrival]] = {}
        self._rates: dict[int, list[float]] = {}

    def between(self, stream: Stream, since: float, until: float) -> list[Arrival]:
        """Return the arrivals of a stream from one moment up to another (exclusive), both epoch seconds, in order."""
        found: list[Arrival] = []
        for week in range(_week_of(since), _week_of(until) + 1):
            of_week = self._week(stream, week)
            first, end = (bisect_left(of_week, moment, key=lambda one: one.at) for moment in (since, until))
            found += of_week[first:end]
        return found

    def _week(self, stream: Stream, week: int) -> list[Arrival]:
        kept = self._weeks.get((stream.name, week))
        if kept is None:
            kept = self._weeks[stream.name, week] = self._made(stream, week)
        return kept

    def _made(self, stream: Stream, week: int) -> list[Arrival]:
        chance = random.Random(f"{self._seed}/{stream.name}/{week}")
        begins = _MONDAY_S + week * _WEEK_S
        rates = [stream.per_day / 24 * rate for rate in self._busy(week)]
        due = [0.0, *accumulate(rates)]
        first, made, hour = chance.random(), list[Arrival](), 0
        kinds = _Deck(stream.shares, chance)
        for number in range(int(due[-1] + 1)):
            # The number of arrivals that are due rises steadily; each comes somewhere in its own unit of it.
            wanted = number - first + chance.random()
            kind = kinds.draw()
            if not 0 <= wanted < due[-1]:
                continue
            while due[hour + 1] <= wanted:
                hour += 1
            at = begins + (hour + (wanted - due[hour]) / rates[hour]) * _HOUR_S
            made.append(Arrival(at, kind, f"{stream.name}-{week}-{number}"))
        return made

    def _busy(self, week: int) -> list[float]:
        """Return how busy each hour of a week is; 1 is usual."""
        kept = self._rates.get(week)
        if kept is None:
            begins = _MONDAY_S + week * _WEEK_S
            kept = self._rates[week] = [self._busy_at(begins + hour * _HOUR_S) for hour in range(168)]
        return kept

    def _busy_at(self, moment: float) -> float:
        here = datetime.fromtimestamp(moment, UTC).astimezone(self._zone)
        of_day = random.Random(f"{self._seed}/day/{here.date()}").uniform(-_DAY_VARIES, _DAY_VARIES)
        return _HOURS[here.hour] * _WEEKDAYS[here.weekday()] * (1 + of_day) / _USUAL


def _week_of(moment: float) -> int:
    return int((moment - _MONDAY_S) // _WEEK_S)


class _Deck:
    """Cards of each kind, shuffled anew when all are drawn: the shares come out even soon."""

    def __init__(self, shares: Mapping[str, int], chance: random.Random) -> None:
        self._cards: Sequence[str] = [kind for kind, n in shares.items() for _ in range(n)]
        self._chance = chance
        self._left: list[str] = []

    def draw(self) -> str:
        if len(self._cards) == 1:
            return self._cards[0]
        if not self._left:
            self._left = self._chance.sample(self._cards, len(self._cards))
        return self._left.pop()
