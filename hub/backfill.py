"""Fills in the numbers of a source's past: what its service still knows of the time before the hub read it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from facts import Sample
from hub.collect import reading_errors, save_events
from hub.kept_series import note_filled
from metrics import SKETCHED
from sources import Collected, PastSource, SourceError
from store import Store, cursors, samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a backfill saved: from which moment on, how many samples, and how many events that were new.

    A sample that was there already is among them, with the same value. `reads` is the number of requests that it took, `missing` says
    what could not be read.
    """

    since: datetime
    samples: int
    events: int
    reads: int
    missing: str | None = None


def backfill(store: Store, source: PastSource, *, since: datetime, now: datetime) -> Filled:
    """Read a source's past from `since` on and save it, a day in one transaction, so that whoever else writes waits only for a day's.

    Doing it again counts nothing twice, also after it was interrupted. Where the usual readings go on stays as it is; they may go on at
    the same time. The requests are counted before anything else is saved.

    Raises:
        SourceError: nothing could be read, or it brought what is not taken.
    """
    with store.read() as connection:
        before = cursors.get(connection, source.name)
    past = source.read_past(before.cursor, since, now)
    with store.write() as connection:
        _count_reads(connection, source, past.reads, now)
    if wrong := reading_errors(Collected(samples=past.samples, events=past.events), source.name):
        raise SourceError(f"{source.name} brought what is not taken: {'; '.join(wrong[:3])}", permanent=True)
    with store.write() as connection:
        cursors.lock(connection, source.name)
        new, saved = save_events(connection, past.events, source=source.name, now=now)
    days: dict[date, list[Sample]] = defaultdict(list)
    for sample in past.samples:
        days[sample.at.date()].append(sample)
    for of_day in days.values():
        with store.write() as connection:
            cursors.lock(connection, source.name)
            saved += samples.save(connection, of_day, now=now, sketched=SKETCHED)
    with store.write() as connection:
        # A new version of the cursor and the mark have the hub read again what it keeps.
        _count_reads(connection, source, 0, now)
        note_filled(connection, now)
    return Filled(since=past.since, samples=saved, events=new, reads=past.reads, missing=past.missing)


def _count_reads(connection: Connection, source: PastSource, reads: int, now: datetime) -> None:
    cursors.lock(connection, source.name)
    state = cursors.get(connection, source.name)
    cursors.advance(connection, replace(state, cursor=source.count_reads(state.cursor, reads, now)))
