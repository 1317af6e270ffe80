"""Serves `GET /metrics`: the store's data as OpenMetrics. Every hub reports the same numbers, and a restart changes none."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from facts import REASONS, Backlog, FeedState, JobState, Status, VerdictStatus
from hub.kept_verdicts import JudgedVerdicts, KeptVerdicts
from hub.loading import BUDGET_DAYS, load_budgets
from hub.locations import SHOWN_FOR
from hub.metric_families import catalogue_families
from hub.watched import Watched
from journeys.browser import our_version
from sla.targets import Targets
from store import Store, counters, feeds, outbox, runners, runs
from store import jobs as job_rows
from store.counters import RUN_EDGES_S, STEP_EDGES_S, VITAL_EDGES, Counted, Spread

DiskUsage = Callable[[], tuple[int, int]]
"""Returns the size and the free space, in bytes, of the disk that holds the hub's evidence."""

OPENMETRICS = "application/openmetrics-text"
KEPT_S = 5.0
"""How long a result is reused before the database is read again, in seconds."""
CATALOGUE_KEPT_S = 60.0
"""The same for the metrics of the catalogue, which are read out of an hour of runs and samples."""
_KEPT_TIMES = 20
"""Reading them may take a twentieth of a hub's time: where it takes long, the result is reused for longer."""
_STALE = timedelta(seconds=60)
_NO_DATA = (VerdictStatus.NO_DATA, VerdictStatus.ERROR, VerdictStatus.OFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Holds the result of one read of the database."""

    counted: list[Counted]
    last_seen: Mapping[str, datetime]
    outbox: Mapping[str, int]
    oldest_due: Mapping[str, datetime]
    spooled: Mapping[str, int]
    judged: JudgedVerdicts
    budgets: Mapping[str, float]
    jobs: list[JobState]
    sources: Mapping[str, FeedState]


class Metrics:
    """Answers scrapes; however many arrive, the database is read only once in a few seconds."""

    def __init__(
        self,
        store: Store,
        watched: Watched,
        targets: Targets,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        jobs: Sequence[str] = (),
        disk: DiskUsage | None = None,
    ) -> None:
        self._store, self._watched, self._targets, self._jobs = store, watched, targets, jobs
        self._disk = disk
        self._verdicts = KeptVerdicts()
        self._clock, self._monotonic = clock, monotonic
        self._lock = threading.Lock()
        self._families: list[Metric] = []
        self._until = -math.inf
        self._catalogue: list[Metric] = []
        self._catalogue_until = -math.inf

    def answer(self, accept: str) -> tuple[bytes, str]:
        """Return the text and its content type, in the format that the `Accept` header requests."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Made(self._fresh()))
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type

    def _fresh(self) -> list[Metric]:
        with self._lock:
            if self._monotonic() >= self._until:
                self._families = self._look()
                self._until = self._monotonic() + KEPT_S
            return self._families

    def _look(self) -> list[Metric]:
        # One transaction for all values, so that they belong to the same moment.
        now = self._clock()
        with self._store.read() as connection:
            known = self._known(connection, now)
            if (begun := self._monotonic()) >= self._catalogue_until:
                self._catalogue = catalogue_families(connection, watched=self._watched, now=now)
                ended = self._monotonic()
                self._catalogue_until = ended + max(CATALOGUE_KEPT_S, _KEPT_TIMES * (ended - begun))
        # Series of removed journeys and locations disappear, except from the sum of missed slots.
        planned = {(journey, place) for journey, s in self._watched.schedules().items() for place in s.grids}
        counted = [one for one in known.counted if (one.journey, one.location) in planned]
        places = self._watched.locations.locations
        return [
            *_of_runs(counted),
            _of_missed(known.counted),
            *_of_vitals(counted),
            _gauge(
                "sixfb_journey_up",
                "1 while buyers get through, 0 while they do not, NaN while nobody knows.",
                "journey",
                self._up(known, now),
            ),
            _gauge(
                "sixfb_error_budget_remaining_ratio",
                f"What is left of the failures that {BUDGET_DAYS} days allow; below 0 it is overspent.",
                "target",
                known.budgets.items(),
            ),
            _gauge(
                "sixfb_location_last_seen_timestamp_seconds",
                "When a location's last measured result came.",
                "location",
                ((place, at.timestamp()) for place, at in known.last_seen.items() if place in places),
            ),
            _gauge(
                "sixfb_spool_results",
                "Results that wait at a location, as its runners last said.",
                "location",
                ((place, n) for place, n in known.spooled.items() if place in places),
            ),
            _single(
                "sixfb_outbox_pending",
                "Messages that are owed and not delivered.",
                known.outbox.get("owed", 0) + known.outbox.get("claimed", 0),
            ),
            _gauge(
                "sixfb_outbox_oldest_due_timestamp_seconds",
                "Since when the oldest undelivered message to a destination has been due; none where all are delivered.",
                "destination",
                ((name, since.timestamp()) for name, since in known.oldest_due.items()),
            ),
            _single(
                "sixfb_evaluator_last_tick_timestamp_seconds",
                "When the evaluator, whichever hub it is, last judged.",
                known.judged.at.timestamp() if known.judged.at else math.nan,
            ),
            *_of_jobs(known.jobs),
            *self._of_disk(),
            *_of_sources(known.sources),
            *self._catalogue,
            InfoMetricFamily("sixfb_build", "This hub's version.", value={"version": our_version()}),
        ]

    def _of_disk(self) -> Iterator[Metric]:
        if self._disk is None:
            return
        size: float
        free: float
        try:
            size, free = self._disk()
        except OSError:
            size, free = math.nan, math.nan  # a disk that fails must not take the other metrics away
        yield _single("sixfb_evidence_disk_size_bytes", "Size of the disk that holds this hub's evidence.", size)
        yield _single("sixfb_evidence_disk_free_bytes", "Free space on the disk that holds this hub's evidence.", free)

    def _known(self, connection: Connection, now: datetime) -> _Known:
        return _Known(
            counted=counters.read(connection),
            last_seen=runs.last_received(connection),
            outbox=outbox.counts(connection),
            oldest_due=_oldest(outbox.backlogs(connection, now)),
            spooled=runners.spooled(connection, since=now - SHOWN_FOR),
            judged=self._verdicts.read(connection),
            sources=feeds.states(connection),
            jobs=[state for name, state in job_rows.states(connection).items() if name in self._jobs],
            budgets=load_budgets(connection, watched=self._watched, targets=self._targets, now=now),
        )

    def _up(self, known: _Known, now: datetime) -> Iterator[tuple[str, float]]:
        traits = {name: self._targets.traits_of(name) for name in self._targets.rules()}
        quorums = {name for name, found in traits.items() if found and found.journey_fails}
        stale = known.judged.at is None or abs(now - known.judged.at) > _STALE
        for journey in self._watched.schedules():
            about = [v for v in known.judged.verdicts if v.rule in quorums and v.journey == journey]
            told = [v for v in about if v.verdict not in _NO_DATA]
            # NaN instead of 0, because a stopped evaluator must not look like an outage of the shop.
            if stale or not told:
                up = math.nan
            elif any(v.breached for v in told):
                up = 0.0
            else:
                up = 1.0
            yield journey, up


class _Made(Collector):
    """A collector of prepared metric families."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _oldest(backlogs: Iterable[Backlog]) -> dict[str, datetime]:
    """Return since when the oldest message to each destination waits; tried and untried messages count alike."""
    found: dict[str, datetime] = {}
    for backlog in backlogs:
        found[backlog.destination] = min(backlog.since, found.get(backlog.destination, backlog.since))
    return found


def _of_runs(counted: list[Counted]) -> Iterator[Metric]:
    total = CounterMetricFamily(
        "sixfb_runs",
        "Runs of slots by their final status, as they were told.",
        labels=["journey", "location", "status"],
    )
    took = HistogramMetricFamily(
        "sixfb_run_duration_seconds", "How long passed runs took.", labels=["journey", "location"], unit="seconds"
    )
    steps = HistogramMetricFamily(
        "sixfb_step_duration_seconds",
        "How long passed steps took.",
        labels=["journey", "step", "location"],
        unit="seconds",
    )
    for one in counted:
        for status in Status:
            total.add_metric([one.journey, one.location, status.value], one.statuses.get(status.value, 0))
        took.add_metric([one.journey, one.location], *_buckets(one.runs, RUN_EDGES_S))
        for name, spread in one.steps.items():
            steps.add_metric([one.journey, name, one.location], *_buckets(spread, STEP_EDGES_S))
    yield from (total, took, steps)


def _of_missed(counted: list[Counted]) -> Metric:
    """Return the counter of missed slots of all journeys and locations ever known.

    Removing one from the plan must not lower the sum, because a decrease would look like a restart.
    """
    missed = dict.fromkeys(REASONS, 0)
    for one in counted:
        for word, n in one.missed.items():
            missed[word if word in missed else "other"] += n
    slots = CounterMetricFamily("sixfb_slots_missed", "Slots that nobody ran, by reason.", labels=["reason"])
    for word, n in missed.items():
        slots.add_metric([word], n)
    return slots


def _of_jobs(states: list[JobState]) -> Iterator[Metric]:
    yield _gauge(
        "sixfb_job_last_success_timestamp_seconds",
        "When a job last succeeded.",
        "job",
        ((state.job, state.last_success_at.timestamp()) for state in states if state.last_success_at),
    )
    yield _gauge(
        "sixfb_job_duration_seconds",
        "How long the last run of a job took.",
        "job",
        ((state.job, state.last_duration_s) for state in states if state.last_duration_s is not None),
    )
    failures = CounterMetricFamily(
        "sixfb_job_failures", "Runs of a job that failed, timed out or were cut off.", labels=["job"]
    )
    for state in states:
        failures.add_metric([state.job], state.failed)
    yield failures


def _of_sources(states: Mapping[str, FeedState]) -> Iterator[Metric]:
    yield _gauge(
        "sixfb_source_last_success_timestamp_seconds",
        "When a source of numbers was last read with success.",
        "source",
        ((name, state.last_good_at.timestamp()) for name, state in states.items() if state.last_good_at),
    )


def _of_vitals(counted: list[Counted]) -> Iterator[Metric]:
    for vital, edges in VITAL_EDGES.items():
        unit = "" if vital == "CLS" else "_seconds"
        family = HistogramMetricFamily(
            f"sixfb_web_vital_{vital.lower()}{unit}",
            f"{vital} of the pages, ungraded ones left out.",
            labels=["journey", "page", "location"],
        )
        for one in counted:
            for page, spread in one.vitals.get(vital, {}).items():
                family.add_metric([one.journey, page, one.location], *_buckets(spread, edges))
        yield family


def _buckets(spread: Spread, edges: Iterable[float]) -> tuple[list[tuple[str, float]], float]:
    """Return cumulative buckets and the sum, as the format requires.

    Counts under bucket edges of an earlier version go to the next current edge.
    """
    below = sorted((math.inf if edge == "inf" else float(edge), n) for edge, n in spread.counts.items())
    today = [*edges, math.inf]
    return [
        (
            "+Inf" if edge == math.inf else f"{edge:g}" if edge % 1 else f"{edge:.1f}",
            sum(n for e, n in below if e <= edge),
        )
        for edge in today
    ], spread.total


def _gauge(name: str, help_: str, label: str, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_, labels=[label])
    for of, value in values:
        family.add_metric([of], value)
    return family


def _single(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, value=value)
