"""Calendar periods in the business's time zone: the day, week, month, quarter or year that a report is about. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_FIRST_YEAR, _LAST_YEAR = 2000, 2099


class PeriodKind(StrEnum):
    """The kinds of periods, by their length."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def example(self) -> str:
        """An example of how a period of this kind is written."""
        return _EXAMPLES[self]


_EXAMPLES = {
    PeriodKind.DAY: "2026-11-29",
    PeriodKind.WEEK: "2026-W48",
    PeriodKind.MONTH: "2026-11",
    PeriodKind.QUARTER: "2026-Q4",
    PeriodKind.YEAR: "2026",
}
_MONTHS = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.YEAR: 12}


class PeriodError(ValueError):
    """The text names no period for a report; the message says how to write one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Holds one calendar period: its first day, the day after its last, and the IANA zone in which its days begin."""

    kind: PeriodKind
    first: date
    end: date
    zone: str

    @property
    def since(self) -> datetime:
        """The start of the period, in UTC."""
        return _midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """The end of the period, in UTC."""
        return _midnight(self.end, self.zone)

    @property
    def name(self) -> str:
        """Its name as commands and addresses write it: `2026-11-29`, `2026-W48`, `2026-11`, `2026-Q4`, `2026`."""
        if self.kind is PeriodKind.WEEK:
            year, week, _ = self.first.isocalendar()
            return f"{year}-W{week:02d}"
        quarter = f"{self.first:%Y}-Q{(self.first.month + 2) // 3}"
        forms = {PeriodKind.DAY: "%Y-%m-%d", PeriodKind.MONTH: "%Y-%m", PeriodKind.YEAR: "%Y"}
        return quarter if self.kind is PeriodKind.QUARTER else self.first.strftime(forms[self.kind])

    @property
    def title(self) -> str:
        """Its name as people say it: `Sunday, 29 November 2026`, `week 48 of 2026`, `November 2026`, `quarter 4 of 2026`, `2026`."""
        match self.kind:
            case PeriodKind.DAY:
                return f"{self.first:%A, %-d %B %Y}"
            case PeriodKind.WEEK:
                year, week, _ = self.first.isocalendar()
                return f"week {week} of {year}"
            case PeriodKind.MONTH:
                return f"{self.first:%B %Y}"
            case PeriodKind.QUARTER:
                return f"quarter {(self.first.month + 2) // 3} of {self.first:%Y}"
            case _:
                return f"{self.first:%Y}"

    @property
    def words(self) -> str:
        """Its days and their time zone: `Monday, 23 November to Sunday, 29 November 2026, days of America/Chicago`."""
        last = self.end - timedelta(days=1)
        if self.first == last:
            return f"{self.first:%A, %-d %B %Y}, midnight to midnight in {self.zone}"
        begins = f"{self.first:%A, %-d %B}" if self.first.year == last.year else f"{self.first:%A, %-d %B %Y}"
        return f"{begins} to {last:%A, %-d %B %Y}, days of {self.zone}"

    def days(self) -> list[date]:
        """Return its days, oldest first."""
        return [self.first + timedelta(days=n) for n in range((self.end - self.first).days)]

    def previous(self) -> Period:
        """Return the period of the same kind that ends where this one begins."""
        return period_of(self.kind, self.first - timedelta(days=1), self.zone)

    def following(self) -> Period:
        """Return the period of the same kind that begins where this one ends."""
        return period_of(self.kind, self.end, self.zone)


def period_of(kind: PeriodKind, day: date, zone: str) -> Period:
    """Return the period that a day of a zone lies in."""
    if kind is PeriodKind.DAY:
        return Period(kind=kind, first=day, end=day + timedelta(days=1), zone=zone)
    if kind is PeriodKind.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(kind=kind, first=monday, end=monday + timedelta(days=7), zone=zone)
    months = _MONTHS[kind]
    first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    number = first.year * 12 + first.month - 1 + months
    return Period(kind=kind, first=first, end=date(number // 12, number % 12 + 1, 1), zone=zone)


def current(kind: PeriodKind, now: datetime, zone: str) -> Period:
    """Return the period that it is now."""
    return period_of(kind, now.astimezone(ZoneInfo(zone)).date(), zone)


def last_whole(kind: PeriodKind, now: datetime, zone: str) -> Period:
    """Return the newest period that is over."""
    return current(kind, now, zone).previous()


def read_period(text: str, kind: PeriodKind, *, now: datetime, zone: str) -> Period:
    """Return the period that a text names; one that is not over yet is taken, one that has not begun is not.

    Raises:
        PeriodError: the text is no period of this kind, or it lies in the future.
    """
    try:
        period = period_of(kind, _first_day(text, kind), zone)
    except ValueError:
        raise PeriodError(f"{text!r:.60} is no {kind}; write it like {kind.example}") from None
    if period.since > now:
        here = current(kind, now, zone)
        raise PeriodError(
            f"{period.name} has not begun: in {zone} it is {here.name} now; name that or an earlier {kind}"
        )
    return period


_FORMS = {
    PeriodKind.DAY: re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII),
    PeriodKind.WEEK: re.compile(r"(\d{4})-W(\d\d)", re.ASCII),
    PeriodKind.MONTH: re.compile(r"(\d{4})-(\d\d)", re.ASCII),
    PeriodKind.QUARTER: re.compile(r"(\d{4})-Q([1-4])", re.ASCII),
    PeriodKind.YEAR: re.compile(r"(\d{4})", re.ASCII),
}


def _first_day(text: str, kind: PeriodKind) -> date:
    """Return the first day of a period in its written form. Raises ValueError."""
    found = _FORMS[kind].fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, *rest = map(int, found.groups())
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise ValueError(text)
    match kind:
        case PeriodKind.WEEK:
            return date.fromisocalendar(year, rest[0], 1)
        case PeriodKind.QUARTER:
            return date(year, 3 * rest[0] - 2, 1)
        case _:
            return date(year, *(*rest, 1, 1)[:2])


def _midnight(day: date, zone: str) -> datetime:
    """Return the moment at which a day begins in a zone; where its clocks skip midnight, the moment at which they do."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
