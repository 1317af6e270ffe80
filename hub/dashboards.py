"""Loads what a dashboard's widgets ask for, and answers with the page: rollups and verdicts, never the history of runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from facts import AlertState
from hub.context import HubContext
from hub.errors import HubError
from hub.loading import CLOCKS_APART
from reports.dashboards import (
    DASHBOARDS,
    Dashboard,
    Goal,
    Need,
    Numbers,
    View,
    dashboard_page,
    needs_of,
    view_of,
)
from reports.dashboards.numbers import WEEK_S
from reports.dashboards.widgets.system_health import DAYS
from reports.ranges import ViewError
from sla.kinds.daily_goal import DailyGoal
from store import alerts, deploys, feeds, rollups, runs, samples

if TYPE_CHECKING:
    from hub.site import Pages

_REQUESTS_WINDOW = timedelta(hours=1)
_HOUR_S, _DAY_S = 3600, 86_400
_MOST_DEPLOYS = 12
"""More marks could not be told apart in a chart."""
_STATIC = (".js", ".css", ".png", ".jpg", ".jpeg", ".svg", ".webp", ".avif", ".ico", ".woff", ".woff2", ".map")


def add_dashboards(router: APIRouter, pages: Pages) -> None:
    """Add every dashboard of the registry; with `part=live` it answers only what changes while the page is open."""
    for dashboard in DASHBOARDS.values():
        _add(router, pages, dashboard)


def _add(router: APIRouter, pages: Pages, dashboard: Dashboard) -> None:
    @router.get(dashboard.path, name=dashboard.title)
    def show(request: Request) -> Response:
        seen, now = pages.seen_by(request), pages.context.clock()
        view = _view(pages.context, dashboard, _with_zone(dict(request.query_params), seen), now)
        numbers = load_numbers(pages.context, dashboard, view, pages=seen)
        frame = seen.frame(dashboard.title, dashboard.path, refresh_s=dashboard.refresh_s, judged_at=numbers.judged_at)
        is_part = request.query_params.get("part") == "live"
        html, etag = dashboard_page(frame, dashboard, view, numbers, now=now, is_part=is_part)
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return HTMLResponse(html, headers={"ETag": etag})


def _with_zone(asked: dict[str, str], seen: Pages) -> dict[str, str]:
    """Return the query with the zone that the reader chose before, if the address names none."""
    kept = {"zone": seen.zone.key, **({"tz": seen.zone.browser_zone} if seen.zone.browser_zone else {})}
    return asked if "zone" in asked else {**kept, **asked}


def _view(context: HubContext, dashboard: Dashboard, asked: dict[str, str], now: datetime) -> View:
    # Whole minutes: what is asked for twice within one is the same page.
    minute = now.replace(second=0, microsecond=0)
    try:
        return view_of(
            asked,
            now=minute,
            business=business_zone(context),
            usual_range=dashboard.usual_range,
            usual_alerts=dashboard.usual_alerts,
        )
    except ViewError as error:
        raise HubError(422, str(error)) from None


def business_zone(context: HubContext) -> ZoneInfo:
    """Return the time zone in which the business's days begin: that of `business` in site.yaml, else UTC."""
    business = context.watched.site.business
    return ZoneInfo(business.timezone if business is not None else "UTC")


def load_numbers(context: HubContext, dashboard: Dashboard, view: View, *, pages: Pages) -> Numbers:
    """Return what the widgets of a dashboard are computed from."""
    judged_at, verdicts = pages.verdicts()
    schedules = context.watched.schedules()
    with context.store.read() as connection:
        results = runs.last_received(connection)
        return Numbers(
            buckets={need.key: load_buckets(connection, need, view) for need in needs_of(dashboard, view)},
            feeds=feeds.states(connection),
            verdicts=verdicts,
            judged_at=judged_at,
            rules=_rules_by_widget(context),
            alerts=[alert for alert in alerts.standing(connection) if alert.state is AlertState.FIRING],
            days=_days(connection, dashboard, view),
            requests=_requests(connection, dashboard, view),
            run_at=max(results.values(), default=None),
            goal=_goal(context),
            journeys={journey: tuple(schedule.grids) for journey, schedule in schedules.items()},
            cities={city: name for name, city in context.watched.site.cities.items()},
            deploys=deploys.of_period(connection, since=view.since, until=view.until, limit=_MOST_DEPLOYS),
        )


def load_buckets(connection: Connection, need: Need, view: View) -> list[samples.Bucket]:
    """Return the buckets that a widget needs."""
    if need.width_s == WEEK_S:
        weeks = view.weeks(round((view.now - need.since) / timedelta(weeks=1)) + 1)
        edges = [begins for begins, _ in weeks if begins >= need.since] + [weeks[-1][1]]
        return samples.read_stretches(connection, need.metric, width_s=_HOUR_S, edges=edges, labels=dict(need.where))
    return samples.read_buckets(
        connection,
        need.metric,
        width_s=need.width_s,
        since=samples.bucket_start(need.since, need.width_s),
        # What lies in the future was told by a clock that was ahead.
        until=view.now + CLOCKS_APART,
        labels=dict(need.where),
    )


def _days(connection: Connection, dashboard: Dashboard, view: View) -> Sequence[rollups.Rollup]:
    if not any(kind.name == "system_health_status" for kind in dashboard.widgets):
        return ()
    since = view.now.replace(hour=0, minute=0) - timedelta(days=DAYS - 1)
    return rollups.read(connection, width_s=_DAY_S, since=since, brief=True)


def _requests(connection: Connection, dashboard: Dashboard, view: View) -> dict[str, list[float]]:
    """Return the seconds of the site's own answers in the last hour by endpoint, of first attempts; files are no endpoints."""
    found: dict[str, list[float]] = defaultdict(list)
    if not any("browser_request_seconds" in kind.metrics for kind in dashboard.widgets):
        return found
    for outcome in runs.outcomes(connection, since=view.now - _REQUESTS_WINDOW, until=view.now):
        for answer in outcome.requests:
            is_file = answer.endpoint.lower().endswith(_STATIC)
            if answer.party == "first" and answer.duration_ms is not None and answer.status is not None and not is_file:
                found[answer.endpoint].append(answer.duration_ms / 1000)
    return found


def _rules_by_widget(context: HubContext) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, rule in context.targets.rules().items():
        for widget in rule.widgets:
            found[widget].add(name)
    return found


def _goal(context: HubContext) -> Goal | None:
    """Return the daily goal of the first rule that has one and is on."""
    for rule in context.targets.rules().values():
        if isinstance(rule, DailyGoal) and rule.enabled:
            at = time.fromisoformat(rule.at)
            return Goal(minor=rule.goal_minor, share=rule.share, by_hour=at.hour + at.minute / 60)
    return None
