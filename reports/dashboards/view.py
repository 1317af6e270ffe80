"""Parses the view that a reader requests in a dashboard's address: a range, a time zone, and which alerts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reports.ranges import LONGEST, RANGES, TimeRange, ViewError, range_of

_DAY_S, _HOUR_S = 86_400, 3600


ZONES = ("local", "business", "utc")
ALERTS = {"critical": "Critical only", "all": "All", "business": "Business only"}
# The length up to which charts have points of so many seconds, and from which buckets of the store they are made.
_STEPS = (
    (timedelta(hours=8), 300, 300),
    (timedelta(hours=30), 900, 300),
    (timedelta(days=10), 2 * _HOUR_S, _HOUR_S),
    (timedelta(days=45), 6 * _HOUR_S, _HOUR_S),
    (LONGEST, 4 * _DAY_S, _DAY_S),
)
_COLUMNS = ((timedelta(hours=2), 300), (timedelta(hours=8), 1800), (timedelta(hours=30), 3600))
_CELLS = (
    (timedelta(hours=2), 300, 300),
    (timedelta(hours=8), 600, 300),
    (timedelta(hours=30), 1800, 300),
    (timedelta(days=10), 4 * _HOUR_S, _HOUR_S),
    (timedelta(days=45), _DAY_S, _DAY_S),
    (LONGEST, 7 * _DAY_S, _DAY_S),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is shown: the time from `since` up to `until`, as the clocks of `zone` show it.

    `step_s` are the seconds of a point of a line and `cell_s` of a cell or column, each made of the store's buckets of `width_s` and
    `cell_width_s`. `business` is the zone of the business: its days begin there, whatever zone is shown. `range_key`, `zone_key` and
    `alerts` are what the address says; `browser_zone` is the zone that the reader's browser told, "" if it told none. `back` is
    the key of the range from which the reader zoomed into this one.
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
    back: str = ""

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

    @property
    def range(self) -> TimeRange:
        """The range as every page's picker has it."""
        return TimeRange(key=self.range_key, since=self.since, until=self.until, back=self.back)

    def query(self, **changed: str) -> str:
        """Return the query of the address of the same view with some changes."""
        asked = self.range.query(self.zone) | {"zone": self.zone_key, "alerts": self.alerts}
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
    shown = range_of(asked, now=now, zone=zone, usual=usual_range)
    since, until = shown.since, shown.until
    step_s, width_s = _stepped(_STEPS, until - since)
    cell_s, cell_width_s = _stepped(_CELLS, until - since)
    return View(
        now=now,
        since=since,
        until=until,
        range_key=shown.key,
        zone=zone,
        zone_key=zone_key,
        business=business,
        alerts=_one_of("alerts", asked.get("alerts", usual_alerts), tuple(ALERTS)),
        step_s=step_s,
        width_s=width_s,
        cell_s=cell_s,
        cell_width_s=cell_width_s,
        browser_zone=browser_zone,
        back=shown.back,
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


def _stepped(table: tuple[tuple[timedelta, int, int], ...], length: timedelta) -> tuple[int, int]:
    return next(((step, width) for most, step, width in table if length <= most), table[-1][1:])
