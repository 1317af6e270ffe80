"""Provides the frame of every hub page: the navigation, the overall state, and its age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from reports.states import WidgetState
from reports.words import span

_CLOCKS_APART = timedelta(seconds=30)
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ago:
    """Holds a time and its age; `iso` is for machines, `clock` for a tooltip."""

    iso: str
    clock: str
    words: str


def ago(moment: datetime | None, now: datetime) -> Ago | None:
    """Return the age of a time; None if there is no time."""
    if moment is None:
        return None
    utc = moment.astimezone(UTC)
    # A future time comes from a clock that was ahead; other hubs' clocks may be ahead by a little.
    words = f"{span(now - moment)} ago" if moment - now <= _CLOCKS_APART else f"{span(moment - now)} in the future"
    return Ago(iso=utc.isoformat(timespec="seconds"), clock=f"{utc:%Y-%m-%d %H:%M:%S} UTC", words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Holds the user who views the page. `csrf` is the token of the log-out form; "" if a proxy logs people in and out."""

    name: str
    role: str
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Holds one link of the navigation; `path` is without the prefix."""

    path: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Holds one of several links of which one is current. `key` is what it chooses."""

    label: str
    query: str
    is_current: bool
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderZone:
    """Holds the time zone in which a reader wants to see times: `local`, `business` or `utc`.

    `browser_zone` is the name that the reader's browser told, "" if it told none: UTC is shown then.
    """

    key: str = "business"
    zone: ZoneInfo = _UTC
    business: ZoneInfo = _UTC
    browser_zone: str = ""

    def clock(self, moment: datetime, now: datetime) -> str:
        """Return a moment as the zone's clocks show it: `14:20`, or `Thu 14:20` and `18 Nov 14:20` if it is not today."""
        here, today = moment.astimezone(self.zone), now.astimezone(self.zone).date()
        days = (today - here.date()).days
        if not days:
            return f"{here:%H:%M}"
        if 0 < days < 6:
            return f"{here:%a %H:%M}"
        return f"{here:%-d %b %H:%M}"

    def name(self, now: datetime) -> str:
        """Return the zone's name as a reader knows it: `CST`, or `Europe/Berlin`."""
        if self.key == "local" and not self.browser_zone:
            return "UTC; your own zone needs JavaScript"
        return self.zone.key if self.key == "local" else f"{now.astimezone(self.zone):%Z}"

    def choices(self, asked: Mapping[str, str], now: datetime) -> tuple[Choice, ...]:
        """Return the links that choose a zone; each keeps the rest of what the address asks for."""
        labels = {"local": "Local", "business": f"Business ({now.astimezone(self.business):%Z})", "utc": "UTC"}
        rest = {key: value for key, value in asked.items() if key not in ("zone", "tz", "part")}
        return tuple(
            Choice(
                label=label,
                query=urlencode(
                    rest | {"zone": key} | ({"tz": self.browser_zone} if key == "local" and self.browser_zone else {}),
                    safe="/:",
                ),
                is_current=key == self.key,
                key=key,
            )
            for key, label in labels.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Holds the data of a page's frame.

    `links` are the navigation's, and `here` is the path of the page. `refresh_s` is how often it is reloaded, in seconds
    (0: never). `prefix` is the path below which the hub is reached (`/monitor`; "" at the root): every URL on the page
    begins with it. `state` is the overall state of the shop, `state_words` the same as text, and `firing` how many alerts fire of
    which people are told. `zone` is the reader's time zone, `zones` the links
    that choose another, `shown_at` is the time of the page, and `wall` the path of the page
    that follows on a wall, "" on any other screen. `share` is the path under which the visitor may share the page, "" if they may not.
    `csrf` is the token of the page's forms; it is "" for a user who may change nothing, and no form is
    shown then.
    """

    title: str
    tone: str
    here: str
    links: tuple[Link, ...]
    notices: tuple[str, ...]
    evaluated: Ago | None
    csrf: str
    refresh_s: int = 5
    visitor: Present | None = None
    prefix: str = ""
    state: WidgetState = WidgetState.UNPROVEN
    state_words: str = ""
    firing: int = 0
    zone: ReaderZone = ReaderZone()
    zones: tuple[Choice, ...] = ()
    zone_name: str = ""
    shown_at: str = ""
    wall: str = ""
    share: str = ""


def a_frame(
    title: str,
    *,
    here: str,
    now: datetime,
    evaluated_at: datetime | None,
    links: Sequence[Link],
    tone: str = "mute",
    notices: Sequence[str] = (),
    csrf: str = "",
    refresh_s: int = 5,
    visitor: Present | None = None,
    prefix: str = "",
    state: WidgetState = WidgetState.UNPROVEN,
    state_words: str = "",
    firing: int = 0,
    zone: ReaderZone | None = None,
    asked: Mapping[str, str] | None = None,
    wall: str = "",
    share: str = "",
) -> Frame:
    """Return the frame of one page; `asked` is the query of its address."""
    zone = zone or ReaderZone()
    return Frame(
        title=title,
        tone=tone,
        here=here,
        links=tuple(links),
        notices=tuple(notices),
        evaluated=ago(evaluated_at, now),
        csrf=csrf,
        refresh_s=refresh_s,
        visitor=visitor,
        prefix=prefix,
        state=state,
        state_words=state_words,
        firing=firing,
        zone=zone,
        zones=zone.choices(asked or {}, now),
        zone_name=zone.name(now),
        wall=wall,
        share=share,
        shown_at=f"{now.astimezone(zone.zone):%a %-d %b %Y, %H:%M %Z}",
    )


def bare_frame(title: str, *, here: str, prefix: str) -> Frame:
    """Return the frame of a page for people without an account: it has no links, no notices and no state of the shop."""
    return Frame(
        title=title,
        tone="mute",
        here=here,
        links=(),
        notices=(),
        evaluated=None,
        csrf="",
        refresh_s=0,
        prefix=prefix,
    )
