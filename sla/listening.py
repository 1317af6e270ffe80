"""For how long the hub has listened in vain, by a count that neither a restart nor a wrong clock can change much. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from facts import LocationSilence, WatchBreak, WatchState

BREAK = timedelta(seconds=60)
"""Ticks that are further apart, or in the wrong order, are a break: the hub was down or asleep, or its clock was set."""


def is_break(before: datetime | None, now: datetime, *, longest: timedelta = BREAK) -> bool:
    """Whether the watch was broken between a tick and the next one."""
    return before is not None and abs(now - before) > longest


def listened(
    before: WatchState | None,
    now: datetime,
    *,
    places: Iterable[str],
    results: Mapping[str, int],
    heard: Mapping[str, datetime],
    began_at: datetime,
    what: str = "",
    longest: timedelta = BREAK,
) -> WatchState:
    """The state at a tick at `now`. `results` counts what each location has ever sent, `heard` tells when it last did.

    Nothing is known `before` the first tick of all: `began_at` is when this hub began then. `what` says what broke the watch,
    where it was broken.
    """
    if before is None:
        silences = {place: _first(place, results, heard, began_at, now) for place in places}
        return WatchState(tick_at=now, since=min(began_at, now), silences=silences)
    broken = is_break(before.tick_at, now, longest=longest)
    # While nobody listens, nothing can be heard: a break counts for as long as a tick at most.
    passed = min(max(now - before.tick_at, timedelta()), longest).total_seconds()
    silences = {
        place: _next(before.silences.get(place), results.get(place, 0), passed, broken=broken) for place in places
    }
    return WatchState(
        tick_at=now,
        since=now if broken else before.since,
        silences=silences,
        last_break=WatchBreak(at=now, what=what) if broken else before.last_break,
    )


def _first(
    place: str, results: Mapping[str, int], heard: Mapping[str, datetime], began_at: datetime, now: datetime
) -> LocationSilence:
    last = max(heard.get(place, began_at), began_at)
    return LocationSilence(results=results.get(place, 0), silent_s=max(0.0, (now - last).total_seconds()))


def _next(before: LocationSilence | None, results: int, passed_s: float, *, broken: bool) -> LocationSilence:
    if before is None or results != before.results:
        return LocationSilence(results=results)
    if broken and not before.renewed:
        return LocationSilence(results=results, renewed=True)
    return LocationSilence(results=results, silent_s=before.silent_s + passed_s, renewed=before.renewed)
