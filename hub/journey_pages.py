"""Adds the pages of journeys: a journey over a range of time, its runs as CSV, and the way from a cell of its strips to a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from facts import AlertState, Incident, Status, Verdict
from hub.charts import VitalsCache
from hub.context import HubContext
from hub.errors import HubError
from hub.incident_data import BUDGET_DAYS, stands_for_s
from hub.incident_pages import csv_file, one_of, page_of
from hub.loading import CLOCKS_APART
from hub.report_data import bad_runs
from hub.report_pages import settings_of
from hub.target_pages import budget_begins
from reports.dashboards.view import RANGES
from reports.live.incident import label_of
from reports.live.journey import JourneyBudget, JourneyData, journey_page
from reports.live.journey_charts import Stretch, start_of
from reports.live.journey_runs import MOST_PAGES, PAGE_SIZE, RunFilter, runs_csv
from reports.words import journey_title, span
from sla.history import Schedule
from sla.kinds.burn import Burn
from store import alerts, deploys, incidents, rollups, runs

if TYPE_CHECKING:
    from hub.site import Pages

USUAL_RANGE = "24h"
_LENGTHS = {one.key: one.length for one in RANGES if one.key in ("24h", "7d", "30d")}
_DAY_S = 86_400
_STEPS_S = (300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, _DAY_S)
_VITAL_POINTS = 31
_MOST_DEPLOYS, _MOST_INCIDENTS, _LEADS_READ = 6, 8, 40
"""The newest are marked: every chart of the page has all marks, and more could not be told apart in a small one."""
_MOST_ROWS = 20_000
_LONGEST_CELL_S = _DAY_S
_LAST_KNOWN = timedelta(days=35)


def add_journey_pages(router: APIRouter, pages: Pages) -> None:
    """Add `/journeys/{name}`, `/journeys/{name}.csv` and `/journeys/{name}/run`."""
    cache = VitalsCache()

    @router.get("/journeys/{name}")
    def show_journey(name: str, request: Request) -> Response:
        journey = name.removesuffix(".csv")
        schedule = _schedule(pages.context, journey)
        asked = filter_of(request, schedule)
        if journey != name:
            return csv_file(_csv(pages.context, journey, asked), f"{journey}.csv")
        seen = pages.seen_by(request)
        judged_at, verdicts = seen.verdicts()
        data = _load(seen, cache, journey, schedule, asked, verdicts)
        frame = seen.frame(journey_title(journey), f"/journeys/{journey}", refresh_s=15, judged_at=judged_at)
        return HTMLResponse(journey_page(frame, data))

    @router.get("/journeys/{name}/run")
    def show_run_of_cell(name: str, request: Request) -> Response:
        schedule, context = _schedule(pages.context, name), pages.context
        location = one_of("location", request.query_params.get("location", ""), tuple(schedule.grids))
        since = _moment(request.query_params.get("at", ""))
        length = timedelta(seconds=_seconds(request.query_params.get("for", "")))
        with context.store.read() as connection:
            found = runs.worst_of_slots(connection, journey=name, location=location, since=since, until=since + length)
        if found is None:
            raise HubError(404, f"no run of {name} at {location} is kept of {since:%Y-%m-%d %H:%M} UTC")
        return Response(status_code=303, headers={"Location": f"{context.guard.access.prefix}/runs/{quote(found)}"})


def _schedule(context: HubContext, name: str) -> Schedule:
    schedule = context.watched.schedules().get(name)
    if schedule is None:
        raise HubError(404, f"no journey {name!r:.120} on the schedule")
    return schedule


def filter_of(request: Request, schedule: Schedule) -> RunFilter:
    """Return what the address of a journey's page asks for. Raises HubError 422."""
    asked = request.query_params
    page = page_of(asked.get("page", "1"))
    if page > MOST_PAGES:
        raise HubError(422, f"page: the list ends with page {MOST_PAGES}; the CSV has the older runs")
    return RunFilter(
        range_key=one_of("range", asked.get("range", USUAL_RANGE), tuple(_LENGTHS)),
        status=one_of("status", asked.get("status", ""), ("", *(status.value for status in Status))),
        location=one_of("location", asked.get("location", ""), ("", *schedule.grids)),
        page=page,
    )


def _moment(text: str) -> datetime:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise HubError(422, f"at: {text!a:.40} is no moment; write seconds since 1970, as the cells of the page do")
    return datetime.fromtimestamp(int(text), UTC)


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= _LONGEST_CELL_S):
        raise HubError(422, f"for: {text!a:.40} is no length of a cell; write 1 to {_LONGEST_CELL_S} seconds")
    return int(text)


def _csv(context: HubContext, journey: str, asked: RunFilter) -> str:
    now = context.clock()
    with context.store.read() as connection:
        found = runs.failing_first(
            connection,
            journey=journey,
            since=now - _LENGTHS[asked.range_key] / context.scale,
            until=now + CLOCKS_APART,
            location=asked.location or None,
            status=Status(asked.status) if asked.status else None,
            limit=_MOST_ROWS,
        )
    return runs_csv(found)


def _load(
    pages: Pages,
    cache: VitalsCache,
    name: str,
    schedule: Schedule,
    asked: RunFilter,
    verdicts: Sequence[Verdict],
) -> JourneyData:
    context, now = pages.context, pages.context.clock()
    length = _LENGTHS[asked.range_key] / context.scale
    grain = grain_of(length, schedule.period_s)
    vital_step_s = next(
        (one for one in _STEPS_S if one >= grain.small_s and length.total_seconds() / one <= _VITAL_POINTS), _DAY_S
    )
    since = start_of(now - length, grain.cell_s)
    with context.store.read() as connection:
        firing = [alert for alert in alerts.standing(connection) if alert.state is AlertState.FIRING]
        tries = runs.first_attempts(connection, [(name, place) for place in schedule.grids], since=now - length)
        buckets = rollups.read(connection, width_s=grain.width_s, since=since, journey=name)
        listed = runs.failing_first(
            connection,
            journey=name,
            since=now - length,
            until=now + CLOCKS_APART,
            location=asked.location or None,
            status=Status(asked.status) if asked.status else None,
            offset=(asked.page - 1) * PAGE_SIZE,
            limit=PAGE_SIZE + 1,
        )
        last = {
            place: found[-1]
            for place in schedule.grids
            if (found := runs.last_of_slots(connection, journey=name, location=place, since=now - _LAST_KNOWN, limit=1))
        }
        return JourneyData(
            name=name,
            now=now,
            window=_words(asked.range_key, context.scale),
            ranges=[(key, _words(key, context.scale)) for key in _LENGTHS],
            stretch=Stretch(
                since=since,
                until=now,
                step_s=grain.step_s,
                small_s=grain.small_s,
                cell_s=grain.cell_s,
                zone=pages.zone.zone,
                deploys=[
                    (one.at, one.version)
                    for one in deploys.of_period(connection, since=since, until=now, limit=_MOST_DEPLOYS)
                ],
                incidents=_incidents(connection, name, since, now),
            ),
            locations=list(schedule.grids),
            verdicts=verdicts,
            alerts=firing,
            tries={place: tries[name, place] for place in schedule.grids},
            buckets=[bucket for bucket in buckets if bucket.location in schedule.grids],
            last=last,
            limit_ms=_limit_ms(connection, name, schedule, now),
            budget=_budget(connection, pages, name, schedule, verdicts, now),
            vitals=cache.vitals(
                connection,
                journey=name,
                period_s=schedule.period_s,
                grids=schedule.grids,
                since=start_of(since, vital_step_s),
                range_key=asked.range_key,
                step_s=vital_step_s,
            ),
            vital_step_s=vital_step_s,
            runs=listed[:PAGE_SIZE],
            has_more=len(listed) > PAGE_SIZE,
            asked=asked,
        )


class Grain(NamedTuple):
    """How finely a range is shown: the seconds of a bucket of the store, of a point of the large chart and of a small one, and of a
    cell."""

    width_s: int
    step_s: int
    small_s: int
    cell_s: int


_GRAINS = (
    (timedelta(hours=8), Grain(300, 300, 600, 300)),
    (timedelta(hours=30), Grain(300, 900, 1800, 1800)),
    (timedelta(days=10), Grain(3600, 7200, 14_400, 14_400)),
    (timedelta(days=45), Grain(_DAY_S, _DAY_S, _DAY_S, _DAY_S)),
)
"""By the length up to which they are used: a page stays below 150 KB, and reads no more than a thousand buckets a location."""


def grain_of(length: timedelta, period_s: int) -> Grain:
    """Return how finely so long a time of a journey is shown.

    A point is never shorter than the interval of the journey: every other one would look as if something were missing.
    """
    grain = next((one for most, one in _GRAINS if length <= most), _GRAINS[-1][1])
    points = (next((one for one in _STEPS_S if one >= max(step_s, period_s)), _DAY_S) for step_s in grain[1:])
    return Grain(grain.width_s, *points)


def _words(range_key: str, scale: float) -> str:
    """Return a range in words; a hub whose time runs faster shows as many slots, in less time."""
    if scale != 1:
        return span(_LENGTHS[range_key] / scale)
    return next(one.label for one in RANGES if one.key == range_key)


def _limit_ms(connection: Connection, name: str, schedule: Schedule, now: datetime) -> float | None:
    """Return the duration from which on a run is slow, as the last good run says it."""
    for place in schedule.grids:
        run = runs.last_good(connection, journey=name, location=place, before=now)
        if run is not None:
            return run.slow_after_ms
    return None


def _incidents(
    connection: Connection, name: str, since: datetime, now: datetime
) -> list[tuple[str, datetime, datetime]]:
    """Return the incidents of a period that began with an alert about a journey, each with its name, its beginning and its end."""
    found: list[Incident] = incidents.of_period(connection, since=since, until=now, limit=_LEADS_READ)
    leads = {alert.id: alert for alert in alerts.of_ids(connection, [one.lead for one in found])}
    told = []
    for one in found:
        lead = leads.get(one.lead)
        if lead is not None and lead.journey == name:
            ended = (lead.over_at or one.resolved_at) if one.resolved_at else None
            told.append((label_of(one.id), lead.began_at, ended or now))
    return told[:_MOST_INCIDENTS]


def _budget(
    connection: Connection,
    pages: Pages,
    name: str,
    schedule: Schedule,
    verdicts: Sequence[Verdict],
    now: datetime,
) -> JourneyBudget | None:
    """Return what is left of the error budget of the first rule that judges how fast it burns, as that rule's page says it."""
    found = (
        (rule_name, rule)
        for rule_name, rule in pages.context.targets.rules().items()
        if isinstance(rule, Burn) and rule.enabled and rule.target < 1
    )
    rule_name, rule = next(found, (None, None))
    if rule_name is None or rule is None:
        return None
    first = budget_begins(settings_of(pages).zone, now)
    schedules = pages.context.watched.schedules()
    bad = sum(n for outcome, n in bad_runs(connection, schedules, since=first, until=now) if outcome.journey == name)
    total_minutes = BUDGET_DAYS * 1440 * (1 - rule.target)
    return JourneyBudget(
        rule=rule_name,
        key=next((v.key for v in verdicts if v.rule == rule_name and v.journey == name), ""),
        target=rule.target,
        left=1 - bad * stands_for_s(schedule) / 60 / total_minutes,
        total_minutes=total_minutes,
        bad=bad,
        days=BUDGET_DAYS,
    )
