"""Saves events together with what they count: both are in the database, or neither is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from facts import Event, Labels
from metrics import counts_of, durations_of
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
    measured: dict[tuple[str, Labels, datetime], list[float]] = defaultdict(list)
    left = set(new)
    for source, event in told:
        # Of two with one id the first is saved, and it alone counts.
        if (source, event.id) in left:
            left.remove((source, event.id))
            minute = event.at.replace(second=0, microsecond=0)
            for one in counts_of(event):
                counted[one.metric, one.labels, minute] += one.value
            for one in durations_of(event):
                measured[one.metric, one.labels, samples.bucket_start(event.at, samples.WIDTHS_S[0])].append(one.value)
    if measured:
        samples.add_durations(connection, _bounded_durations(connection, measured), now=now)
    samples.add(connection, _bounded(connection, counted), now=now)
    feeds.note_good(connection, SOURCE, now)
    return new


def _bounded(connection: Connection, counted: _Counted) -> _Counted:
    """Return the counts with `other` for the labels that the site chooses, where a metric has too many series already."""
    known = samples.known_series(connection, {metric for metric, _, _ in counted})
    found: _Counted = defaultdict(float)
    for (metric, its, minute), value in counted.items():
        found[metric, _kept_labels(known[metric], its), minute] += value
    return found


def _bounded_durations(
    connection: Connection, measured: Mapping[tuple[str, Labels, datetime], list[float]]
) -> dict[tuple[str, Labels, datetime], list[float]]:
    """Return the same for times."""
    known = samples.known_series(connection, {metric for metric, _, _ in measured})
    found: dict[tuple[str, Labels, datetime], list[float]] = defaultdict(list)
    for (metric, its, start), values in measured.items():
        found[metric, _kept_labels(known[metric], its), start] += values
    return found


def _kept_labels(series: set[Labels], its: Labels) -> Labels:
    """Return the labels under which something is kept, and add them to the known ones of its metric."""
    if its not in series and len(series) >= MOST_SERIES:
        its = tuple((name, OTHER if name in OPEN_LABELS else text) for name, text in its)
    series.add(its)
    return its
