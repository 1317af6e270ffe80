"""Provides the frame of every hub page: the navigation, the overall state, and its age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reports.states import WidgetState
from reports.words import span

_CLOCKS_APART = timedelta(seconds=30)


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
class Frame:
    """Holds the data of a page's frame.

    `links` are the navigation's, and `here` is the path of the page. `refresh_s` is how often it is reloaded, in seconds
    (0: never). `prefix` is the path below which the hub is reached (`/monitor`; "" at the root): every URL on the page
    begins with it. `state` is the overall state of the shop, `state_words` the same as text, and `firing` how many alerts fire of
    which people are told. `csrf` is the token of the page's forms; it is "" for a user who may change nothing, and no form is
    shown then.
    """

    title: str
    tone: str
    here: str
    links: tuple[Link, ...]
    notices: tuple[str, ...]
    evaluated: Ago | None
    has_inbox: bool
    csrf: str
    refresh_s: int = 5
    visitor: Present | None = None
    prefix: str = ""
    state: WidgetState = WidgetState.UNPROVEN
    state_words: str = ""
    firing: int = 0


def a_frame(
    title: str,
    *,
    here: str,
    now: datetime,
    evaluated_at: datetime | None,
    links: Sequence[Link],
    tone: str = "mute",
    notices: Sequence[str] = (),
    has_inbox: bool = False,
    csrf: str = "",
    refresh_s: int = 5,
    visitor: Present | None = None,
    prefix: str = "",
    state: WidgetState = WidgetState.UNPROVEN,
    state_words: str = "",
    firing: int = 0,
) -> Frame:
    """Return the frame of one page."""
    return Frame(
        title=title,
        tone=tone,
        here=here,
        links=tuple(links),
        notices=tuple(notices),
        evaluated=ago(evaluated_at, now),
        has_inbox=has_inbox,
        csrf=csrf,
        refresh_s=refresh_s,
        visitor=visitor,
        prefix=prefix,
        state=state,
        state_words=state_words,
        firing=firing,
    )
