"""Writes weeks of simulated traffic into a hub's database, counted as the hub would have counted it.

Not event by event, which would take many minutes: visits of a kind tell the same events, so their counts are multiplied.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import Connection

from demo.traffic import past_runs, visits
from demo.traffic.generator import Generator, Sale, times
from demo.traffic.outages import BAD_DAYS, AlertingRule, outages_before, save_outages
from facts import Event, Labels, labels, to_wire
from journeys.journey import Journey
from metrics import counts_of
from sources.sms import count_messages
from sources.stripe_events import EventFilter, count_events, read_event
from store import Store, bulk, meta, rollups, samples
from store.histograms import bucket

HISTORY = timedelta(days=35)
MARK = "demo_history"
"""The value of the database that says which of its history is made up: seed, since, until."""
_SHORT = timedelta(days=8)
_MINUTE_S, _COARSE_S, _WEEK_S = 60, 300, 7 * 86_400
_SKETCHED_SHORT = timedelta(hours=26)
_COMPARED = ("app_requests", "app_5xx_requests")
"""Of these a rule compares a few minutes with those of the weeks before."""
_DETAILS = ("app_responses", "app_events")
"""Of these no rule looks at single samples."""
_TOOK = "app_request_seconds"
_CHECKED = ("/", "/register", "/api/inventory", "/api/webhooks/stripe")
_CHECKED_EACH_MINUTE = "/api/inventory"
_JOURNEY_MS = {"ga_purchase": 5200.0, "vip_member_discount": 3900.0}
_PER_SEAT = 1.4
_FRAUD_AGO = timedelta(days=20)
_MINUTES_FOR = timedelta(hours=24)
"""For so long a demo finds the minutes of the weeks before that it is compared with; later five minutes at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRuns:
    """Holds what past runs and outages are made of: the journeys by name, the shop's address, and the rule of the outages' alerts."""

    journeys: Mapping[str, Journey]
    site: str
    rule: AlertingRule


Points = dict[tuple[str, Labels], dict[float, float]]


def save_history(
    store: Store,
    generator: Generator,
    *,
    now: datetime,
    cities: Mapping[str, str],
    places: Mapping[str, Sequence[str]],
    period_s: float,
    history: timedelta = HISTORY,
    runs: PastRuns | None = None,
) -> datetime:
    """Save the history that is missing up to `now`, in one transaction, and return its end: the minute that `now` lies in.

    A database that has none gets `history`; one that was filled before gets what follows its last sample. `cities` are the site's,
    ids by name; `places` are the locations of each journey, which runs every `period_s` seconds. With `runs` the first history has
    single runs as well: of the last week, and of two outages before; else it has only the counts of each day.
    """
    until = now.replace(second=0, microsecond=0)
    oldest = until - history
    with store.write() as connection:
        since = max(oldest, _last_minute(connection) or oldest)
        if since >= until:
            return until
        is_first = since == oldest
        short = max(since, until - _SHORT)
        if not is_first:
            short = since
        points = points_of(generator, since, until, EventFilter(cities=cities))
        bulk.save(connection, points, short_since=short)
        _save_durations(connection, points, until, is_first=is_first)
        if is_first and runs is not None:
            today = until.replace(hour=0, minute=0)
            past_runs.save_runs(
                connection,
                runs.journeys,
                places,
                until=until,
                period_s=period_s,
                outages=outages_before(today, period_s),
                site=runs.site,
            )
            save_outages(connection, today=today, places=places, period_s=period_s, rule=runs.rule)
        if is_first:
            # After the runs of the outages: these counts are of their whole hours and days.
            rollups.save_whole(connection, list(_rollups(until, places, period_s, with_runs=runs is not None)))
        told = meta.get(connection, MARK) or {}
        meta.put(
            connection,
            MARK,
            {"seed": generator.seed, "since": told.get("since") or to_wire(since), "until": to_wire(until)},
        )
    return until


def seats_of(sales: Iterable[Sale]) -> dict[tuple[str, str], int]:
    """Return the seats of each city and tier, by what was sold: enough to last for some weeks more."""
    sold: Counter[tuple[str, str]] = Counter()
    for sale in sales:
        sold[sale.city, sale.tier] += sale.quantity
    return {key: math.ceil(n * _PER_SEAT / 50) * 50 for key, n in sold.items()}


def _last_minute(connection: Connection) -> datetime | None:
    """Return the minute after the last one in which the site told of a request."""
    last = max((at for one in samples.newest(connection, "app_requests") for at, _ in one.points), default=None)
    return last + timedelta(minutes=1) if last else None


def points_of(
    generator: Generator,
    since: datetime,
    until: datetime,
    counted: EventFilter,
    *,
    ends: datetime | None = None,
    visits_since: datetime | None = None,
) -> Points:
    """Return the samples of every metric that the traffic of a span makes, `counted` by the site's cities.

    It is a part of a history that goes on to `ends`, or ends with it: what lies long before is kept by longer stretches. What visits
    tell is left out before `visits_since`: it is most of the work.
    """
    begins, stops, over = since.timestamp(), until.timestamp(), (ends or until).timestamp()
    found: Points = defaultdict(lambda: defaultdict(float))
    if visits_since is None or visits_since < until:
        _add_visits(found, generator, max(begins, visits_since.timestamp() if visits_since else begins), stops, over)
    # One kind long ago: of what never came its rule would be off.
    fraud = _event("fraud", over - _FRAUD_AGO.total_seconds(), "fraud_suspected", "warn", {})
    for event in (*_single_events(generator, begins, stops), *([fraud] if since <= fraud.at < until else [])):
        at = event.at.timestamp()
        for one in counts_of(event):
            found[one.metric, one.labels][at - at % _MINUTE_S] += one.value
    told = (read_event(one, counted) for one in generator.stripe(begins, stops))
    for sample in count_events([event for event in told if event is not None]):
        found[sample.metric, sample.labels][sample.at.timestamp()] = sample.value
    # What is older than five minutes has settled; the last ones are counted as if they had.
    for sample in count_messages(generator.texts(begins, stops), now=until + timedelta(minutes=10)):
        found[sample.metric, sample.labels][sample.at.timestamp()] = sample.value
    _add_inventory(found, generator, begins, stops, over)
    _add_checks(found, begins, stops, over)
    for name in ("stripe_webhooks_pending", "stripe_webhooks_oldest_pending_seconds"):
        found[name, ()].update(dict.fromkeys(times(_COARSE_S, begins, stops), 0.0))
    return found


def _add_visits(found: Points, generator: Generator, begins: float, ends: float, over: float) -> None:
    """Count what visits tell: how often each part of each kind of visit came in each minute, times what the part counts."""
    parts: dict[int, list[tuple[float, Mapping[tuple[str, Labels], float]]]] = {}
    came: dict[tuple[int, int], Counter[float]] = defaultdict(Counter)
    for visit, told in generator.visitors(begins - visits.LONGEST_S, ends):
        key = id(told)
        of_kind = parts.get(key)
        if of_kind is None:
            of_kind = parts[key] = _parts(told)
        for n, (after_s, _) in enumerate(of_kind):
            at = visit.at + after_s
            if begins <= at < ends:
                came[key, n][at - at % _MINUTE_S] += 1
    for (key, n), minutes in came.items():
        _add_counts(found, parts[key][n][1], minutes, begins, over)
    each_minute = dict.fromkeys(times(_MINUTE_S, begins, ends), round(_MINUTE_S / visits.HEALTH_EVERY_S))
    _add_counts(found, _parts([visits.HEALTH])[0][1], each_minute, begins, over)


def _add_counts(
    found: Points, told: Mapping[tuple[str, Labels], float], minutes: Mapping[float, int], begins: float, over: float
) -> None:
    """Add what something tells, which came so often in each minute, to the samples of longer stretches where that is enough."""
    stretches: dict[Callable[[float], int], Counter[float]] = {}
    for (metric, its), value in told.items():
        width_s = _seldom if metric in _DETAILS else _closely if metric in _COMPARED else _usually
        if width_s not in stretches:
            counted = stretches[width_s] = Counter()
            for minute, n in minutes.items():
                counted[max(begins, minute - minute % width_s(over - minute))] += n
        series = found[metric, its]
        for at, n in stretches[width_s].items():
            series[at] += n * value


def _usually(_ago_s: float) -> int:
    """Return how many seconds a sample stands for that is so old, in seconds."""
    return _COARSE_S


def _seldom(ago_s: float) -> int:
    """Return the same for what only charts show: those of more than a week are made of hours."""
    return 3600 if ago_s > _SHORT.total_seconds() else _COARSE_S


def _closely(ago_s: float) -> int:
    """Return the same for what is compared with the same minutes of weeks before: as long as a demo runs, and an hour before it."""
    after_s = -ago_s % _WEEK_S
    return _MINUTE_S if after_s <= _MINUTES_FOR.total_seconds() or after_s >= _WEEK_S - 3600 else _COARSE_S


def _parts(told: Sequence[visits.Told]) -> list[tuple[float, Mapping[tuple[str, Labels], float]]]:
    """Return what a kind of visit counts, by how many seconds after its beginning."""
    found: dict[float, dict[tuple[str, Labels], float]] = defaultdict(lambda: defaultdict(float))
    for one in told:
        for count in counts_of(_event("", 0.0, one.name, "info", one.fields)):
            found[one.after_s][count.metric, count.labels] += count.value
    return sorted(found.items(), key=lambda part: part[0])


def _single_events(generator: Generator, begins: float, ends: float) -> Iterator[Event]:
    told = (*generator.payments(begins, ends), *generator.other_events(begins, ends), *generator.log(begins, ends))
    for one in told:
        fields = {key: value for key, value in one.items() if key not in ("id", "at", "level", "name", "category")}
        at = datetime.fromisoformat(one["at"]).timestamp()
        yield _event(one["id"], at, one["name"], one["level"], fields, one.get("category"))


def _event(id_: str, at: float, name: str, level: str, fields: Mapping[str, Any], category: str | None = None) -> Event:
    category = category or fields.get("category")
    rest = {key: value for key, value in fields.items() if key != "category"}
    moment = datetime.fromtimestamp(at, UTC)
    return Event(id=id_, at=moment, level=level, name=name, category=category, fields=rest)


def _add_inventory(found: Points, generator: Generator, begins: float, ends: float, over: float) -> None:
    """Add what is left each hour: it rises from now back into the past, by what was sold since."""
    all_sales = generator.sales(over - HISTORY.total_seconds(), over)
    seats, of = seats_of(all_sales), defaultdict[tuple[str, str], list[Sale]](list)
    for sale in all_sales:
        of[sale.city, sale.tier].append(sale)
    moments = times(3600, begins, ends)
    for (city, tier), sales in of.items():
        its = labels(city=city, tier=tier)
        moments_of_sales, sold = [sale.at for sale in sales], [0, *accumulate(sale.quantity for sale in sales)]
        for at in moments:
            found["inventory_remaining_tickets", its][at] = seats[city, tier] - sold[bisect_right(moments_of_sales, at)]
            found["inventory_seats", its][at] = seats[city, tier]
    for at in moments:
        found["inventory_negative_cities", ()][at] = 0.0


def _add_checks(found: Points, begins: float, ends: float, over: float) -> None:
    """Add the checks of endpoints every five minutes, and each minute of the last week where a rule counts them."""
    lately = min(max(begins, over - _WEEK_S), ends)
    seldom = times(_COARSE_S, begins, ends)
    often = [*times(_COARSE_S, begins, lately), *times(_MINUTE_S, lately, ends)]
    for path in _CHECKED:
        moments = often if path == _CHECKED_EACH_MINUTE else seldom
        found["endpoint_up", labels(endpoint=path, location="hub")].update(dict.fromkeys(moments, 1.0))


def _save_durations(connection: Connection, points: Points, until: datetime, *, is_first: bool) -> None:
    """Save how long the requests took that `points` count: hours and days of the whole, and five minutes of the last day."""
    counted: Counter[tuple[Labels, int, float]] = Counter()
    short = until.timestamp() - _SKETCHED_SHORT.total_seconds() if is_first else 0.0
    for (metric, its), minutes in points.items():
        if metric == "app_requests":
            for at, n in minutes.items():
                for width_s in samples.WIDTHS_S:
                    if width_s > _COARSE_S or at >= short:
                        counted[its, width_s, at - at % width_s] += round(n)
    usual = {
        labels(method=method, endpoint=path): visits.usual_seconds((method, path)) for method, path in visits.TYPICAL_MS
    }
    if is_first:
        took = [
            bulk.Durations(_TOOK, its, width_s, start, n, usual[its]) for (its, width_s, start), n in counted.items()
        ]
        bulk.save_durations(connection, [*took, *_checks_took(until.timestamp())])
        return
    measured = {
        (_TOOK, its, datetime.fromtimestamp(start, UTC)): usual[its]
        for its, width_s, start in counted
        if width_s == _COARSE_S
    }
    samples.add_durations(connection, measured, now=until)


def _checks_took(ends: float) -> Iterator[bulk.Durations]:
    """Yield how long the checks of endpoints took, by hours and days."""
    usual = (0.004, 0.006, 0.007, 0.008, 0.009, 0.012, 0.021)
    for path in _CHECKED:
        its = labels(endpoint=path, location="hub")
        for width_s in samples.WIDTHS_S[1:]:
            for start in times(width_s, ends - HISTORY.total_seconds(), ends):
                yield bulk.Durations("endpoint_response_seconds", its, width_s, start, width_s // _COARSE_S, usual)


def _rollups(
    until: datetime, places: Mapping[str, Sequence[str]], period_s: float, *, with_runs: bool
) -> Iterator[rollups.Rollup]:
    """Yield the days and hours of runs up to `until`, or up to a week before with `with_runs`: all passed but those of the outages.

    The first five minutes are a bucket of their own, because the oldest one says since when anything was watched.
    """
    today = until.replace(hour=0, minute=0)
    begins, ends = today - HISTORY, today - past_runs.WEEK if with_runs else until.replace(minute=0)
    failed: Counter[datetime] = Counter()
    for first, last in outages_before(today, period_s):
        slots = round((last - first).total_seconds() / period_s)
        failed.update((first + i * timedelta(seconds=period_s)).replace(minute=0) for i in range(slots))
    starts = [begins + hour * timedelta(hours=1) for hour in range(round((ends - begins) / timedelta(hours=1)))]
    days = [begins + day * timedelta(days=1) for day in range(HISTORY.days)]
    for journey, locations in places.items():
        took = _JOURNEY_MS.get(journey, 5000.0)
        for location in locations:
            one = _Bucket(journey, location, took, period_s)
            yield one.rollup(begins, 300, 0)
            yield from (one.rollup(start, 3600, failed[start]) for start in starts)
            yield from (one.rollup(day, 86_400, BAD_DAYS.get((today - day).days, 0)) for day in days if day < ends)
            if not with_runs:
                yield one.rollup(today, 86_400, 0, lasts_s=3600 * sum(start >= today for start in starts))


class _Bucket(NamedTuple):
    """Makes the rollups of a journey at a location. `took_ms` is how long a run usually takes."""

    journey: str
    location: str
    took_ms: float
    period_s: float

    def rollup(self, start: datetime, width_s: int, bad: int, *, lasts_s: int | None = None) -> rollups.Rollup:
        """Return a bucket in which `bad` runs failed; `lasts_s` is how many seconds of it are over, if it is not whole."""
        n = round((width_s if lasts_s is None else lasts_s) / self.period_s)
        good = max(0, n - bad)
        durations = {bucket(self.took_ms * part): good // 3 for part in (0.93, 1.0, 1.12)} if good >= 3 else {}
        return rollups.Rollup(
            width_s=width_s,
            start=start,
            journey=self.journey,
            location=self.location,
            counts={"passed": good, "first_passed": good, "failed": bad, "slow": 0, "flaky": 0},
            durations=durations,
            steps={},
        )
