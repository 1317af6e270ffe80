"""Records slots without any report as missed after a day, so that every slot ends in one record."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.maintenance import planned
from alerts.windows import Maintenance
from facts import Run, Status, why_skipped
from hub.watched import Watched
from store import Store, runs

UNKNOWN_FOR = timedelta(hours=24)
_LOOKS_BACK = timedelta(hours=48)


def write_missed(
    store: Store,
    watched: Watched,
    *,
    since: datetime,
    now: datetime,
    check: Callable[[], None] = lambda: None,
    maintenance: Sequence[Maintenance] = (),
) -> int:
    """Write every slot older than 24 h that has no record as missed, or as skipped where it lay in maintenance; how many there were.

    `since` is when the hub first watched: slots before that were nobody's. `check` raises where it should go no further.
    """
    written = 0
    after, until = max(since, now - _LOOKS_BACK), now - UNKNOWN_FOR
    if until <= after:
        return 0
    for journey, schedule in watched.schedules().items():
        for location, grid in schedule.grids.items():
            check()
            windows = planned(maintenance, location, after)
            with store.write() as connection:
                known = runs.known_slots(connection, journey=journey, location=location, since=after, until=until)
                for slot in grid.between(after, until):
                    if slot not in known:
                        record = _missed(journey, location, slot, now, watched)
                        if (why := why_skipped(windows, journey, slot)) is not None:
                            record = replace(record, status=Status.SKIPPED, error=why)
                        runs.save(connection, record, received_at=now, late=True)
                        written += 1
    return written


def _missed(journey: str, location: str, slot: datetime, now: datetime, watched: Watched) -> Run:
    return Run(
        id=f"{slot:%Y%m%dT%H%M%SZ}-{journey}-{location}-{secrets.token_hex(3)}",
        journey=journey,
        location=location,
        slot=slot,
        status=Status.MISSED,
        error="no word of this slot came within 24 h",
        started_at=now,
        finished_at=now,
        site=watched.site.shown_url,
        browser="none",
        plan="",
    )
