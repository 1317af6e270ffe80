"""Reads sources; what one brought is saved in one transaction, and a failed reading is stored as one, never as a number."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from config import Complaint, ConfigError, Secret, read_secret
from config.durations import seconds
from config.stripe_key import source_key
from facts import Event
from hub.event_store import save_events as save_site_events
from hub.kept_series import note_counted
from hub.watched import Watched
from journeys.browser import our_version
from journeys.site import StripeReads
from metrics import SKETCHED, sample_errors
from redact.plain_text import plain
from sources import EVENT_COUNTS, Collected, Source, SourceError, SourceSettings
from sources.database import VARIABLE as DATABASE_VARIABLE
from sources.endpoints import ANY_SITE, TICKET_SHOP
from sources.logs import LogsSource
from sources.stripe_events import EventFilter
from store import Store, cursors, events, feeds, samples
from store.cursors import CursorState

INVENTORY = "inventory"
LONGEST_WAIT_S = 3600.0
"""However often a source failed and whatever it asked for, it is asked again after an hour."""
_MOST_BACKOFF, _PERMANENT_BACKOFF = 5, 15
_JITTER = 0.2
_LONGEST = {"id": 200, "level": 16, "name": 100, "category": 100}


class CollectResult(StrEnum):
    """The result of one reading."""

    COLLECTED = "collected"
    FAILED = "failed"
    WAITING = "waiting"
    """The source was not asked: it failed before, and may not be asked yet."""
    SUPERSEDED = "superseded"
    """Another hub read the source at the same time, and its reading was saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Holds one reading of a source: its result, how many samples and new events were saved, and what went wrong."""

    result: CollectResult
    samples: int = 0
    events: int = 0
    error: str | None = None


def source_settings(watched: Watched, environment: Mapping[str, str] = os.environ) -> SourceSettings:
    """Return the settings of the site for its sources, with their secrets. Raises ConfigError for an unusable secret."""
    site, checks, reads = watched.site, watched.site.endpoint_checks, watched.site.stripe_reads or StripeReads()
    key, sms = source_key(environment), watched.site.sms_reads
    usual = TICKET_SHOP if site.sells_tickets else ANY_SITE
    return SourceSettings(
        base_url=site.base_url,
        user_agent=f"sixfb/{our_version()} (hub)",
        sells_tickets=site.sells_tickets,
        endpoints=(checks.paths or usual) if checks else None,
        endpoints_every_s=seconds(checks.every) if checks else 300.0,
        stripe_key=key,
        stripe_base=environment.get("STRIPE_API_BASE", "").strip() or None,
        stripe_every_s=seconds(reads.every),
        stripe_reads=reads.allowed,
        stripe_events=stripe_events(watched, environment),
        sms_account=read_secret("TWILIO_ACCOUNT_SID", environment) if sms else None,
        sms_token=read_secret("TWILIO_AUTH_TOKEN", environment) if sms else None,
        sms_base=environment.get("TWILIO_API_BASE", "").strip() or None,
        sms_every_s=seconds(sms.every) if sms else None,
        sms_from=sms.from_numbers if sms else (),
        log_files=tuple(site.log_files or ()),
        database_url=_database_url(environment),
    )


def _database_url(environment: Mapping[str, str]) -> Secret | None:
    url = read_secret(DATABASE_VARIABLE, environment)
    if url is None or re.match(r"postgres(ql)?://\S+", url.reveal()):
        return url
    what, hint = "is no address of a PostgreSQL", "write it like postgresql://watcher:PASSWORD@db.example.com/shop"
    raise ConfigError(Complaint(file="environment", key=DATABASE_VARIABLE, what=what, hint=hint))


def stripe_webhook_secret(environment: Mapping[str, str] = os.environ) -> Secret | None:
    """Return the secret with which Stripe signs its webhooks to this hub; None if it is not set. Raises ConfigError."""
    secret = read_secret("STRIPE_WEBHOOK_SECRET", environment)
    if secret is None or re.fullmatch(r"whsec_\S+", secret.reveal()):
        return secret
    what = "is no secret of a webhook of Stripe's"
    hint = "it begins with whsec_, and Stripe shows it for the endpoint"
    raise ConfigError(Complaint(file="environment", key="STRIPE_WEBHOOK_SECRET", what=what, hint=hint))


def stripe_events(watched: Watched, environment: Mapping[str, str] = os.environ) -> EventFilter:
    """Return which of Stripe's events are counted: those of the source key's mode that are not the synthetic buyer's.

    Raises:
        ConfigError: the key cannot be used.
    """
    site, key = watched.site, source_key(environment)
    live = "_live_" in key.reveal() if key else None
    return EventFilter(email_pattern=site.email_pattern, cities=site.cities, live=live)


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
            feed = feeds.states(connection).get(source.name)
            return Reading(result=CollectResult.WAITING, error=feed.last_error if feed else None)
    try:
        collected = source.collect(before.cursor, now)
        if wrong := reading_errors(collected, source.name):
            raise SourceError(f"{source.name} brought what is not taken: {'; '.join(wrong[:3])}", permanent=True)
    except SourceError as error:
        wait_s = _wait_s(error, before.failures, period_s or source.every_s, jitter())
        return _save_failure(store, before, error, now, wait_s)
    return _save(store, before, collected, now)


def _must_wait(state: CursorState, now: datetime) -> bool:
    """Return whether a source must still wait; a time further away than any wait was set by a wrong clock, and is ignored."""
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
            # The site's own events count at once. Another service's tell of the same payments: they have numbers of their own.
            pairs = [(before.source, event) for event in collected.events]
            new, counted = len(save_site_events(connection, pairs, now=now)), 0
        else:
            new, counted = save_events(connection, collected.events, source=before.source, now=now)
        if collected.incomplete is None:
            feeds.note_good(connection, before.source, now)
        else:
            feeds.note_error(connection, before.source, now, plain(collected.incomplete))
    return Reading(
        result=CollectResult.COLLECTED if collected.incomplete is None else CollectResult.FAILED,
        samples=saved + counted,
        events=new,
        error=collected.incomplete,
    )


def save_events(connection: Connection, brought: Sequence[Event], *, source: str, now: datetime) -> tuple[int, int]:
    """Save events, and count their seconds anew where numbers are made of the source's events; return how many events were new and how
    many samples were counted.

    A second is counted out of everything that is stored of it, so an event counts once, however often and by whichever way it comes.
    Whoever saves for the source must hold its row of `cursors`: two that count the same second at once would miss each other's events.
    """
    new = events.save(connection, brought, source=source)
    count = EVENT_COUNTS.get(source)
    if count is None or not new:
        return new, 0
    note_counted(connection, source, now)
    stored = events.at_moments(connection, source, {event.at for event in brought})
    return new, samples.save(connection, count(stored), now=now, sketched=SKETCHED)


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
