"""Keeps the samples that rules look at from cycle to cycle: they are read again when their source has brought something."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from facts import FeedState, Labels, Series, to_wire
from hub.known_metrics import METRICS
from metrics.points import PERCENTILES
from sla.calendar import Calendar
from sla.history import Durations
from sla.targets import LoadPlan
from sources import EVENT_COUNTS
from store import cursors, meta, samples, sketches

_AHEAD = timedelta(hours=1)
"""How much more of an earlier week is read at once: its window moves on with the clock, and the week itself hardly changes any more."""
_WIDTHS = ((timedelta(hours=6), 300), (timedelta(days=7), 3600))
"""Up to which window percentiles are merged of buckets of so many seconds; a longer one takes those of a day."""
_DAY_S = 86_400
_EVER = datetime.min.replace(tzinfo=UTC)

Version = tuple[int | None, datetime | None, Any]
"""What changes with everything that a source brings: the version of its cursor, when it was last well, and when its samples were last
counted anew (`note_counted`)."""
_COUNTED = "counted/"
_FILLED = "filled_at"


def note_counted(connection: Connection, source: str, now: datetime) -> None:
    """Record that samples of a source were counted anew beside its readings, so that they are read again."""
    meta.put(connection, f"{_COUNTED}{source}", to_wire(now))


def note_filled(connection: Connection, now: datetime) -> None:
    """Record that samples of weeks ago were filled in, which are otherwise taken to change hardly any more."""
    meta.put(connection, _FILLED, to_wire(now))


@dataclass(frozen=True, slots=True)
class _Kept:
    version: Version
    since: datetime
    series: list[Series]


@dataclass(frozen=True, slots=True)
class _Week:
    begins: datetime
    ends: datetime
    series: list[Series]


@dataclass(frozen=True, slots=True)
class _Merged:
    version: Version
    begins: datetime
    found: list[Durations]


class KeptSeries:
    """Holds the series of each metric as its source brought them last.

    Whatever a source brings is saved together with a new version of its cursor, or, of the site's events, with the time of the last
    one, so the same version means the same samples. What no configured source brings is not read: its rules are off.
    """

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._weeks: dict[tuple[str, int], _Week] = {}
        self._newest: dict[str, _Kept] = {}
        self._merged: dict[tuple[str, float], _Merged] = {}
        self._versions: dict[str, Version] = {}
        self._filled: Any = None

    def look(self, connection: Connection, feeds: Mapping[str, FeedState]) -> None:
        """Read what each source's version is; to be called before anything else of a cycle."""
        if (filled := meta.get(connection, _FILLED)) != self._filled:
            self._filled, self._weeks = filled, {}
        states = cursors.states(connection)
        self._versions = {
            name: (
                states[name].version if name in states else None,
                feed.last_good_at,
                meta.get(connection, f"{_COUNTED}{name}") if name in EVENT_COUNTS else None,
            )
            for name, feed in feeds.items()
        }

    def series(
        self, connection: Connection, plan: LoadPlan, *, now: datetime, until: datetime, calendar: Calendar
    ) -> dict[str, list[Series]]:
        """Return the series of each metric, with the samples of its window before `now` up to `until` (exclusive).

        Of metrics that are compared by weeks they also have those of the same window in the weeks before, oldest first.
        """
        found: dict[str, list[Series]] = {}
        for name, window in plan.series.items():
            version = self._version(name)
            if version is None:
                continue
            since = now - window
            lately = self._of(connection, name, since, until, version)
            weeks, length = plan.weekly.get(name, (0, timedelta()))
            earlier = [
                self._week(connection, name, week, calendar.weeks_before(now, week), length, since)
                for week in range(weeks, 0, -1)
            ]
            found[name] = _joined([*earlier, lately]) if earlier else lately
        self._kept = {name: kept for name, kept in self._kept.items() if name in found}
        self._weeks = {key: week for key, week in self._weeks.items() if key[0] in found}
        return found

    def newest(self, connection: Connection, metrics: frozenset[str]) -> dict[str, list[Series]]:
        """Return the last sample of each series of some metrics, however old it is."""
        found: dict[str, list[Series]] = {}
        for name in sorted(metrics):
            version = self._version(name)
            if version is None:
                continue
            kept = self._newest.get(name)
            if kept is None or not _is_known(version) or kept.version != version:
                kept = self._newest[name] = _Kept(version, _EVER, samples.newest(connection, name))
            found[name] = kept.series
        return found

    def durations(
        self, connection: Connection, wanted: frozenset[tuple[str, float]], *, now: datetime
    ) -> dict[tuple[str, float], list[Durations]]:
        """Return the percentiles of each metric over each window: of merged sketches, a bucket that begins within the window whole."""
        found: dict[tuple[str, float], list[Durations]] = {}
        for name, window_s in sorted(wanted):
            version = self._version(name)
            if version is None:
                continue
            width_s = next((s for longest, s in _WIDTHS if timedelta(seconds=window_s) <= longest), _DAY_S)
            begins = samples.bucket_start(now - timedelta(seconds=window_s), width_s) + timedelta(seconds=width_s)
            kept = self._merged.get((name, window_s))
            if kept is None or not _is_known(version) or (kept.version, kept.begins) != (version, begins):
                kept = _Merged(version, begins, _durations(connection, name, width_s, begins))
                self._merged[name, window_s] = kept
            found[name, window_s] = kept.found
        self._merged = {key: kept for key, kept in self._merged.items() if key in found}
        return found

    def _version(self, name: str) -> Version | None:
        """Return the version of a metric's source; None where no configured source brings it."""
        return self._versions.get(METRICS[name].source) if name in METRICS else None

    def _of(
        self, connection: Connection, name: str, since: datetime, until: datetime, version: Version
    ) -> list[Series]:
        kept = self._kept.get(name)
        if kept is None or not _is_known(version) or kept.version != version or since < kept.since:
            kept = self._kept[name] = _Kept(version, since, samples.read(connection, name, since=since))
        return _cut(kept.series, since, until)

    def _week(
        self, connection: Connection, name: str, week: int, ends: datetime, length: timedelta, before: datetime
    ) -> list[Series]:
        """Return the samples of an earlier week's window, without what the metric's own window already holds."""
        begins, ends = ends - length, min(ends, before)
        if begins >= ends:
            return []
        kept = self._weeks.get((name, week))
        if kept is None or begins < kept.begins or ends > kept.ends:
            until = ends + _AHEAD
            kept = _Week(begins, until, samples.read(connection, name, since=begins, until=until))
            self._weeks[name, week] = kept
        return _cut(kept.series, begins, ends)


def _is_known(version: Version) -> bool:
    return version[:2] != (None, None)


def _cut(series: list[Series], since: datetime, until: datetime) -> list[Series]:
    cut = (_between(one, since, until) for one in series)
    return [one for one in cut if one.points]


def _joined(parts: list[list[Series]]) -> list[Series]:
    """Return the series of several stretches of time, which come oldest first, as one series for each set of labels."""
    found: dict[Labels, Series] = {}
    for part in parts:
        for one in part:
            before = found.get(one.labels)
            found[one.labels] = one if before is None else replace(one, points=(*before.points, *one.points))
    return [found[its] for its in sorted(found)]


def _durations(connection: Connection, name: str, width_s: int, begins: datetime) -> list[Durations]:
    buckets: dict[Labels, list[samples.SampleRollup]] = {}
    for bucket in samples.read_rollups(connection, name, width_s=width_s, since=begins):
        if bucket.sketch is not None:
            buckets.setdefault(bucket.labels, []).append(bucket)
    return [
        Durations(
            labels=its,
            n=sum(one.n for one in some),
            values=dict(
                zip(
                    PERCENTILES,
                    sketches.quantiles([one.sketch for one in some if one.sketch], [p / 100 for p in PERCENTILES]),
                    strict=True,
                )
            ),
            newest_at=some[-1].start,
        )
        for its, some in sorted(buckets.items())
    ]


def _between(series: Series, since: datetime, until: datetime) -> Series:
    """Return the samples of a series from one moment up to another."""
    first = bisect_left(series.points, since, key=lambda point: point[0])
    end = bisect_left(series.points, until, key=lambda point: point[0])
    return series if (first, end) == (0, len(series.points)) else replace(series, points=series.points[first:end])
