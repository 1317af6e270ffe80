"""Renders `/pings`: the shop's own jobs that report their runs to the hub, and those that did not report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from facts import PingCheckShown
from reports.live.frame import Ago, Frame, ago
from reports.pages import render
from reports.words import duration, span

_TONES = {"down": "bad", "late": "warn", "started": "mute", "new": "mute", "up": "good"}
_WORDS = {"down": "Down", "late": "Late", "started": "Running", "new": "Never pinged", "up": "Up"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PingRow:
    """Holds one job in the form shown on the page; `next` is how long the hub still waits for it, in words."""

    name: str
    state: str
    tone: str
    why: str
    schedule: str
    tags: str
    last: Ago | None
    took: str
    pings: int
    next: Ago | None
    next_words: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PingsPage:
    """Holds the data of the template."""

    frame: Frame
    answer: str
    rows: tuple[PingRow, ...]


def pings_page(frame: Frame, checks: Sequence[PingCheckShown], now: datetime) -> str:
    """Return the page's HTML; the checks that are down come first."""
    rows = tuple(_row(one, now) for one in checks)
    return render("live/pings.html.j2", PingsPage(frame=frame, answer=_answer(checks), rows=rows))


def _row(one: PingCheckShown, now: datetime) -> PingRow:
    grace = f"{span(timedelta(seconds=one.grace_s))} of grace"
    schedule = f"{one.schedule} ({one.timezone})" if one.cron else one.schedule
    at = one.alert_at
    if at is None:
        next_words = ""
    elif at > now:
        next_words = f"in {span(at - now)}"
    else:
        next_words = "now"
    return PingRow(
        name=one.name,
        state=_WORDS[one.state],
        tone=_TONES[one.state],
        why=one.why,
        schedule=f"{schedule}, {grace}",
        tags=", ".join(one.tags),
        last=ago(one.last_ping_at, now),
        took=duration(one.last_duration_s * 1000) if one.last_duration_s is not None else "–",
        pings=one.pings,
        next=ago(at, now),
        next_words=next_words,
        body=one.last_body,
    )


def _answer(checks: Sequence[PingCheckShown]) -> str:
    """Return the heading: whether every job has done its work."""
    if not checks:
        return "No job reports its runs here"
    down = [one.name for one in checks if one.state == "down"]
    if len(down) == 1:
        return f"{down[0]} has not done its work"
    if down:
        return f"{len(down)} of {len(checks)} jobs have not done their work"
    new = sum(one.state == "new" for one in checks)
    if new == len(checks):
        return "No job has pinged yet"
    return f"{len(checks) - new} of {len(checks)} jobs have done their work" if new else "Every job has done its work"
