"""Adds the pages of journeys: a journey over a range of time, its runs as CSV, and the way from a cell of its strips to a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from facts import AlertState, Incident, Status, Verdict
from hub.asked_range import asked_range
from hub.charts import VitalsCache
from hub.context import HubContext
from hub.errors import HubError
from hub.incident_data import BUDGET_DAYS, stands_for_s
from hub.incident_pages import csv_file, one_of, page_of
from hub.loading import CLOCKS_APART
from hub.report_data import bad_runs
from hub.report_pages import settings_of
from hub.target_pages import budget_begins
from reports.live.incident import label_of
from reports.live.journey import JourneyBudget, JourneyData, journey_page
from reports.live.journey_charts import Stretch, start_of
from reports.live.journey_runs import MOST_PAGES, PAGE_SIZE, RunFilter, runs_csv
from reports.ranges import TimeRange
from reports.words import journey_title
from sla.history import Schedule
from sla.kinds.burn import Burn
from store import alerts, deploys, incidents, rollups, runs
from store.histograms import merged
from store.rollups import Rollup

if TYPE_CHECKING:
    from hub.site import Pages

USUAL_RANGE = "24h"
_DAY_S = 86_400
_STEPS_S = (300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, _DAY_S, 4 * _DAY_S, 7 * _DAY_S)
_VITAL_POINTS = 31
_MOST_DEPLOYS, _MOST_INCIDENTS, _LEADS_READ = 6, 8, 40
"""The newest are marked: every chart of the page has all marks, and more could not be told apart in a small one."""
_MOST_ROWS = 20_000
_LONGEST_CELL_S = 7 * _DAY_S
_FINE_BUCKETS = timedelta(days=85)
"""The time before now in which buckets of five minutes are read; the store deletes them after 90 days."""
_RUNS_KEPT = timedelta(days=30)
_LAST_KNOWN = timedelta(days=35)


def add_journey_pages(router: APIRouter, pages: Pages) -> None:
    """Add `/journeys/{name}`, `/journeys/{name}.csv` and `/journeys/{name}/run`."""
    cache = VitalsCache()

    @router.get("/journeys/{name}")
    def show_journey(name: str, request: Request) -> Response:
        journey = name.removesuffix(".csv")
        schedule = _schedule(pages.context, journey)
        seen = pages.seen_by(request)
        shown = asked_range(seen, request, usual=USUAL_RANGE)
        asked = filter_of(request, schedule, shown.query(seen.zone.zone))
        if journey != name:
            return csv_file(_csv(pages.context, journey, asked, shown), f"{journey}.csv")
        judged_at, verdicts = seen.verdicts()
        data = _load(seen, cache, journey, schedule, asked, shown, verdicts, dict(request.query_params))
        frame = seen.frame(journey_title(journey), f"/journeys/{journey}", refresh_s=15, judged_at=judged_at)
        return HTMLResponse(journey_page(frame, data))

    @router.get("/journeys/{name}/run")
    def show_run_of_cell(name: str, request: Request) -> Response:
        schedule, context = _schedule(pages.context, name), pages.context
        location = one_of("location", request.query_params.get("location", ""), ("", *schedule.grids))
        since = _moment(request.query_params.get("at", ""))
        length = timedelta(seconds=_seconds(request.query_params.get("for", "")))
        with context.store.read() as connection:
            # A cell of a strip is of one location, and shows what failed; a point of the duration is of those that passed everywhere.
            found = None
            if not location:
                found = runs.slowest_of_slots(connection, journey=name, since=since, until=since + length)
            if found is None:
                found = runs.worst_of_slots(
                    connection, journey=name, location=location or None, since=since, until=since + length
                )
        if found is None:
            where = f" at {location}" if location else ""
            raise HubError(
                404, f"no run of {name}{where} is kept of {since:%Y-%m-%d %H:%M} UTC; a run that passed is kept 35 days"
            )
        return Response(status_code=303, headers={"Location": f"{context.guard.access.prefix}/runs/{quote(found)}"})


def _schedule(context: HubContext, name: str) -> Schedule:
    schedule = context.watched.schedules().get(name)
    if schedule is None:
        raise HubError(404, f"no journey {name!r:.120} on the schedule")
    return schedule


def filter_of(request: Request, schedule: Schedule, ranged: Mapping[str, str]) -> RunFilter:
    """Return what the address of a journey's page asks for. Raises HubError 422."""
    asked = request.query_params
    page = page_of(asked.get("page", "1"))
    if page > MOST_PAGES:
        raise HubError(422, f"page: the list ends with page {MOST_PAGES}; the CSV has the older runs")
    return RunFilter(
        ranged=ranged,
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


def _csv(context: HubContext, journey: str, asked: RunFilter, shown: TimeRange) -> str:
    with context.store.read() as connection:
        found = runs.failing_first(
            connection,
            journey=journey,
            since=shown.since,
            until=_end(shown),
            location=asked.location or None,
            status=Status(asked.status) if asked.status else None,
            limit=_MOST_ROWS,
        )
    return runs_csv(found)


def _end(shown: TimeRange) -> datetime:
    """Return up to when runs are listed: a runner's clock may be ahead of a range that ends now."""
    return shown.until if shown.is_custom else shown.until + CLOCKS_APART


def _tries(
    connection: Connection, name: str, schedule: Schedule, shown: TimeRange, buckets: Sequence[Rollup]
) -> dict[str, tuple[int, int]]:
    """Return how many first attempts passed, of how many, by location.

    They are counted in the runs where the range ends now and every run of it is still there, else in the buckets.
    """
    if not shown.is_custom and shown.length <= _RUNS_KEPT:
        tries = runs.first_attempts(connection, [(name, place) for place in schedule.grids], since=shown.since)
        return {place: tries[name, place] for place in schedule.grids}
    found = {}
    for place in schedule.grids:
        counts = merged(bucket.counts for bucket in buckets if bucket.location == place)
        tried = sum(counts.get(status.value, 0) for status in (Status.PASSED, Status.FAILED, Status.TIMED_OUT))
        found[place] = (min(counts.get("first_passed", 0), tried), tried)
    return found


def _load(
    pages: Pages,
    cache: VitalsCache,
    name: str,
    schedule: Schedule,
    asked: RunFilter,
    shown: TimeRange,
    verdicts: Sequence[Verdict],
    query: Mapping[str, str],
) -> JourneyData:
    context, now = pages.context, pages.context.clock()
    length = shown.length
    grain = grain_of(length, schedule.period_s, is_old=now - shown.since > _FINE_BUCKETS)
    vital_step_s = next(
        (one for one in _STEPS_S if one >= grain.small_s and length.total_seconds() / one <= _VITAL_POINTS),
        _STEPS_S[-1],
    )
    since = start_of(shown.since, grain.cell_s)
    with context.store.read() as connection:
        firing = [alert for alert in alerts.standing(connection) if alert.state is AlertState.FIRING]
        buckets = rollups.read(
            connection,
            width_s=grain.width_s,
            since=since,
            until=shown.until if shown.is_custom else None,
            journey=name,
        )
        listed = runs.failing_first(
            connection,
            journey=name,
            since=shown.since,
            until=_end(shown),
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
            window=shown.label,
            shown=shown,
            query=query,
            stretch=Stretch(
                since=since,
                until=shown.until,
                step_s=grain.step_s,
                small_s=grain.small_s,
                cell_s=grain.cell_s,
                zone=pages.zone.zone,
                deploys=[
                    (one.at, one.version)
                    for one in deploys.of_period(connection, since=since, until=shown.until, limit=_MOST_DEPLOYS)
                ],
                incidents=_incidents(connection, name, since, shown.until, now),
            ),
            locations=list(schedule.grids),
            verdicts=verdicts,
            alerts=firing,
            tries=_tries(connection, name, schedule, shown, buckets),
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
                until=shown.until if shown.is_custom else None,
                range_key=shown.key,
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
    (timedelta(hours=2), Grain(300, 300, 300, 300)),
    (timedelta(hours=8), Grain(300, 300, 600, 300)),
    (timedelta(hours=30), Grain(300, 900, 1800, 1800)),
    (timedelta(days=10), Grain(3600, 7200, 14_400, 14_400)),
    (timedelta(days=45), Grain(_DAY_S, _DAY_S, _DAY_S, _DAY_S)),
    (timedelta(days=400), Grain(_DAY_S, 4 * _DAY_S, 7 * _DAY_S, 7 * _DAY_S)),
)
"""By the length up to which they are used: a page stays below 150 KB, and reads no more than a thousand buckets a location."""


def grain_of(length: timedelta, period_s: int, *, is_old: bool = False) -> Grain:
    """Return how finely so long a time of a journey is shown.

    A point is never shorter than the interval of the journey: every other one would look as if something were missing. `is_old` is
    for a time of which no buckets of five minutes are kept.
    """
    grain = next((one for most, one in _GRAINS if length <= most), _GRAINS[-1][1])
    width_s = max(grain.width_s, 3600) if is_old else grain.width_s
    shortest = width_s if is_old else 0
    points = (
        next((one for one in _STEPS_S if one >= max(step_s, period_s, shortest)), max(_DAY_S, step_s))
        if period_s <= _DAY_S
        else max(_DAY_S, step_s)
        for step_s in grain[1:]
    )
    return Grain(width_s, *points)


def _limit_ms(connection: Connection, name: str, schedule: Schedule, now: datetime) -> float | None:
    """Return the duration from which on a run is slow, as the last good run says it."""
    for place in schedule.grids:
        run = runs.last_good(connection, journey=name, location=place, before=now)
        if run is not None:
            return run.slow_after_ms
    return None


def _incidents(
    connection: Connection, name: str, since: datetime, until: datetime, now: datetime
) -> list[tuple[str, datetime, datetime]]:
    """Return the incidents of a period that began with an alert about a journey, each with its name, its beginning and its end."""
    found: list[Incident] = incidents.of_period(connection, since=since, until=until, limit=_LEADS_READ)
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
    found_bad = bad_runs(connection, schedules, since=first, until=now, apart=False)
    bad = sum(n for outcome, n in found_bad if outcome.journey == name)
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
