"""Business hours: when they are open, when they open next, and how long a time is in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from config.bounds import refuse

_STRICT: dict[str, Any] = {"extra": "forbid"}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TIME = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
_DAY_MINUTES = 24 * 60
_LOOKS_AHEAD = 400
"""Days in which an opening is looked for; no calendar of holidays closes a whole year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidaySettings:
    """Days on which business hours stay closed: the public holidays of a `country` (and `subdivision`), and own `dates`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    country: str | None = None
    subdivision: str | None = None
    dates: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if self.subdivision is not None and self.country is None:
            yield "subdivision: stands without a country"
        elif self.country is not None and (why := _not_known(self.country, self.subdivision)):
            yield why
        for number, text in enumerate(self.dates):
            try:
                date.fromisoformat(text)
            except ValueError:
                yield f"dates.{number}: {text!r:.40} is not a date; write it like 2026-12-24"

    def is_holiday(self) -> Callable[[date], bool]:
        """Return the function that says whether a date is a holiday."""
        own = frozenset(date.fromisoformat(text) for text in self.dates)
        if self.country is None:
            return own.__contains__
        public = _public_holidays(self.country, self.subdivision)
        return lambda day: day in own or day in public


def _public_holidays(country: str, subdivision: str | None) -> Any:
    import holidays  # takes a tenth of a second, which only those who use it should spend

    return holidays.country_holidays(country, subdiv=subdivision)


def _not_known(country: str, subdivision: str | None) -> str | None:
    """Return what is wrong with a country or its subdivision; None if both are known."""
    import holidays

    known = holidays.list_supported_countries()
    if country not in known:
        return f"country: {country!r:.40} is not known; write its code of two letters, like US or DE"
    if subdivision is not None and subdivision not in known[country]:
        there = ", ".join(known[country]) or "none"
        return f"subdivision: {subdivision!r:.40} is not known for {country}; there are: {there}"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursSettings:
    """`business_hours` in alerts.yaml. Without a `timezone` the hours are in UTC, which `sixfb check` and every page say."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    timezone: str | None = None
    days: str = "Mon-Fri"
    from_: Annotated[str, Field(alias="from")] = "09:00"
    to: str = "17:00"
    holidays: HolidaySettings = HolidaySettings()

    def __post_init__(self) -> None:
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        if self.timezone is not None and not is_timezone(self.timezone):
            yield f"timezone: {self.timezone!r:.60} is not an IANA time zone; write it like America/Chicago"
        if (why := _wrong_with_days(self.days)) is not None:
            yield f"days: {why}"
        told = [(key, value) for key, value in (("from", self.from_), ("to", self.to)) if _minutes(value) is None]
        for key, value in told:
            yield f"{key}: {value!r:.40} is not a time of day; write it like 09:00"
        if not told and (_minutes(self.from_) or 0) >= (_minutes(self.to) or 0):
            yield f"to: {self.to} is not after {self.from_} (`from`); 24:00 is the end of the day"

    def hours(self) -> BusinessHours:
        """Return the business hours."""
        return BusinessHours(
            zone=ZoneInfo(self.timezone or "UTC"),
            days=days_of(self.days),
            opens=_minutes(self.from_) or 0,
            closes=_minutes(self.to) or 0,
            is_holiday=self.holidays.is_holiday(),
        )


def is_timezone(name: str) -> bool:
    """Return whether a text names an IANA time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _minutes(text: str) -> int | None:
    """Return the minutes from midnight to a time of day; None if the text is not one."""
    found = _TIME.fullmatch(text)
    minutes = int(found[1]) * 60 + int(found[2]) if found else None
    return minutes if minutes is not None and minutes <= _DAY_MINUTES else None


def _wrong_with_days(text: str) -> str | None:
    try:
        days_of(text)
    except ValueError as error:
        return str(error)
    return None


def days_of(text: str) -> frozenset[int]:
    """Return the weekdays (0 is Monday) that a text like `Mon-Fri` or `Mon-Thu, Sat` names. Raises ValueError."""
    found: set[int] = set()
    for part in text.split(","):
        first, span, last = (word.strip().capitalize() for word in part.partition("-"))
        if first not in DAYS or (span and last not in DAYS):
            raise ValueError(
                f"{part.strip()!r:.40} is not a day or a span of days; write it like Mon-Fri or Mon-Thu, Sat"
            )
        start, end = DAYS.index(first), DAYS.index(last or first)
        found |= {day % 7 for day in range(start, (end if end >= start else end + 7) + 1)}
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessHours:
    """Holds the hours of each working day, in a time zone. `opens` and `closes` are minutes of its wall clock, 1440 the end of the day.

    All moments are in UTC. Days with 23 and 25 hours are as long as they are. `ahead` is how far the business's clock is ahead of the
    true one, which it is in a demo alone.
    """

    zone: ZoneInfo
    days: frozenset[int] = frozenset(range(5))
    opens: int = 9 * 60
    closes: int = 17 * 60
    is_holiday: Callable[[date], bool] = field(default=lambda _day: False, compare=False)
    ahead: timedelta = timedelta()

    def local(self, at: datetime) -> datetime:
        """Return a moment as the business's clock shows it."""
        return (at + self.ahead).astimezone(self.zone)

    def is_open(self, at: datetime) -> bool:
        """Return whether a moment lies in business hours."""
        return self.next_opening(at) == at

    def next_opening(self, at: datetime) -> datetime:
        """Return a moment itself if it lies in business hours, else the next moment at which they open."""
        opening, _ = next(self._windows(at), (at, at))
        return max(opening, at)

    def add(self, at: datetime, length: timedelta) -> datetime:
        """Return the moment at which so much of business hours has passed since `at`."""
        for opens, closes in self._windows(at):
            start = max(opens, at)
            if closes - start > length:
                return start + length
            length -= closes - start
        return at + length

    def _windows(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the times of business that end after a moment, in order."""
        # The day before too: 24:00 of the local day may be in the next one of UTC.
        first = self.local(at).date() - timedelta(days=1)
        for day in (first + timedelta(days=n) for n in range(_LOOKS_AHEAD)):
            if day.weekday() in self.days and not self.is_holiday(day):
                opens = self._moment(day, self.opens, fold=0) - self.ahead
                closes = self._moment(day, self.closes, fold=1) - self.ahead
                if closes > at and closes > opens:
                    yield opens, closes

    def _moment(self, day: date, minutes: int, *, fold: int) -> datetime:
        """Return the moment of a wall time; of one that the clock skips, the next that exists.

        `fold` chooses between the two moments of a wall time that is there twice: hours open at the first and close at the
        second.
        """
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        moment = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
        if moment.astimezone(self.zone).replace(tzinfo=None) == wall:
            return moment
        # Within a gap fold=1 is computed with the offset after it, and so lies before its end.
        moment = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        while moment.astimezone(self.zone).replace(tzinfo=None) < wall:
            moment += timedelta(minutes=1)
        return moment
