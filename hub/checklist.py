"""Gathers what the hub's database and configuration know of the guide's checklist."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from hub.report_data import ReportSettings, first_watched, source_states
from hub.watched import Watched
from reports.checklist import LAUNCH_WATCH, ChecklistFacts
from store import jobs, outbox, rollups, runs, trials
from store.samples import bucket_start

CRITICAL_JOURNEYS = ("ga_purchase", "vip_member_discount")
"""The guide's critical flows."""
_HOUR_S = 3600
_HOUR = timedelta(seconds=_HOUR_S)
_SAID = ("passed", "failed", "timed_out")
_SCHEDULED = ("weekly", "monthly")


def configured_facts(watched: Watched, *, now: datetime, zone: str) -> ChecklistFacts:
    """Return what the configuration alone says: which journeys and locations are planned."""
    schedules = watched.schedules()
    wanted = CRITICAL_JOURNEYS if watched.site.sells_tickets else ()
    places = dict.fromkeys(place for schedule in schedules.values() for place in schedule.grids)
    return ChecklistFacts(
        now=now,
        zone=zone,
        missing_journeys=tuple(journey for journey in wanted if journey not in schedules),
        results=dict.fromkeys(places),
    )


def stored_facts(
    connection: Connection, facts: ChecklistFacts, settings: ReportSettings, *, destinations: Collection[str]
) -> ChecklistFacts:
    """Return the facts with what the database knows. `destinations` are those that have an address."""
    received, watched_since = runs.last_received(connection), first_watched(connection)
    states = jobs.states(connection)
    written = {
        name: state.last_success_at for name in _SCHEDULED if (state := states.get(f"{name}_report")) is not None
    }
    delivered, tested = outbox.last_delivered(connection), trials.last_taken(connection)
    return replace(
        facts,
        results={place: received.get(place) for place in facts.results},
        sources_off={one.name: one.off for one in source_states(connection, settings.watched) if one.off is not None},
        oldest_run=rollups.oldest(connection),
        reached={
            name: max((known[name] for known in (delivered, tested) if name in known), default=None)
            for name in destinations
        },
        first_watched=watched_since,
        watch_coverage=_coverage_of_launch(connection, settings, watched_since, facts.now),
        written=written,
    )


def _coverage_of_launch(
    connection: Connection, settings: ReportSettings, since: datetime | None, now: datetime
) -> float | None:
    """Return the share of the planned runs in the whole hours of the first 48 that have a result; None where none is known."""
    if since is None or since + LAUNCH_WATCH > now:
        return None
    begins = bucket_start(since + _HOUR, _HOUR_S)
    ends = begins + LAUNCH_WATCH - _HOUR
    buckets = rollups.read(connection, width_s=_HOUR_S, since=begins, until=ends, brief=True)
    said = sum(bucket.counts.get(status, 0) for bucket in buckets for status in _SAID)
    expected = sum(
        1
        for schedule in settings.watched.schedules().values()
        for grid in schedule.grids.values()
        for _ in grid.between(begins - timedelta(microseconds=1), ends - timedelta(microseconds=1))
    )
    return min(1.0, said / expected) if said and expected else None
