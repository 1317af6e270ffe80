"""Parses the view that a reader requests in a dashboard's address: a range, a time zone, and which alerts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LONGEST = timedelta(days=396)
_SHORTEST = timedelta(minutes=5)
_DAY_S, _HOUR_S = 86_400, 3600


class ViewError(ValueError):
    """The address requests an unknown option; the message lists the known ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeOption:
    """Holds a range to choose: its key in the address, its label and its length."""

    key: str
    label: str
    length: timedelta


RANGES = (
    RangeOption(key="1h", label="1 h", length=timedelta(hours=1)),
    RangeOption(key="6h", label="6 h", length=timedelta(hours=6)),
    RangeOption(key="24h", label="24 h", length=timedelta(hours=24)),
    RangeOption(key="7d", label="7 d", length=timedelta(days=7)),
    RangeOption(key="30d", label="30 d", length=timedelta(days=30)),
    RangeOption(key="13mo", label="13 mo", length=_LONGEST),
)
ZONES = ("local", "business", "utc")
ALERTS = {"critical": "Critical only", "all": "All", "business": "Business only"}
_CUSTOM = "custom"
# The length up to which charts have points of so many seconds, and from which buckets of the store they are made.
_STEPS = (
    (timedelta(hours=8), 300, 300),
    (timedelta(hours=30), 900, 300),
    (timedelta(days=10), 2 * _HOUR_S, _HOUR_S),
    (timedelta(days=45), 6 * _HOUR_S, _HOUR_S),
    (_LONGEST, 4 * _DAY_S, _DAY_S),
)
_COLUMNS = ((timedelta(hours=2), 300), (timedelta(hours=8), 1800), (timedelta(hours=30), 3600))
_CELLS = (
    (timedelta(hours=2), 300, 300),
    (timedelta(hours=8), 600, 300),
    (timedelta(hours=30), 1800, 300),
    (timedelta(days=10), 4 * _HOUR_S, _HOUR_S),
    (timedelta(days=45), _DAY_S, _DAY_S),
    (_LONGEST, 7 * _DAY_S, _DAY_S),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is shown: the time from `since` up to `until`, as the clocks of `zone` show it.

    `step_s` are the seconds of a point of a line and `cell_s` of a cell or column, each made of the store's buckets of `width_s` and
    `cell_width_s`. `business` is the zone of the business: its days begin there, whatever zone is shown. `range_key`, `zone_key` and
    `alerts` are what the address says; `browser_zone` is the zone that the reader's browser told, "" if it told none.
    """

    now: datetime
    since: datetime
    until: datetime
    range_key: str
    zone: ZoneInfo
    zone_key: str
    business: ZoneInfo
    alerts: str
    step_s: int
    width_s: int
    cell_s: int
    cell_width_s: int
    browser_zone: str = ""

    @property
    def column_s(self) -> int:
        """The seconds of a column: as long as a cell, but never so short that it holds few values."""
        return next((step_s for most, step_s in _COLUMNS if self.length <= most), self.cell_s)

    @property
    def length(self) -> timedelta:
        """The length of the range."""
        return self.until - self.since

    @property
    def words(self) -> str:
        """The range in words: `24 h`, or the two moments that were typed."""
        known = next((option.label for option in RANGES if option.key == self.range_key), None)
        if known is not None:
            return known
        first, last = self.since.astimezone(self.zone), self.until.astimezone(self.zone)
        return f"{first:%-d %b %Y %H:%M} – {last:%-d %b %Y %H:%M}"

    @property
    def today(self) -> date:
        """The business's date."""
        return self.now.astimezone(self.business).date()

    def day_start(self, day: date) -> datetime:
        """Return the moment in UTC at which a day of the business begins."""
        return datetime.combine(day, time(), self.business).astimezone(UTC)

    def weeks(self, count: int) -> list[tuple[datetime, datetime]]:
        """Return the last complete weeks of the business, Monday to Sunday, oldest first, each with its beginning and end."""
        monday = self.today - timedelta(days=self.today.weekday())
        starts = [self.day_start(monday - timedelta(weeks=number)) for number in range(count, -1, -1)]
        return list(itertools.pairwise(starts))

    def query(self, **changed: str) -> str:
        """Return the query of the address of the same view with some changes."""
        asked = {"range": self.range_key, "zone": self.zone_key, "alerts": self.alerts}
        if self.range_key == _CUSTOM:
            form = "%Y-%m-%dT%H:%M"
            asked |= {
                "from": f"{self.since.astimezone(self.zone):{form}}",
                "to": f"{self.until.astimezone(self.zone):{form}}",
            }
        if self.browser_zone and changed.get("zone", self.zone_key) == "local":
            asked["tz"] = self.browser_zone
        return urlencode(asked | changed, safe="/:")


def view_of(
    asked: Mapping[str, str], *, now: datetime, business: ZoneInfo, usual_range: str, usual_alerts: str
) -> View:
    """Return the view that the query of an address asks for. Raises ViewError."""
    zone_key = _one_of("zone", asked.get("zone", "business"), ZONES)
    browser_zone = asked.get("tz", "") if zone_key == "local" else ""
    zone = {"business": business, "utc": ZoneInfo("UTC")}.get(zone_key) or _named_zone(browser_zone or "UTC")
    keys = [option.key for option in RANGES]
    range_key = _one_of("range", asked.get("range", usual_range), (*keys, _CUSTOM))
    if range_key == _CUSTOM:
        since, until = _custom(asked, zone, now)
    else:
        since, until = now - RANGES[keys.index(range_key)].length, now
    step_s, width_s = _stepped(_STEPS, until - since)
    cell_s, cell_width_s = _stepped(_CELLS, until - since)
    return View(
        now=now,
        since=since,
        until=until,
        range_key=range_key,
        zone=zone,
        zone_key=zone_key,
        business=business,
        alerts=_one_of("alerts", asked.get("alerts", usual_alerts), tuple(ALERTS)),
        step_s=step_s,
        width_s=width_s,
        cell_s=cell_s,
        cell_width_s=cell_width_s,
        browser_zone=browser_zone,
    )


def _one_of(key: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ViewError(f"{key}: {value!a:.40} is not known; there are {', '.join(known)}")
    return value


def _named_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ViewError(f"tz: {name!a:.40} is no time zone; write it like Europe/Berlin") from None


def _custom(asked: Mapping[str, str], zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    since, until = _moment("from", asked, zone), _moment("to", asked, zone)
    since, until = max(since, now - _LONGEST), min(until, now)
    if until - since < _SHORTEST:
        raise ViewError(
            "from: the range must begin at least 5 minutes before its end, in the past, and not more than 13 months ago"
        )
    return since, until


def _moment(key: str, asked: Mapping[str, str], zone: ZoneInfo) -> datetime:
    told = asked.get(key, "")
    try:
        at = datetime.fromisoformat(told)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ViewError(f"{key}: {told!a:.40} is no moment; write it like 2026-11-23T14:20") from None


def _stepped(table: tuple[tuple[timedelta, int, int], ...], length: timedelta) -> tuple[int, int]:
    return next(((step, width) for most, step, width in table if length <= most), table[-1][1:])
