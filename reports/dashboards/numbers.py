"""Holds the numbers from which widgets are computed, as they are stored, and sums them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from facts import Alert, Deploy, FeedState, Labels, Verdict, VerdictStatus
from metrics import CATALOGUE
from reports.charts import Flag
from reports.states import WidgetState, worst_state
from store.rollups import Rollup
from store.samples import Bucket

QUIET = timedelta(minutes=30)
"""A source that brought nothing for so long has gone quiet."""
SOURCES = {
    "stripe": ("Stripe", "Set STRIPE_SOURCE_KEY to a restricted, read-only key."),
    "inventory": ("Inventory API", "It is read at GET /api/inventory of a ticket shop, whose cities site.yaml names."),
    "sms": ("Twilio", "Add sms_reads to site.yaml, and set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."),
    "events": ("Site events", "Send the site's events to POST /api/events, or name its log files in site.yaml."),
    "database": ("PostgreSQL", "Set DATABASE_SOURCE_URL to a role of the shop's PostgreSQL that only reads."),
    "runs": ("Synthetic runs", "Start a runner: sixfb runner --location NAME."),
}
"""By source: its name, and what to do so that it brings numbers."""


Key = tuple[str, int, Labels]
"""A metric, the width of its buckets in seconds, and the labels by which its series were chosen."""


WEEK_S = 7 * 86_400
"""The width of a complete week of the business: sums of hours, which are read a hundred times as fast as the hours."""


class Need(NamedTuple):
    """What a widget reads: the buckets of a metric of so many seconds that begin at `since` or later.

    Of `WEEK_S` they are the weeks of `View.weeks`: each bucket begins with its week, and its `last` is not known. `where` chooses the
    series that have some labels. One widget must not ask for a part of what another of the page asks for as a whole: both are read.
    """

    metric: str
    width_s: int
    since: datetime
    where: Labels = ()

    @property
    def key(self) -> Key:
        """The key by which the loaded buckets are found."""
        return self.metric, self.width_s, self.where


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Holds the daily revenue goal in minor units, and the share of it that should be reached by a time of the day."""

    minor: int
    share: float
    by_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """Holds whether a source delivers numbers: `state` is off, no data or OK, `why` a sentence for the first two."""

    metric: str
    label: str
    state: WidgetState
    at: datetime | None = None
    why: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """All that the widgets of a page are computed from.

    `buckets` are those that were asked for, each list in the order of time. `feeds` are the states of the configured sources.
    `verdicts` are those of the last evaluation, at `judged_at`, `rules` the names of the rules that name each widget. `alerts`
    are firing. `days` are the daily rollups of runs, `requests` the seconds of the browser's requests of the last hour by
    endpoint, and `run_at` is when the last result came. `journeys` maps each scheduled journey to its
    locations. `cities` maps ids to names. `deploys` are those of the page's range.
    """

    buckets: Mapping[Key, Sequence[Bucket]] = field(default_factory=dict)
    feeds: Mapping[str, FeedState] = field(default_factory=dict)
    verdicts: Sequence[Verdict] = ()
    judged_at: datetime | None = None
    rules: Mapping[str, Collection[str]] = field(default_factory=dict)
    alerts: Sequence[Alert] = ()
    days: Sequence[Rollup] = ()
    requests: Mapping[str, Sequence[float]] = field(default_factory=dict)
    run_at: datetime | None = None
    goal: Goal | None = None
    journeys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cities: Mapping[str, str] = field(default_factory=dict)
    deploys: Sequence[Deploy] = ()

    @property
    def flags(self) -> list[Flag]:
        """Return the marks of the deploys, for a chart over time."""
        return [Flag(at=deploy.at, label=f"deploy {deploy.version}") for deploy in self.deploys]

    def source(self, now: datetime, *names: str) -> SourceStatus:
        """Return the status of the first metric of some that a configured source brings, else of the first one."""
        found = [self._status(now, name) for name in names]
        return next((one for one in found if one.state is not WidgetState.OFF), found[0])

    def _status(self, now: datetime, name: str) -> SourceStatus:
        metric = CATALOGUE.get(name)
        source = metric.source if metric else name.partition("_")[0]
        label, how = SOURCES.get(source, (source.title(), "docs/sources.md says how it is connected."))
        feed = self.feeds.get(source)
        if metric is None or feed is None:
            return SourceStatus(
                metric=name, label=label, state=WidgetState.OFF, why=f"{label}: not connected.", how=how
            )
        if feed.last_good_at is None or now - feed.last_good_at > QUIET:
            why = f"{label} has brought nothing yet." if feed.last_good_at is None else f"{label} went quiet."
            error = f" {feed.last_error}" if feed.last_error else ""
            return SourceStatus(
                metric=name, label=label, state=WidgetState.NO_DATA, at=feed.last_good_at, why=f"{why}{error}", how=how
            )
        return SourceStatus(metric=name, label=label, state=WidgetState.OK, at=feed.last_good_at)

    def of(
        self,
        metric: str,
        width_s: int,
        since: datetime | None = None,
        until: datetime | None = None,
        where: Labels = (),
    ) -> list[Bucket]:
        """Return the buckets of a metric that begin from `since` up to `until` (exclusive), in the order of time."""
        found = self.buckets.get((metric, width_s, where), ())
        first = bisect_left(found, since, key=_start) if since else 0
        end = bisect_left(found, until, key=_start) if until else len(found)
        return list(found[first:end])

    def judged(self, widget: str) -> WidgetState | None:
        """Return the worst state of the verdicts of the rules that name a widget; None where none of them is judged.

        Where a rule says that it cannot judge, the number that the widget shows all the same is unproven.
        """
        rules = self.rules.get(widget, ())
        judged = [v for v in self.verdicts if v.rule in rules and v.verdict is not VerdictStatus.OFF]
        found = self.worst(judged)
        return WidgetState.UNPROVEN if found is not None and found.says_nothing else found

    @staticmethod
    def worst(verdicts: Iterable[Verdict]) -> WidgetState | None:
        """Return the worst state of some verdicts; None if there are none."""
        return worst_state(verdicts)


def _start(bucket: Bucket) -> datetime:
    return bucket.start


def total(buckets: Iterable[Bucket]) -> float:
    """Return the sum of a count or of money over some buckets."""
    return sum(bucket.sum for bucket in buckets)


def grouped(buckets: Iterable[Bucket], *names: str) -> dict[tuple[str, ...], list[Bucket]]:
    """Return the buckets by the values of some labels, "" for a label that a series has not."""
    found: dict[tuple[str, ...], list[Bucket]] = defaultdict(list)
    for bucket in buckets:
        labels = dict(bucket.labels)
        found[tuple(labels.get(name, "") for name in names)].append(bucket)
    return dict(found)


def main_currency(buckets: Iterable[Bucket]) -> str | None:
    """Return the currency with the largest sum; None if there is none. Sums of two currencies are never added."""
    sums = {currency: total(some) for (currency,), some in grouped(buckets, "currency").items()}
    return max(sums, key=lambda currency: (sums[currency], currency), default=None)


def of_currency(buckets: Iterable[Bucket], currency: str) -> list[Bucket]:
    """Return the buckets of one currency."""
    return [bucket for bucket in buckets if ("currency", currency) in bucket.labels]


def slots(since: datetime, until: datetime, step_s: int) -> list[datetime]:
    """Return the beginnings of the stretches of `step_s` seconds, on the UTC grid, that lie between two moments."""
    step = timedelta(seconds=step_s)
    first = since - timedelta(seconds=since.timestamp() % step_s)
    count = int((until - first) / step) + ((until - first) % step > timedelta())
    return [first + number * step for number in range(count)]


def by_slot(buckets: Iterable[Bucket], starts: Sequence[datetime]) -> list[list[Bucket]]:
    """Return the buckets that begin in each stretch; those before the first beginning are left out."""
    found: list[list[Bucket]] = [[] for _ in starts]
    if not starts:
        return found
    for bucket in buckets:
        if bucket.start >= starts[0]:
            found[bisect_left(starts, bucket.start + timedelta(microseconds=1)) - 1].append(bucket)
    return found


def newest(*series: Iterable[Bucket]) -> Bucket | None:
    """Return the bucket that began last."""
    return max((bucket for some in series for bucket in some), key=_start, default=None)
