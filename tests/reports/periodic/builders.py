"""The numbers of a report with everything filled in: a test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from facts import (
    Alert,
    AlertState,
    Family,
    Incident,
    Notification,
    NotificationKind,
    NotificationState,
    Severity,
    Traits,
    VerdictStatus,
)
from reports.periodic.data import (
    Money,
    Need,
    Promise,
    ReportData,
    RuleNow,
    SourceNow,
    StatusHours,
    Story,
    Stretch,
    Tally,
    Times,
)
from reports.periodic.period import Period, read_period
from reports.periodic.registry import REPORTS
from reports.periodic.report import Cell, ReportPage, Table, report_context

ZONE = "America/Chicago"
NOW = datetime(2026, 12, 2, 14, 0, tzinfo=UTC)
PERIODS = {"daily": "2026-11-28", "weekly": "2026-W48", "monthly": "2026-11", "quarterly": "2026-Q3", "yearly": "2025"}
FAILS = Traits(family=Family.JOURNEY, from_runs=True, journey_fails=True, of_payment=True)
MINUTE = timedelta(minutes=1)


def a_period(name: str) -> Period:
    """The period of a report type."""
    return read_period(PERIODS[name], REPORTS[name].kind, now=NOW, zone=ZONE)


def a_tally(location: str = "us-east", **facts: Any) -> Tally:
    """A journey that passed all its runs at a location but one that is unknown."""
    return Tally(**{"journey": "ga_purchase", "location": location, "good": 8000, "unknown": 1, **facts})


def a_story(began: datetime, number: int = 1, **facts: Any) -> Story:
    """An incident of 42 minutes that was told after 4 minutes and 8 seconds, and acknowledged 3 minutes later. `severity`, `traits`,
    `acked_at`, `fired_at`, `ends`, `rule` and `title` are its alert's; the others are the story's."""
    of_alert: dict[str, Any] = {k: facts.pop(k) for k in ("traits", "rule", "title", "runs", "closed") if k in facts}
    severity: Severity = facts.pop("severity", Severity.CRITICAL)
    fired = facts.pop("fired_at", began + 4 * MINUTE)
    acked = facts.pop("acked_at", fired + 3 * MINUTE)
    ends = facts.pop("ends", began + 42 * MINUTE)
    thread = f"inc-{number}"
    usual: dict[str, Any] = {
        "id": f"A1s.ga_purchase.{number}",
        "key": "A1s/ga_purchase",
        "rule": "A1s",
        "severity": severity,
        "state": AlertState.RESOLVED if ends else AlertState.FIRING,
        "episode": number,
        "pending_since": fired,
        "fired_at": fired,
        "summary": "payment fails at 2 of 3 locations",
        "title": "GA purchase: payment fails",
        "since": began,
        "ended_at": ends,
        "resolved_at": ends + 5 * MINUTE if ends else None,
        "acked_at": acked,
        "acked_by": "ann" if acked else None,
        "incident": thread,
        "traits": FAILS,
    }
    alert = Alert(**{**usual, **of_alert})
    told = tuple(
        Notification(
            id=f"{thread}.{name}",
            thread=thread,
            alert_id=alert.id,
            destination=name,
            kind=NotificationKind.FIRING,
            severity=severity,
            order=1,
            created_at=fired,
            due_at=fired,
            state=NotificationState.DELIVERED,
            delivered_at=fired + timedelta(seconds=8),
        )
        for name in facts.pop("told", ("slack-emergency", "ann/phone"))
    )
    incident = Incident(
        id=thread,
        lead=alert.id,
        severity=severity,
        opened_at=fired,
        alerts=(alert.id,),
        resolved_at=ends + 5 * MINUTE if ends else None,
    )
    return Story(incident=incident, alerts=(alert,), messages=told, **facts)


def a_stretch(period: Period, *, now: datetime = NOW, **facts: Any) -> Stretch:
    """A period in which all was well, of which everything is known."""
    days = dict.fromkeys(period.days(), (288, 0))
    usual: dict[str, Any] = {
        "watched_since": period.since - timedelta(days=900),
        "tallies": (a_tally(), a_tally("us-west"), a_tally("eu-west")),
        "days": {"ga_purchase": days},
        "promises": (Promise(rule="E1", title="Web Application", target=0.999, good=24_000, n=24_000),),
        "durations": {"ga_purchase": Times(n=24_000, p50=6500.0, p75=7000.0, p95=8200.0)},
        "steps": {("ga_purchase", "proceed_to_stripe"): Times(n=24_000, p50=500.0, p75=530.0, p95=610.0)},
        "vitals": {("/", "LCP"): Times(n=1200, p50=1200.0, p75=1400.0, p95=2100.0)},
        "endpoints": {"/register": Times(n=8000, p50=200.0, p75=300.0, p95=480.0)},
        "money": Money(charged={"usd": 12_000_000}, refunded={"usd": 100_000}, orders=120, days=len(period.days())),
        "statuses": {"E1": StatusHours(rule="E1", hours={VerdictStatus.MET: 24.0}, ended=VerdictStatus.MET)},
    }
    stretch = Stretch(period=period, ends=min(now, period.until), **{**usual, **facts})
    if not stretch.alerts:
        stretch = replace(stretch, alerts=tuple(alert for story in stretch.stories for alert in story.alerts))
    return stretch


def nothing(period: Period, *, now: datetime = NOW) -> Stretch:
    """A period of which nothing is known."""
    why = dict.fromkeys((Need.MONEY, Need.ENDPOINTS), "STRIPE_SOURCE_KEY is not set")
    return Stretch(period=period, ends=min(now, period.until), why_not=why)


def some_data(name: str, now: Stretch | None = None, before: Stretch | None = None, **facts: Any) -> ReportData:
    """What a report is made of; all was well in both periods, if not said otherwise."""
    period = a_period(name)
    usual: dict[str, Any] = {
        "made_at": NOW,
        "site": "https://shop.example",
        "rules": (
            RuleNow(rule="E1", title="Web Application", guide="Web Application | 99.9%", verdict=VerdictStatus.MET),
        ),
        "sources": (
            SourceNow(name="stripe", last_good_at=NOW),
            SourceNow(name="sms", off="site.yaml has no sms_reads"),
        ),
        "success_target": 0.99,
    }
    return ReportData(now=now or a_stretch(period), before=before or a_stretch(period.previous()), **{**usual, **facts})


def page_of(name: str, now: Stretch | None = None, before: Stretch | None = None, **facts: Any) -> ReportPage:
    """A report's context."""
    return report_context(REPORTS[name], some_data(name, now, before, **facts))


def table_of(page: ReportPage, section: str, number: int = 0) -> Table:
    """A table of a section of a report."""
    return next(one for one in page.sections if one.ident == section).tables[number]


def row_of(table: Table, first: str) -> dict[str, Cell]:
    """The row of a table that begins with a text, by its columns."""
    row = next(row for row in table.rows if row[0].text == first)
    return dict(zip(table.columns, row, strict=True))
