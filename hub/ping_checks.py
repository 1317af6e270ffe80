"""Reads the checks of the shop's own jobs and what their pings add up to, and excuses what was lost in a break of the watch."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from config.durations import words
from facts import PingCheck, PingCheckShown, PingKind, PingState, WatchedCheck
from journeys.site import Site
from sla.kinds.pings import finding
from sla.ping_times import after_break, expected_at
from store import pings


def checks_of(site: Site) -> list[PingCheck]:
    """Return the checks that site.yaml names, in its order."""
    timezone = site.business.timezone if site.business is not None else "UTC"
    return [one.check(name, timezone=timezone) for name, one in (site.pings or {}).items()]


def watched_checks(connection: Connection, site: Site) -> list[WatchedCheck]:
    """Return each check of site.yaml with what its pings add up to."""
    checks = checks_of(site)
    if not checks:
        return []
    states = pings.states(connection)
    return [WatchedCheck(check=check, state=states.get(check.uuid, PingState())) for check in checks]


def excuse(connection: Connection, site: Site, *, last_tick: datetime, now: datetime) -> None:
    """Excuse the pings that may be lost because the watch was broken from the last tick until now."""
    states = pings.states(connection, lock=True)
    known = {check.uuid: check for check in checks_of(site) if check.uuid in states}
    after = {uuid: after_break(check, states[uuid], last_tick=last_tick, now=now) for uuid, check in known.items()}
    pings.save_states(connection, {uuid: state for uuid, state in after.items() if state != states[uuid]})


def shown_checks(jobs: list[WatchedCheck], now: datetime) -> list[PingCheckShown]:
    """Return the jobs as they are listed: what is down or late first, then by name."""
    order = ("down", "late", "new", "started", "up")
    return sorted((_shown(job, now) for job in jobs), key=lambda job: (order.index(job.state), job.name))


def _shown(job: WatchedCheck, now: datetime) -> PingCheckShown:
    check, state = job.check, job.state
    found, expected = finding(job, now), expected_at(check, state)
    grace = timedelta(seconds=check.grace_s)
    ends = [moment + grace for moment in (expected, state.started_at) if moment is not None]
    result = state.result
    return PingCheckShown(
        name=check.name,
        state=_word(job, now),
        why=found.said,
        schedule=check.cron or f"every {words(check.period_s or 0)}",
        cron=check.cron,
        timezone=check.timezone,
        grace_s=check.grace_s,
        tags=check.tags,
        severity=check.severity,
        pings=state.pings,
        last_ping_at=state.last_at,
        last_success_at=result.at if result is not None and result.kind is PingKind.SUCCESS else None,
        last_duration_s=result.duration_s if result is not None else None,
        started_at=state.started_at,
        expected_at=expected,
        alert_at=min(ends, default=None) if found.since is None else None,
        last_body=state.body,
    )


def _word(job: WatchedCheck, now: datetime) -> str:
    """Return the state of a job in one word of healthchecks.io's."""
    if job.state.is_new:
        return "new"
    if finding(job, now).since is not None:
        return "down"
    if job.state.started_at is not None:
        return "started"
    expected = expected_at(job.check, job.state)
    return "late" if expected is not None and now >= expected else "up"
