"""What every page of the hub has around it: where one is, how things stand, how old that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reports.words import span

_CLOCKS_APART = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ago:
    """A moment and how long ago it was; `iso` is for machines, `clock` for a title."""

    iso: str
    clock: str
    words: str


def ago(moment: datetime | None, now: datetime) -> Ago | None:
    """How long ago a moment was; None where there was none."""
    if moment is None:
        return None
    utc = moment.astimezone(UTC)
    # Of a clock that was ahead, or of another hub's whose clock is ahead by a little.
    words = f"{span(now - moment)} ago" if moment - now <= _CLOCKS_APART else f"{span(moment - now)} in the future"
    return Ago(iso=utc.isoformat(timespec="seconds"), clock=f"{utc:%Y-%m-%d %H:%M:%S} UTC", words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Who looks at the page. `csrf` is what the form that logs out must bring; empty where a proxy logs people in and out."""

    name: str
    role: str
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """`here` is the path of the page; `refresh_s` how often it is fetched anew (0: never).

    `prefix` is the path below which the hub is reached (`/monitor`; empty at the root): every address on the page begins with it.
    `csrf` is what the page's forms must bring; it is empty for who may change nothing, and no form is shown then.
    """

    title: str
    tone: str
    here: str
    journeys: tuple[str, ...]
    notices: tuple[str, ...]
    evaluated: Ago | None
    has_inbox: bool
    csrf: str
    refresh_s: int = 5
    visitor: Present | None = None
    prefix: str = ""


def a_frame(
    title: str,
    *,
    here: str,
    now: datetime,
    evaluated_at: datetime | None,
    journeys: Sequence[str],
    tone: str = "mute",
    notices: Sequence[str] = (),
    has_inbox: bool = False,
    csrf: str = "",
    refresh_s: int = 5,
    visitor: Present | None = None,
    prefix: str = "",
) -> Frame:
    """The frame of one page."""
    return Frame(
        title=title,
        tone=tone,
        here=here,
        journeys=tuple(journeys),
        notices=tuple(notices),
        evaluated=ago(evaluated_at, now),
        has_inbox=has_inbox,
        csrf=csrf,
        refresh_s=refresh_s,
        visitor=visitor,
        prefix=prefix,
    )
