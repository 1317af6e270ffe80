"""Gathers the numbers of a report from the store: of its period, and of the period before it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from facts import Alert, Deploy, LadderStatus, Outcome, Verdict, VerdictStatus
from hub.collect import source_settings
from hub.incident_costs import with_costs
from hub.kept_verdicts import read_verdicts
from hub.watched import Watched
from metrics import CATALOGUE
from metrics.counting import Class, Rounds, class_of, has_network_failure, network_that_counts
from metrics.points import MIN_N_P95
from metrics.statistics import nearest_rank
from reports.periodic.data import (
    Money,
    Need,
    Promise,
    Reclassified,
    ReportData,
    RuleNow,
    SourceNow,
    StatusHours,
    Story,
    Stretch,
    Tally,
    Times,
)
from reports.periodic.period import Period, PeriodKind
from reports.periodic.wording import moment
from sla.history import Schedule
from sla.kinds.availability import Availability
from sla.kinds.burn import Burn
from sla.targets import Targets
from sources import SOURCES
from sources.events import EVENTS
from store import alerts, deploys, feeds, incidents, ladder, meta, outbox, rollups, runs, samples, sketches, verdicts
from store.histograms import merged, percentile
from store.retention import Retention
from store.rollups import Rollup
from store.verdicts import HOLDS, PastStatus

T = TypeVar("T")
FIRST_WATCHED = "first_watched"
_DAY_S, _HOUR_S, _SHORTEST_S = 86_400, 3600, 300
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SETTLED = timedelta(minutes=5)
"""A slot is expected to have its record by then: a run takes a minute, and its result is sent at once."""
_WITH_DAYS = (PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH)
_MOST_SAMPLED = 400
"""The number of runs of a journey at a location whose vitals are read; more would take seconds and change little."""
_BEFORE_FAILED_RUNS = (
    "Failed runs are kept 90 days. For this period each first attempt that did not pass counts as bad, because it is no longer known "
    "who was to blame for it."
)
_MOST_ROWS = 100_000
_AT_ONCE = 500
_MOST_DEPLOYS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """Holds what a report needs beside the database. `base_url` is where the hub is reached; "" where that is not known."""

    watched: Watched
    targets: Targets
    base_url: str = ""

    @property
    def zone(self) -> str:
        """The IANA zone in which the business's days begin."""
        business = self.watched.site.business
        return business.timezone if business is not None else "UTC"


def load_report_data(
    connection: Connection, needs: Collection[Need], period: Period, settings: ReportSettings, *, now: datetime
) -> ReportData:
    """Return the numbers of a period and of the one before; only the parts that are needed are loaded.

    Raises:
        ConfigError: the secret of a source cannot be used.
    """
    sources = source_states(connection, settings.watched)
    off = {one.name: one.off for one in sources}
    loader = _Loader(connection, frozenset(needs), settings, off, now, first_watched(connection))
    return ReportData(
        made_at=now,
        site=settings.watched.site.base_url,
        now=loader.stretch(period),
        before=loader.stretch(period.previous()),
        rules=_rules(connection, settings.targets),
        sources=sources,
        deploys=_deploys(connection, period, now),
        success_target=next(
            (r.target for r in settings.targets.rules().values() if isinstance(r, Burn) and r.enabled), None
        ),
        base_url=settings.base_url.rstrip("/"),
    )


def _deploys(connection: Connection, period: Period, now: datetime) -> list[Deploy]:
    found = deploys.of_period(connection, since=period.since, until=min(period.until, now), limit=_MOST_DEPLOYS)
    return found[::-1]


def first_watched(connection: Connection) -> datetime | None:
    """Return since when runs were expected: since a hub first watched, or since the oldest run where that is older."""
    told = meta.get(connection, FIRST_WATCHED)
    moments = (datetime.fromisoformat(told) if told else None, rollups.oldest(connection))
    return min((at for at in moments if at is not None), default=None)


def source_states(connection: Connection, watched: Watched) -> list[SourceNow]:
    """Return each source as it is now. Raises ConfigError where its secret cannot be used."""
    known, told = feeds.states(connection), source_settings(watched)
    off = {kind.name: kind.configured(told) for kind in SOURCES}
    off[EVENTS] = "no event has come to POST /api/events yet"
    found = []
    for name, why in off.items():
        feed = known.get(name)
        found.append(
            SourceNow(
                name=name,
                off=None if feed is not None else why,
                last_good_at=feed.last_good_at if feed else None,
                error=feed.last_error
                if feed and (feed.last_error_at or _EPOCH) > (feed.last_good_at or _EPOCH)
                else None,
            )
        )
    return found


_WORST = (
    VerdictStatus.CRITICAL,
    VerdictStatus.WARNING,
    VerdictStatus.ERROR,
    VerdictStatus.NO_DATA,
    VerdictStatus.OFF_TARGET,
    VerdictStatus.UNPROVEN,
    VerdictStatus.INSUFFICIENT,
    VerdictStatus.MET,
    VerdictStatus.OFF,
)


def _rules(connection: Connection, targets: Targets) -> list[RuleNow]:
    by_rule: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in read_verdicts(connection).verdicts:
        by_rule[verdict.rule].append(verdict)
    found = []
    for name, rule in targets.rules().items():
        worst = min(by_rule[name], key=lambda v: _WORST.index(v.verdict), default=None)
        found.append(
            RuleNow(
                rule=name,
                title=f"{rule.title[:1].upper()}{rule.title[1:]}",
                guide=rule.guide,
                is_on=rule.enabled,
                verdict=worst.verdict if worst else None,
                summary=worst.summary if worst else "",
            )
        )
    return found


def stretches(
    since: datetime, until: datetime, widths: Sequence[int] = (_DAY_S, _HOUR_S, _SHORTEST_S)
) -> Iterator[tuple[int, datetime, datetime]]:
    """Yield which buckets cover a stretch of time exactly: a width in seconds, and from when until when its buckets are to be read.

    `widths` are from the widest to the narrowest, each a multiple of the next.
    """
    if since >= until:
        return
    width, *narrower = widths
    if not narrower:
        yield width, since, until
        return
    step = timedelta(seconds=width)
    first, last = since + (_EPOCH - since) % step, until - (until - _EPOCH) % step
    if first >= last:
        yield from stretches(since, until, narrower)
        return
    yield from stretches(since, first, narrower)
    yield width, first, last
    yield from stretches(last, until, narrower)


def bad_runs(
    connection: Connection, schedules: Mapping[str, Schedule], *, since: datetime, until: datetime, apart: bool = True
) -> list[tuple[Outcome, int]]:
    """Return the first attempts of the slots of a period that count as bad, each with how many are like it.

    Those of different steps and hours are kept apart; not so with `apart=False`, which is much cheaper where only numbers are wanted.
    """
    alike = runs.failed_at_first(connection, since=since, until=until, by_step=apart, by_hour=apart)
    failed: dict[str, list[Outcome]] = defaultdict(list)
    for one in alike:
        if has_network_failure(one.outcome):
            failed[one.outcome.journey].append(one.outcome)
    wide: set[str] = set()
    for journey, some in failed.items():
        plan = schedules.get(journey)
        rounds = (
            Rounds(plan.period_s, len(plan.grids)) if plan else Rounds(_SHORTEST_S, len({o.location for o in some}))
        )
        wide |= set(network_that_counts(some, rounds))
    return [(o, n) for o, n in alike if _first_class(o, o.run_id in wide) is Class.BAD]


@dataclass(frozen=True, slots=True)
class _Loader:
    """Loads the numbers of periods. `off` maps each source to the reason why it is not connected, or to None if it is."""

    connection: Connection
    needs: frozenset[Need]
    settings: ReportSettings
    off: Mapping[str, str | None]
    now: datetime
    watched_since: datetime | None

    def stretch(self, period: Period) -> Stretch:
        """Return the numbers of a period, up to now where it is not over."""
        ends = min(period.until, self.now)
        notes = []
        if self.watched_since is not None and period.since < self.watched_since < ends:
            notes.append(
                f"Nothing is known of the time before {moment(self.watched_since, period.zone)}: nothing was watched."
            )
        found = Stretch(period=period, ends=ends, watched_since=self.watched_since, notes=notes)
        if ends <= period.since:
            return found
        parts: tuple[tuple[Need, Callable[[Stretch], Stretch]], ...] = (
            (Need.RUNS, self._with_runs),
            (Need.VITALS, self._with_vitals),
            (Need.ENDPOINTS, self._with_endpoints),
            (Need.MONEY, self._with_money),
            (Need.ALERTS, self._with_alerts),
            (Need.VERDICTS, self._with_verdicts),
        )
        for need, load in parts:
            if need in self.needs:
                found = load(found)
        return found

    # Runs

    def _with_runs(self, found: Stretch) -> Stretch:
        since, until = found.period.since, _to_whole(found.ends)
        widths = (_HOUR_S, _SHORTEST_S) if found.period.kind in _WITH_DAYS else (_DAY_S, _HOUR_S, _SHORTEST_S)
        buckets = [
            bucket
            for width, first, last in stretches(since, until, widths)
            for bucket in rollups.read(self.connection, width_s=width, since=first, until=last)
        ]
        kept = since >= self.now - Retention().failed_runs
        bad = bad_runs(self.connection, self.settings.watched.schedules(), since=since, until=until) if kept else []
        tallies = self._tallies(buckets, bad if kept else None, found)
        by_journey: dict[str, list[Rollup]] = defaultdict(list)
        for bucket in buckets:
            by_journey[bucket.journey].append(bucket)
        of_steps: dict[tuple[str, str], list[dict[str, int]]] = defaultdict(list)
        for bucket in buckets:
            for step, histogram in bucket.steps.items():
                of_steps[bucket.journey, step].append(histogram)
        notes = [] if kept else [_BEFORE_FAILED_RUNS]
        return replace(
            found,
            tallies=tallies,
            days=self._days(buckets, bad, found.period) if found.period.kind in _WITH_DAYS and kept else {},
            promises=self._promises(by_journey, bad if kept else None, found),
            durations={j: _times(merged(b.durations for b in some)) for j, some in by_journey.items()},
            steps={key: _times(merged(some)) for key, some in of_steps.items()},
            notes=(*found.notes, *notes),
        )

    def _tallies(
        self,
        buckets: Sequence[Rollup],
        bad: Sequence[tuple[Outcome, int]] | None,
        found: Stretch,
    ) -> list[Tally]:
        counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for bucket in buckets:
            counts[bucket.journey, bucket.location].update(bucket.counts)
        bads: Counter[tuple[str, str]] = Counter()
        for outcome, n in bad or ():
            bads[outcome.journey, outcome.location] += n
        expected = self._expected(found)
        known = [*expected, *(place for place in sorted(counts) if place not in expected)]
        return [
            _tally(place, counts[place], bads[place] if bad is not None else None, expected.get(place))
            for place in known
        ]

    def _expected(self, found: Stretch) -> dict[tuple[str, str], int]:
        """Return how many slots should have a record by now, by today's plan, from when anything was watched."""
        begins = max(found.period.since, self.watched_since or found.ends)
        ends = min(found.period.until - timedelta(microseconds=1), self.now - _SETTLED)
        counted = {}
        for journey, schedule in self.settings.watched.schedules().items():
            for place, grid in schedule.grids.items():
                first, last = grid.after(begins - timedelta(microseconds=1)), grid.at_or_before(ends)
                counted[journey, place] = max(0, round((last - first).total_seconds()) // schedule.period_s + 1)
        return counted

    def _days(
        self, buckets: Sequence[Rollup], bad: Sequence[tuple[Outcome, int]], period: Period
    ) -> dict[str, dict[date, tuple[int, int]]]:
        """Return how many counted and how many were bad by journey and local day; where a zone is off by a part of an hour, that part
        of a day is counted with its neighbour."""
        zone = ZoneInfo(period.zone)
        good: Counter[tuple[str, date]] = Counter()
        bads: Counter[tuple[str, date]] = Counter()
        for bucket in buckets:
            good[bucket.journey, bucket.start.astimezone(zone).date()] += bucket.counts.get("first_passed", 0)
        for outcome, n in bad:
            bads[outcome.journey, (outcome.slot or outcome.started_at).astimezone(zone).date()] += n
        journeys = dict.fromkeys(journey for journey, _ in (*good, *bads))
        return {
            journey: {day: (good[journey, day] + bads[journey, day], bads[journey, day]) for day in period.days()}
            for journey in journeys
        }

    def _promises(
        self, by_journey: Mapping[str, Sequence[Rollup]], bad: Sequence[tuple[Outcome, int]] | None, found: Stretch
    ) -> list[Promise]:
        rules = self.settings.targets.rules()
        return [
            self._promise(name, rule, by_journey, bad, found)
            for name, rule in rules.items()
            if isinstance(rule, Availability) and rule.enabled
        ]

    def _promise(
        self,
        name: str,
        rule: Availability,
        by_journey: Mapping[str, Sequence[Rollup]],
        bad: Sequence[tuple[Outcome, int]] | None,
        found: Stretch,
    ) -> Promise:
        # A rule's title says what is wrong; the guide's row begins with the name of what is promised.
        title = rule.guide.partition("|")[0].strip() if "|" in rule.guide else ""
        empty = Promise(rule=name, title=title or rule.title, target=rule.target)
        if rule.metric is not None:
            return self._promise_of_samples(empty, rule, found)
        if rule.of_payment and self.settings.watched.site.payment != "test":
            return replace(empty, off="payment is stop_before_payment, so no run pays")
        if bad is None:
            return replace(empty, off="failed runs are kept 90 days, and with them the step at which each failed")
        planned = self.settings.watched.schedules()
        journeys = [j for j in by_journey if j in planned and (rule.journeys is None or j in rule.journeys)]
        passed = sum(b.counts.get("first_passed", 0) for j in journeys for b in by_journey[j])
        failed = [(o.first_failed_step, n) for o, n in bad if o.journey in journeys]
        at_steps = [(step, n) for step, n in failed if rule.steps is None or step in rule.steps]
        # As the rule counts: a run that failed later than what is judged came through it, one that failed sooner says nothing.
        counted = sum(n for step, n in at_steps if rule.not_steps is None or step not in rule.not_steps)
        good = passed + sum(n for _, n in at_steps) - counted
        return replace(empty, good=good, n=good + counted)

    def _promise_of_samples(self, empty: Promise, rule: Availability, found: Stretch) -> Promise:
        assert rule.metric is not None
        source = CATALOGUE[rule.metric].source if rule.metric in CATALOGUE else ""
        if (why := self.off.get(source)) is not None:
            return replace(empty, off=why)
        wanted = [
            one
            for one in self._sums(rule.metric, found.period.since, found.ends)
            if all(dict(one.labels).get(label) in values for label, values in rule.where.items())
        ]
        return replace(empty, good=sum(one.sum for one in wanted), n=sum(one.n for one in wanted))

    def _sums(self, metric: str, since: datetime, ends: datetime) -> list[samples.Sum]:
        """Return the sums of a metric's series; a series has one for each width of the buckets that make up the time."""
        return [
            one
            for width_s, first, last in self._parts_of(since, ends, (_DAY_S, _HOUR_S, _SHORTEST_S))
            for one in samples.read_sums(self.connection, metric, width_s=width_s, since=first, until=last)
        ]

    def _parts_of(
        self, since: datetime, ends: datetime, widths: Sequence[int]
    ) -> Iterator[tuple[int, datetime, datetime]]:
        """Yield which buckets of samples make up a time, as `stretches` does."""
        # Buckets of 5 minutes are kept 90 days: of older edges the hour they lie in is all that is left.
        if since < self.now - Retention().short_rollups and widths[-1] == _SHORTEST_S:
            widths = widths[:-1]
        for width_s, first, last in stretches(since, _to_whole(ends), widths):
            yield width_s, samples.bucket_start(first, width_s), last

    # Vitals and response times

    def _with_vitals(self, found: Stretch) -> Stretch:
        kept_since = self.now - Retention().passed_runs
        if found.period.since < kept_since:
            why = f"passed runs are kept 35 days, so vitals are known from {kept_since:%-d %B %Y} on"
            return replace(found, why_not={**found.why_not, Need.VITALS: why})
        values: dict[tuple[str, str], list[float]] = defaultdict(list)
        for journey, schedule in self.settings.watched.schedules().items():
            for place in schedule.grids:
                ids = runs.sample_ids(
                    self.connection,
                    journey=journey,
                    location=place,
                    since=found.period.since,
                    until=found.ends,
                    period_s=schedule.period_s,
                    most=_MOST_SAMPLED,
                )
                for sample in runs.samples(self.connection, ids).values():
                    for vital in sample.vitals:
                        if vital.value is not None and not vital.cut:
                            values[vital.page, vital.name].append(vital.value)
        return replace(found, vitals={key: _times_of(some) for key, some in values.items()})

    def _with_endpoints(self, found: Stretch) -> Stretch:
        if (why := self.off.get("endpoints")) is not None:
            return replace(found, why_not={**found.why_not, Need.ENDPOINTS: why})
        parts: dict[str, list[bytes]] = defaultdict(list)
        counts: Counter[str] = Counter()
        for width, first, last in stretches(found.period.since, _to_whole(found.ends), (_DAY_S, _HOUR_S)):
            for bucket in samples.read_rollups(
                self.connection,
                "endpoint_response_seconds",
                width_s=width,
                since=samples.bucket_start(first, width),
                until=last,
            ):
                if bucket.sketch is not None:
                    endpoint = dict(bucket.labels).get("endpoint", "")
                    parts[endpoint].append(bucket.sketch)
                    counts[endpoint] += bucket.n
        return replace(found, endpoints={name: _times_of_sketches(some, counts[name]) for name, some in parts.items()})

    # Money

    def _with_money(self, found: Stretch) -> Stretch:
        if (why := self.off.get("stripe")) is not None:
            return replace(found, why_not={**found.why_not, Need.MONEY: why})
        since, ends = found.period.since, found.ends
        zone = ZoneInfo(found.period.zone)
        metrics = [metric.name for metric in CATALOGUE.values() if metric.source == "stripe"]
        starts = {
            start
            for width_s, first, last in self._parts_of(since, ends, (_HOUR_S, _SHORTEST_S))
            for start in samples.bucket_starts(self.connection, metrics, width_s=width_s, since=first, until=last)
        }
        days = {start.astimezone(zone).date() for start in starts}
        money = Money(
            charged=self._by_currency("stripe_charged_minor", since, ends),
            refunded=self._by_currency("stripe_refunded_minor", since, ends),
            orders=self._sum("stripe_sessions_completed", since, ends),
            failed=self._sum("stripe_payments_failed", since, ends),
            expired=self._sum("stripe_sessions_expired", since, ends),
            days=len(days),
        )
        return replace(found, money=money)

    def _sum(self, metric: str, since: datetime, ends: datetime) -> int:
        return round(sum(one.sum for one in self._sums(metric, since, ends)))

    def _by_currency(self, metric: str, since: datetime, ends: datetime) -> dict[str, int]:
        sums: dict[str, float] = defaultdict(float)
        for one in self._sums(metric, since, ends):
            sums[dict(one.labels).get("currency", "unknown")] += one.sum
        return {currency: round(value) for currency, value in sorted(sums.items())}

    # Alerts and incidents

    def _with_alerts(self, found: Stretch) -> Stretch:
        since, ends = found.period.since, found.ends
        opened = incidents.of_period(self.connection, since=since, until=ends, limit=_MOST_ROWS)
        those = [
            alert
            for alert in alerts.of_period(self.connection, since=since, until=ends, limit=_MOST_ROWS)
            if alert.fired_at
        ]
        by_incident: dict[str, list[Alert]] = defaultdict(list)
        for alert in those:
            by_incident[alert.incident or ""].append(alert)
        ids = [one.id for one in opened]
        messages = [one for some in parts(ids) for one in outbox.of_threads(self.connection, some)]
        calls = [row for some in parts(ids) for row in ladder.of_incidents(self.connection, some)]
        stories = [
            Story(
                incident=one,
                alerts=tuple(sorted(by_incident[one.id], key=lambda alert: (alert.id != one.lead, alert.fired_at))),
                messages=tuple(message for message in messages if message.thread == one.id),
                tiers=max((c.tier for c in calls if c.incident == one.id and c.status is LadderStatus.DONE), default=0),
            )
            for one in opened
        ]
        changed = [
            Reclassified(run_id=one.run_id, journey=one.journey, location=one.location, slot=one.slot, blame=one.blame)
            for one in runs.reclassifications(self.connection, since=since)
            if one.slot < ends
        ]
        return replace(
            found,
            stories=with_costs(self.connection, stories, watched=self.settings.watched, off=self.off, now=self.now),
            alerts=those,
            reclassified=changed,
        )

    # Verdicts

    def _with_verdicts(self, found: Stretch) -> Stretch:
        since, ends = found.period.since, found.ends
        rows = verdicts.statuses(self.connection, since=since, until=ends)
        oldest = min((row.at for row in rows), default=ends)
        begins = max(since, min(self.watched_since or oldest, oldest))
        return replace(found, statuses=status_hours(rows, begins, ends))


def status_hours(rows: Iterable[PastStatus], since: datetime, ends: datetime) -> dict[str, StatusHours]:
    """Return for how long each target had each verdict. A status holds until the next of its key, and for 61 minutes after its last row
    at most: after that no hub was judging, and the verdict is unknown. Pure."""
    by_key: dict[str, list[PastStatus]] = defaultdict(list)
    for row in rows:
        by_key[row.key].append(row)
    found = {}
    for key, some in by_key.items():
        hours: dict[VerdictStatus, float] = defaultdict(float)
        known = timedelta()
        began = ended = None
        for number, row in enumerate(some):
            following = some[number + 1].at if number + 1 < len(some) else ends
            # After the clock was set back the following one may be earlier than what was written before.
            stops = max(row.last_at, min(following, row.last_at + HOLDS, ends))
            held = stops - max(row.at, since)
            if row.verdict is None or held <= timedelta():
                continue
            hours[row.verdict] += held / timedelta(hours=1)
            known += held
            began = row.verdict if row.at <= since + HOLDS and began is None else began
            ended = row.verdict if stops >= ends else ended
        unknown_h = max(0.0, (ends - since - known) / timedelta(hours=1))
        found[key] = StatusHours(rule=some[0].rule, hours=dict(hours), unknown_h=unknown_h, began=began, ended=ended)
    return found


def _first_class(outcome: Outcome, network_counts: bool) -> Class:
    return class_of(outcome.first_status or outcome.status, outcome.first_blame, network_counts=network_counts)


_MEASURED = ("passed", "failed", "timed_out", "errored", "blocked")


def _tally(place: tuple[str, str], counts: Counter[str], bad: int | None, expected: int | None) -> Tally:
    """Return how one journey went at one location. Without the failed runs themselves (`bad` is None), those that failed at their first
    attempt count as bad."""
    measured = sum(counts[status] for status in _MEASURED)
    good = counts["first_passed"]
    if bad is None:
        bad = max(0, measured - good - counts["errored"] - counts["blocked"])
    recorded = measured + counts["missed"] + counts["skipped"]
    return Tally(
        journey=place[0],
        location=place[1],
        good=good,
        bad=bad,
        left_out=max(0, measured - good - bad),
        missed=counts["missed"],
        skipped=counts["skipped"],
        unknown=max(0, (expected or 0) - recorded),
        slow=counts["slow"],
        flaky=counts["flaky"],
    )


def _to_whole(ends: datetime) -> datetime:
    """Return the end of the shortest bucket that a moment lies in."""
    return ends + (_EPOCH - ends) % timedelta(seconds=_SHORTEST_S)


def _times(histogram: Mapping[str, int]) -> Times:
    n = sum(histogram.values())
    p50, p75, p95 = (percentile(histogram, p) for p in (50, 75, 95))
    return Times(n=n, p50=p50, p75=p75, p95=p95 if n >= MIN_N_P95 else None)


def _times_of(values: Sequence[float]) -> Times:
    p50, p75, p95 = (nearest_rank(values, p) for p in (50, 75, 95))
    return Times(n=len(values), p50=p50, p75=p75, p95=p95 if len(values) >= MIN_N_P95 else None)


def _times_of_sketches(parts: Sequence[bytes], n: int) -> Times:
    p50, p75, p95 = (1000 * seconds for seconds in sketches.quantiles(parts, (0.5, 0.75, 0.95)))
    return Times(n=n, p50=p50, p75=p75, p95=p95 if n >= MIN_N_P95 else None)


def parts(ids: Sequence[T]) -> Iterator[list[T]]:
    """Yield a list in parts that a query can name."""
    rest = iter(ids)
    while part := list(islice(rest, _AT_ONCE)):
        yield part
