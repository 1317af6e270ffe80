"""Reads the time range that the address of a page asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

LONGEST = timedelta(days=396)
_SHORTEST = timedelta(minutes=5)
CUSTOM = "custom"
"""The key of a range that two moments bound: `range=custom&from=2026-11-23T14:20&to=2026-11-23T16:00`."""
_FORM = "%Y-%m-%dT%H:%M"


class ViewError(ValueError):
    """Reports an address that asks for something that does not exist; the message says what exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeOption:
    """Holds a range that can be chosen: its key in the address, its label and its length."""

    key: str
    label: str
    length: timedelta


RANGES = (
    RangeOption(key="1h", label="1 h", length=timedelta(hours=1)),
    RangeOption(key="6h", label="6 h", length=timedelta(hours=6)),
    RangeOption(key="24h", label="24 h", length=timedelta(hours=24)),
    RangeOption(key="7d", label="7 d", length=timedelta(days=7)),
    RangeOption(key="30d", label="30 d", length=timedelta(days=30)),
    RangeOption(key="13mo", label="13 mo", length=LONGEST),
)
LENGTHS = {option.key: option.length for option in RANGES}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """Holds the time that a page shows, from `since` up to `until`.

    `key` is the one in the address. `back` is the key of the range from which a reader zoomed into this one, "" for any other range.
    `shown` is the length in words where it is not that of the key, because the hub's time runs faster.
    """

    key: str
    since: datetime
    until: datetime
    back: str = ""
    shown: str = ""

    @property
    def length(self) -> timedelta:
        """The length of the range."""
        return self.until - self.since

    @property
    def is_custom(self) -> bool:
        """Whether two moments bound the range, which need not end now."""
        return self.key == CUSTOM

    @property
    def label(self) -> str:
        """The range as a sentence names it: `24 h`, or `the chosen time`."""
        return self.shown or next((option.label for option in RANGES if option.key == self.key), "the chosen time")

    def bounds(self, zone: tzinfo) -> str:
        """Return both moments as the clocks of a zone show them: `18 Nov 2026 14:20 – 16:00`."""
        first, last = self.since.astimezone(zone), self.until.astimezone(zone)
        end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%-d %b %Y %H:%M}"
        return f"{first:%-d %b %Y %H:%M} – {end}"

    def fields(self, zone: tzinfo) -> tuple[str, str]:
        """Return both moments as the fields of a form hold them."""
        return f"{self.since.astimezone(zone):{_FORM}}", f"{self.until.astimezone(zone):{_FORM}}"

    def query(self, zone: tzinfo) -> dict[str, str]:
        """Return the parts of an address that ask for this range."""
        if not self.is_custom:
            return {"range": self.key}
        # With its offset, a moment stays the same where a reader changes the zone.
        first, last = (f"{at.astimezone(zone).isoformat(timespec='minutes')}" for at in (self.since, self.until))
        return {"range": CUSTOM, "from": first, "to": last} | ({"back": self.back} if self.back else {})


def range_of(
    asked: Mapping[str, str],
    *,
    now: datetime,
    zone: tzinfo,
    usual: str,
    keys: Sequence[str] = tuple(LENGTHS),
    scale: float = 1.0,
) -> TimeRange:
    """Return the range that the query of an address asks for, `usual` where it names none.

    `keys` are the ranges that the page has beside the custom one. Moments without an offset are of `zone`. The hub's time runs
    `scale` times as fast as the clock, so a named range is that much shorter.

    Raises:
        ViewError: The range is not known, a moment cannot be read, or the range is shorter than 5 minutes.
    """
    key = asked.get("range", usual)
    if key not in (*keys, CUSTOM):
        raise ViewError(f"range: {key!a:.40} is not known; there are {', '.join((*keys, CUSTOM))}")
    if key != CUSTOM:
        return TimeRange(key=key, since=now - LENGTHS[key] / scale, until=now)
    since, until = _moment("from", asked, zone), _moment("to", asked, zone)
    since, until = max(since, now - LONGEST), min(until, now)
    if until - since < _SHORTEST:
        raise ViewError(
            "from: the range must begin at least 5 minutes before its end, in the past, and not more than 13 months ago"
        )
    back = asked.get("back", "")
    return TimeRange(key=CUSTOM, since=since, until=until, back=back if back in keys else "")


def _moment(key: str, asked: Mapping[str, str], zone: tzinfo) -> datetime:
    told = asked.get(key, "")
    try:
        # An address writes a space for the plus sign of an offset that was not quoted.
        at = datetime.fromisoformat(told.replace(" ", "+"))
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ViewError(f"{key}: {told!a:.40} is no moment; write it like 2026-11-23T14:20") from None
