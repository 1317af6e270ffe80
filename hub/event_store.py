"""Saves events together with what they count: both are in the database, or neither is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from facts import Event, Labels
from metrics import counts_of
from metrics.events import MOST_SERIES, OPEN_LABELS, OTHER, SOURCE
from store import events, feeds, samples

_Counted = dict[tuple[str, Labels, datetime], float]


def save_events(connection: Connection, told: Sequence[tuple[str, Event]], *, now: datetime) -> set[tuple[str, str]]:
    """Save events, each with its source, and return the source and id of those that were new.

    Each new event is added once to the metrics of its minute, in the same transaction.
    """
    new = events.save_new(connection, told)
    if not new:
        return new
    counted: _Counted = defaultdict(float)
    left = set(new)
    for source, event in told:
        # Of two with one id the first is saved, and it alone counts.
        if (source, event.id) in left:
            left.remove((source, event.id))
            minute = event.at.replace(second=0, microsecond=0)
            for one in counts_of(event):
                counted[one.metric, one.labels, minute] += one.value
    samples.add(connection, _bounded(connection, counted), now=now)
    feeds.note_good(connection, SOURCE, now)
    return new


def _bounded(connection: Connection, counted: _Counted) -> _Counted:
    """Return the counts with `other` for the labels that the site chooses, where a metric has too many series already."""
    known = samples.known_series(connection, {metric for metric, _, _ in counted})
    found: _Counted = defaultdict(float)
    for (metric, its, minute), value in counted.items():
        series = known[metric]
        if its not in series and len(series) >= MOST_SERIES:
            its = tuple((name, OTHER if name in OPEN_LABELS else text) for name, text in its)
        series.add(its)
        found[metric, its, minute] += value
    return found
