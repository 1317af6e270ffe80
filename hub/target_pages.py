"""Adds the pages of targets: the list, one rule with its error budget and history, and both as CSV."""

from __future__ import annotations

import inspect
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from facts import Outcome, Verdict
from hub.asked_range import asked_range
from hub.context import HubContext
from hub.errors import HubError
from hub.incident_data import BUDGET_DAYS, counts_against, load_stories, stands_for_s
from hub.incident_pages import csv_file
from hub.report_data import bad_runs
from hub.report_pages import settings_of
from reports.live.sla import worst_first
from reports.live.target import DAYS, USUAL_RANGE, Budget, Cause, Place, TargetData, history_csv, target_page
from reports.periodic.data import Story
from reports.periodic.sections.incidents import title_of
from reports.ranges import TimeRange
from sla.kinds.availability import Availability
from sla.kinds.burn import Burn
from sla.settings import Rule
from store import alerts, incidents, rollups, trials
from store import verdicts as verdict_rows

if TYPE_CHECKING:
    from hub.site import Pages

_COMMON = {one.name for one in fields(Rule)}
_MOST_ROWS = 20_000
_MOST_INCIDENTS = 300
_MOST_CAUSES = 5
_HOUR_S = 3600
_A_MOMENT = timedelta(seconds=1)
"""The end of a period is not in it, and something may have come this very moment."""


def add_target_pages(router: APIRouter, pages: Pages) -> None:
    """Add `/sla/{rule}` and `/sla/{rule}.csv`."""

    @router.get("/sla/{rule}")
    def show_target(rule: str, request: Request) -> Response:
        name = rule.removesuffix(".csv")
        settings = pages.context.targets.rules().get(name)
        if settings is None:
            raise HubError(404, f"no rule {name!r:.60}; /sla lists those of sla.yaml")
        seen = pages.seen_by(request)
        shown = asked_range(seen, request, usual=USUAL_RANGE)
        if name != rule:
            with pages.context.store.read() as connection:
                rows = verdict_rows.history(
                    connection, since=shown.since, until=shown.until + _A_MOMENT, rule=name, limit=_MOST_ROWS
                )
            return csv_file(history_csv(rows), f"{name}.csv")
        judged_at, verdicts = seen.verdicts()
        data = _load(seen, name, settings, [v for v in verdicts if v.rule == name], shown, dict(request.query_params))
        frame = seen.frame(data.title, "/sla", refresh_s=0, judged_at=judged_at)
        return HTMLResponse(target_page(frame, data))


def _load(
    pages: Pages, name: str, rule: Rule, verdicts: Sequence[Verdict], shown_range: TimeRange, query: Mapping[str, str]
) -> TargetData:
    context, now, key = pages.context, pages.context.clock(), query.get("key")
    some = worst_first(verdicts)
    shown = next((one for one in some if one.key == key), None) if key is not None else next(iter(some), None)
    if key is not None and shown is None:
        raise HubError(404, f"rule {name} judges nothing named {key!r:.80}; /sla/{name} shows what it judges")
    zone = ZoneInfo(settings_of(pages).zone)
    with context.store.read() as connection:
        history = (
            verdict_rows.history(
                connection,
                since=shown_range.since,
                until=shown_range.until + _A_MOMENT,
                key=shown.key,
                limit=_MOST_ROWS,
            )
            if shown
            else []
        )
        tested = trials.latest(connection)
        fired = alerts.last_of_rule(connection, name)
        budget = _budget(connection, pages, rule, shown, zone, now) if rule.enabled else None
    doc = inspect.getdoc(type(rule)) or ""
    return TargetData(
        rule=name,
        title=(shown.title if shown else "") or rule.title,
        kind=rule.kind,
        guide=rule.guide,
        judged=" ".join(doc.partition("\n\n")[0].replace("`", "").split()),
        is_on=rule.enabled,
        severity=rule.severity.value,
        now=now,
        zone=zone,
        reader=pages.zone.zone,
        shown=shown_range,
        query=query,
        tested=tested,
        verdicts=some,
        verdict=shown,
        history=history,
        settings=list(_settings(rule)),
        budget=budget,
        last_fired=fired,
        runbook=rule.runbook,
    )


def _settings(rule: Rule) -> Iterator[tuple[str, str]]:
    for one in fields(rule):
        value = getattr(rule, one.name)
        if one.name not in _COMMON and value not in (None, [], {}):
            yield one.name, _said(value)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_said(one)}" for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_said(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _judged_journeys(context: HubContext, rule: Rule, verdict: Verdict | None) -> list[str]:
    schedules = context.watched.schedules()
    if isinstance(rule, Burn):
        return [verdict.journey] if verdict is not None and verdict.journey in schedules else []
    if isinstance(rule, Availability) and rule.metric is None:
        if rule.of_payment and context.watched.site.payment != "test":
            return []
        return [one for one in schedules if rule.journeys is None or one in rule.journeys]
    return []


def _budget(
    connection: Connection, pages: Pages, rule: Rule, verdict: Verdict | None, zone: ZoneInfo, now: datetime
) -> Budget | None:
    """Return the error budget of a rule that judges first attempts against a share; None for other rules."""
    journeys = _judged_journeys(pages.context, rule, verdict)
    if not journeys or not isinstance(rule, (Burn, Availability)) or rule.target >= 1:
        return None
    schedules = pages.context.watched.schedules()
    first = budget_begins(zone.key, now)
    bad = [(o, n) for o, n in bad_runs(connection, schedules, since=first, until=now) if o.journey in journeys]
    if isinstance(rule, Availability):
        bad = [(o, n) for o, n in bad if counts_against(rule, o)]
    good: Counter[date] = Counter()
    by_place: Counter[str] = Counter()
    for bucket in rollups.read(connection, width_s=_HOUR_S, since=first, until=now, brief=True):
        if bucket.journey in journeys:
            passed = bucket.counts.get("first_passed", 0)
            good[bucket.start.astimezone(zone).date()] += passed
            by_place[bucket.location] += passed
    bads: Counter[date] = Counter()
    bad_places: Counter[str] = Counter()
    steps: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome, n in bad:
        bads[(outcome.slot or outcome.started_at).astimezone(zone).date()] += n
        bad_places[outcome.location] += n
        steps[outcome.location][outcome.first_failed_step or "–"] += n
    days = [first.date() + timedelta(days=number) for number in range(DAYS)]
    per_bad_s = sum(stands_for_s(schedules[one]) for one in journeys) / len(journeys) / len(journeys)
    return Budget(
        target=rule.target,
        days={day: (good[day] + bads[day], bads[day]) for day in days},
        minutes_per_bad=per_bad_s / 60,
        total_minutes=BUDGET_DAYS * 1440 * (1 - rule.target),
        causes=_causes(connection, pages, bad, first, now),
        places=[
            Place(
                location=place,
                good=by_place[place],
                bad=bad_places[place],
                step=steps[place].most_common(1)[0][0] if steps[place] else "",
            )
            for place in sorted({*by_place, *bad_places})
        ],
    )


def budget_begins(zone: str, now: datetime) -> datetime:
    """Return when the days of an error budget begin: the last 30 of a time zone, today included."""
    here = now.astimezone(ZoneInfo(zone)) - timedelta(days=DAYS - 1)
    return here.replace(hour=0, minute=0, second=0, microsecond=0)


def _causes(
    connection: Connection, pages: Pages, bad: Sequence[tuple[Outcome, int]], first: datetime, now: datetime
) -> list[Cause]:
    """Return what spent the budget: the incidents during which the runs were bad, the largest first, and the rest together.

    Bad runs that are alike are counted by hours, so one belongs to an incident where its hour does.
    """
    until = now + _A_MOMENT
    found = incidents.of_period(connection, since=first, until=until, limit=_MOST_INCIDENTS) if bad else []
    stories = load_stories(connection, found, settings_of(pages), now=now)
    spans = [(story, *story.span(now)) for story in stories]
    counted: Counter[str] = Counter()
    for outcome, n in bad:
        begins = (outcome.slot or outcome.started_at).replace(minute=0, second=0, microsecond=0)
        match = next((s for s, since, until in spans if since < begins + timedelta(hours=1) and until > begins), None)
        counted[match.incident.id if match is not None else ""] += n
    by_id: dict[str, Story] = {story.incident.id: story for story in stories}
    named = [(one, n) for one, n in counted.most_common() if one]
    causes = [
        Cause(incident=one, title=title_of(by_id[one]), bad=n, at=by_id[one].span(now)[0])
        for one, n in named[:_MOST_CAUSES]
    ]
    if more := sum(n for _, n in named[_MOST_CAUSES:]):
        causes.append(Cause(incident=None, title=f"{len(named) - _MOST_CAUSES} more incidents", bad=more))
    if counted[""]:
        causes.append(Cause(incident=None, title="Single failures, no incident", bad=counted[""]))
    return causes
