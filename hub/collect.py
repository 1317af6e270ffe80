"""Reads sources; what one brought is saved in one transaction, and a failed reading is stored as one, never as a number."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from config.durations import seconds
from facts import Event
from hub.event_store import save_events
from hub.watched import Watched
from journeys.browser import our_version
from metrics import SKETCHED, sample_errors
from redact.plain_text import plain
from sources import Collected, Source, SourceError, SourceSettings
from sources.endpoints import ANY_SITE, TICKET_SHOP
from sources.logs import LogsSource
from store import Store, cursors, events, feeds, samples
from store.cursors import CursorState

INVENTORY = "inventory"
LONGEST_WAIT_S = 3600.0
"""However often a source failed and whatever it asked for, it is asked again after an hour."""
_MOST_BACKOFF, _PERMANENT_BACKOFF = 5, 15
_JITTER = 0.2
_LONGEST = {"id": 200, "level": 16, "name": 100, "category": 100}


class CollectResult(StrEnum):
    """What became of one reading."""

    COLLECTED = "collected"
    FAILED = "failed"
    WAITING = "waiting"
    """The source was not asked: it failed before, and may not be asked yet."""
    SUPERSEDED = "superseded"
    """Another hub read the source at the same time, and its reading was saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a source: its result, how many samples and new events were saved, and what went wrong."""

    result: CollectResult
    samples: int = 0
    events: int = 0
    error: str | None = None


def source_settings(watched: Watched) -> SourceSettings:
    """Return what sources are told of the site."""
    site, checks = watched.site, watched.site.endpoint_checks
    usual = TICKET_SHOP if site.sells_tickets else ANY_SITE
    return SourceSettings(
        base_url=site.base_url,
        user_agent=f"sixfb/{our_version()} (hub)",
        sells_tickets=site.sells_tickets,
        endpoints=(checks.paths or usual) if checks else None,
        endpoints_every_s=seconds(checks.every) if checks else 300.0,
        log_files=tuple(site.log_files or ()),
    )


def collect_once(
    store: Store,
    source: Source,
    now: datetime,
    *,
    period_s: float | None = None,
    jitter: Callable[[], float] = random.random,
) -> Reading:
    """Read a source once and save what it brought: samples, events, cursor and the state of its feed in one transaction.

    A source that failed is asked again later and later: after `period_s` (its own period, where none is given), twice that, and so on
    up to 5 periods, or 15 where only other settings can help; and not before it asked to be, an hour at most. `jitter` gives a
    number from 0 to 1, by which a wait is shortened up to a fifth.
    """
    with store.read() as connection:
        before = cursors.get(connection, source.name)
    if _must_wait(before, now):
        return Reading(result=CollectResult.WAITING)
    try:
        collected = source.collect(before.cursor, now)
        if wrong := reading_errors(collected, source.name):
            raise SourceError(f"{source.name} brought what is not taken: {'; '.join(wrong[:3])}", permanent=True)
    except SourceError as error:
        wait_s = _wait_s(error, before.failures, period_s or source.every_s, jitter())
        return _save_failure(store, before, error, now, wait_s)
    return _save(store, before, collected, now)


def _must_wait(state: CursorState, now: datetime) -> bool:
    """A moment further away than any wait was written by a clock that was ahead, and binds nobody."""
    if state.next_try_at is None:
        return False
    return now < state.next_try_at <= now + timedelta(seconds=LONGEST_WAIT_S)


def reading_errors(collected: Collected, source: str) -> list[str]:
    """Return a sentence for each sample and event that cannot be kept."""
    return [*sample_errors(collected.samples, source=source), *(e for one in collected.events for e in _of_event(one))]


def _of_event(event: Event) -> Iterator[str]:
    for name, most in _LONGEST.items():
        text = getattr(event, name)
        if text is not None and not (1 <= len(text) <= most and text == plain(text)):
            yield f"an event's {name} is {text!a:.80}, and not a line of 1 to {most} characters"


def _wait_s(error: SourceError, failures: int, period_s: float, chance: float) -> float:
    # Also what looks permanent is tried again soon at first: a site answers 403 or 404 for a minute while it is deployed.
    periods = min(1 << min(failures, 10), _PERMANENT_BACKOFF if error.permanent else _MOST_BACKOFF)
    wait_s = period_s * periods * (1 - _JITTER * chance)
    return min(max(wait_s, error.retry_after_s or 0.0), LONGEST_WAIT_S)


def _save(store: Store, before: CursorState, collected: Collected, now: datetime) -> Reading:
    after = replace(before, cursor=collected.cursor, failures=0, permanent=False, next_try_at=None)
    with store.write() as connection:
        # First, because on PostgreSQL it makes another hub wait that saves the same source.
        if not cursors.advance(connection, after):
            return Reading(result=CollectResult.SUPERSEDED)
        saved = samples.save(connection, collected.samples, now=now, sketched=SKETCHED)
        if before.source == LogsSource.name:
            new = len(save_events(connection, [(before.source, event) for event in collected.events], now=now))
        else:
            # Another service's events tell of the same payments as the site's own: counted too, they would count twice.
            new = events.save(connection, collected.events, source=before.source)
        feeds.note_good(connection, before.source, now)
    return Reading(result=CollectResult.COLLECTED, samples=saved, events=new)


def _save_failure(store: Store, before: CursorState, error: SourceError, now: datetime, wait_s: float) -> Reading:
    said = plain(str(error))
    after = replace(
        before,
        failures=before.failures + 1,
        permanent=error.permanent,
        next_try_at=now + timedelta(seconds=wait_s),
    )
    with store.write() as connection:
        if not cursors.advance(connection, after):
            return Reading(result=CollectResult.SUPERSEDED, error=said)
        _note_failure(connection, before.source, error, said, now)
    return Reading(result=CollectResult.FAILED, error=said)


def _note_failure(connection: Connection, source: str, error: SourceError, said: str, now: datetime) -> None:
    known = feeds.states(connection).get(source)
    if error.absent and (known is None or known.last_good_at is None):
        # A shop that never had such a thing is not broken: the source is off until it brings something.
        feeds.forget(connection, source)
    else:
        feeds.note_error(connection, source, now, said)
