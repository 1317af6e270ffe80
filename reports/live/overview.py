"""Renders `/`: whether buyers can buy, with the facts behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from facts import (
    Alert,
    AlertState,
    FeedState,
    Grid,
    Outcome,
    RunnerState,
    Severity,
    Status,
    Stock,
    Verdict,
    VerdictStatus,
    urgency,
)
from reports.live.alerts import AlertRow, alert_row
from reports.live.frame import Ago, Frame, ago
from reports.live.inbox import InboxEntry, InboxRow, inbox_row
from reports.live.locations import LocationRow, location_rows
from reports.live.sla import VerdictRow, verdict_row, worst_first
from reports.live.strip import Box, strip
from reports.pages import render
from reports.words import STATUSES, TONES, count, duration

_TOLD = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
Grids = Mapping[str, tuple[int, Mapping[str, Grid]]]
"""Period in seconds and grid by location, by journey."""
Latest = Mapping[tuple[str, str], Sequence[Outcome]]
"""Outcomes by journey and location."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultButton:
    """Holds a fault of the demo shop that the page can switch."""

    name: str
    description: str
    is_on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Holds a journey at one location."""

    location: str
    status: str
    tone: str
    took: str
    age: Ago | None
    run_id: str | None
    boxes: tuple[Box, ...]
    rate: str
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyCard:
    """Holds a journey at all its locations."""

    name: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    """Holds the remaining tickets of one city: `GA 35 of 35`."""

    city: str
    left: tuple[str, ...]
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Holds the data of the template."""

    frame: Frame
    headline: str
    sentence: str
    alerts: tuple[AlertRow, ...]
    journeys: tuple[JourneyCard, ...]
    verdicts: tuple[VerdictRow, ...]
    met: int
    locations: tuple[LocationRow, ...]
    stock: tuple[StockRow, ...]
    stock_age: Ago | None
    feed_error: str | None
    inbox: tuple[InboxRow, ...]
    faults: tuple[FaultButton, ...]
    shop: str | None


def overview_page(
    frame: Frame,
    *,
    now: datetime,
    grids: Grids,
    latest: Latest,
    tries: Mapping[tuple[str, str], tuple[int, int]],
    verdicts: Sequence[Verdict],
    alerts: Sequence[Alert],
    runners: Sequence[RunnerState] = (),
    results: Mapping[str, datetime] | None = None,
    stocks: Sequence[Stock] = (),
    feed: FeedState | None = None,
    inbox: Sequence[InboxEntry] = (),
    faults: Sequence[FaultButton] = (),
    shop: str | None = None,
) -> str:
    """Return the page's HTML.

    `latest` are the last slot runs of each journey and location, oldest first. `tries` is how many first attempts
    passed there, of how many. `alerts` are the current ones. `results` maps each location to the time of its last
    result.
    """
    places = list(dict.fromkeys(place for _, grid in grids.values() for place in grid))
    firing = sorted((a for a in alerts if a.state is AlertState.FIRING), key=lambda alert: urgency(alert, now))
    notable = [
        v
        for v in worst_first(verdicts)
        if v.verdict not in (VerdictStatus.MET, VerdictStatus.INSUFFICIENT, VerdictStatus.OFF)
    ]
    tone, headline, sentence = _headline(firing, verdicts, grids, has_runs=any(latest.values()))
    page = Overview(
        frame=_toned(frame, tone),
        headline=headline,
        sentence=sentence,
        alerts=tuple(alert_row(a, now) for a in firing),
        journeys=tuple(_card(name, *grid, latest, tries, now) for name, grid in grids.items()),
        verdicts=tuple(verdict_row(v, now) for v in notable),
        met=sum(v.verdict is VerdictStatus.MET for v in verdicts),
        locations=location_rows(places, runners, results or {}, now),
        stock=_stock_rows(stocks),
        stock_age=ago(feed.last_good_at, now) if feed else None,
        feed_error=feed.last_error if feed and (feed.last_error_at or now) > (feed.last_good_at or now) else None,
        inbox=tuple(inbox_row(e, now) for e in sorted(inbox, key=lambda e: -e.number)[:8]),
        faults=tuple(faults),
        shop=shop,
    )
    return render("live/overview.html.j2", page)


def _toned(frame: Frame, tone: str) -> Frame:
    return replace(frame, tone=tone)


def _headline(
    firing: Sequence[Alert], verdicts: Sequence[Verdict], grids: Grids, *, has_runs: bool
) -> tuple[str, str, str]:
    # An inhibited alert is explained by another one, and low severities do not decide the headline.
    told = [a for a in firing if a.inhibited_by is None and a.severity in _TOLD]
    if told:
        lead = told[0]
        more = f" and {count(len(told) - 1, 'more alert')}" if len(told) > 1 else ""
        tone = "bad" if lead.severity is Severity.CRITICAL else "warn"
        return tone, f"{lead.title or lead.key}{more}", lead.summary
    judged = [v for v in verdicts if v.traits and v.traits.journey_fails and not v.traits.of_payment]
    unknown = [v for v in judged if v.verdict in (VerdictStatus.NO_DATA, VerdictStatus.ERROR)]
    if not judged or (unknown and not has_runs):
        return "mute", "Waiting for the first runs", "Nothing is known yet; each location buys at its next slot."
    if unknown:
        return "warn", "It is unknown whether buyers can buy", "; ".join(v.summary for v in unknown)
    failing = [v for v in judged if v.verdict is not VerdictStatus.MET]
    if failing:
        most = max(round(v.value or 0) for v in failing)
        title = "1 location reports a failure" if most == 1 else f"{most} locations report a failure"
        return "warn", title, "; ".join(v.summary for v in failing)
    places = {place for _, grid in grids.values() for place in grid}
    seen = {place for v in judged for place in v.counted}
    title = (
        f"Buyers can buy: {count(len({v.journey for v in judged}), 'journey')} passed from {count(len(seen), 'place')}"
    )
    waiting = sorted(places - seen)
    return (
        "good",
        title,
        f"waiting for the first run at {', '.join(waiting)}" if waiting else "; ".join(v.summary for v in judged),
    )


def _card(
    name: str,
    period_s: int,
    grid: Mapping[str, Grid],
    latest: Latest,
    tries: Mapping[tuple[str, str], tuple[int, int]],
    now: datetime,
) -> JourneyCard:
    return JourneyCard(
        name=name,
        places=tuple(
            _place(place, slots, period_s, latest.get((name, place), ()), tries.get((name, place), (0, 0)), now)
            for place, slots in grid.items()
        ),
    )


def _place(
    location: str, grid: Grid, period_s: int, outcomes: Sequence[Outcome], tries: tuple[int, int], now: datetime
) -> Place:
    last = outcomes[-1] if outcomes else None
    good, counted = tries
    return Place(
        location=location,
        status=STATUSES[last.status] if last else "No run yet",
        tone=TONES[last.status] if last else "mute",
        took=duration(last.duration_ms) if last and last.status is Status.PASSED else "",
        age=ago(last.finished_at, now) if last else None,
        run_id=last.run_id if last else None,
        boxes=strip(grid, period_s, outcomes, now),
        rate=f"{good} of {counted} first attempts passed" if counted else "no measured run",
        error=last.error if last and last.status is not Status.PASSED else None,
    )


def _stock_rows(stocks: Sequence[Stock]) -> tuple[StockRow, ...]:
    newest: dict[str, dict[str, Stock]] = {}
    for stock in stocks:
        newest.setdefault(stock.city, {})[stock.tier] = stock
    return tuple(
        StockRow(
            city=city,
            left=tuple(
                f"{tier.upper()} {s.remaining}" + (f" of {s.total}" if s.total else "") for tier, s in tiers.items()
            ),
            tone="bad" if any(s.remaining < 0 for s in tiers.values()) else "mute",
        )
        for city, tiers in sorted(newest.items())
    )
