"""Judges the simulated traffic by the shipped rules, on a clock of its own: the sources are read when the demo's hub reads them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from cli.demo_traffic import of_the_demos_business
from config import Document, read_document
from demo.faults import Faults
from demo.shop import ShopSettings
from demo.shop.catalogue import CITIES
from demo.shop.inventory import Inventory
from demo.stripe import StripeAccount, StripeSettings
from demo.traffic import HISTORY, Generator, Market, seats_of
from demo.traffic.effects import with_faults
from demo.traffic.history import Points, points_of
from facts import FeedState, Labels, Series, Verdict, labels
from hub.known_metrics import METRICS
from metrics import counts_of
from sla.calendar import Calendar
from sla.history import History
from sla.judge import judge
from sla.targets import Targets, targets_from
from sources.events import read_event
from sources.sms import count_messages
from sources.stripe_events import EventFilter, count_events
from sources.stripe_events import read_event as read_stripe_event
from tests.sla.builders import ROOT

SCALE = 5
ZONE = "America/Chicago"
_READ_S = 60
_VISITS = timedelta(hours=6)
"""So far back rules look at what visitors do: a day on the demo's clock, and some."""
"""How often Stripe and Twilio are read on the demo's clock."""
_COUNTED = EventFilter(cities={city.name: city.id for city in CITIES})


@cache
def a_generator() -> Generator:
    """The demo's own, with its usual prices."""
    return Generator(ZoneInfo(ZONE), ShopSettings(stripe_api_base="", stripe_key="", webhook_secret=""))


@cache
def the_rules() -> Targets:
    """The shipped rules that judge what the traffic makes, on the demo's clock."""
    return of_traffic(targets_from(Document("sla.yaml", the_demos_rules())))


def the_demos_rules() -> dict[str, Any]:
    """The contents of the sla.yaml that the demo writes."""
    return of_the_demos_business(read_document(ROOT / "sla.yaml").data, a_generator().usual_day_minor)


def of_traffic(targets: Targets) -> Targets:
    """Those of some rules that judge what the traffic makes, on the demo's clock."""
    return Targets({name: rule for name, rule in targets.rules().items() if _is_of_traffic(rule)}).scaled(SCALE)


def _is_of_traffic(rule: Any) -> bool:
    named = (getattr(rule, name, None) for name in ("metric", "bad_metric"))
    return any(METRICS[name].source in ("events", "stripe", "sms", "inventory") for name in named if name is not None)


@cache
def _history(now: datetime) -> Points:
    """What the rules look at of the 35 days before: the last days, and the hours around this moment in the weeks before."""
    generator, found = a_generator(), defaultdict[tuple[str, Labels], dict[float, float]](dict)
    weeks = [timedelta(weeks=week) for week in (4, 3, 2, 1)]
    spans = [
        (now - week - timedelta(hours=26), now - week + timedelta(hours=1), now - week - _VISITS) for week in weeks
    ]
    for since, until, visits in [*spans, (now - timedelta(days=7), now, now - _VISITS)]:
        made = points_of(generator, since, until, _COUNTED, ends=now, visits_since=visits)
        for key, points in made.items():
            found[key] |= {at: value for at, value in points.items() if at not in found[key]}
    return found


@dataclass(kw_only=True)
class Watching:
    """The demo from `now` on: `go_on` lets time pass, and `fired` are the alerts so far, each with the seconds after `now`.

    `history` is false for `--no-history`; `rules` are the shipped ones where no others are given.
    """

    now: datetime
    history: bool = True
    rules: Targets = field(default_factory=lambda: the_rules())
    fired: dict[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._began = self._at = self.now.timestamp()
        self._generator = a_generator()
        self._points = {key: dict(points) for key, points in (_history(self.now) if self.history else {}).items()}
        account = StripeAccount(StripeSettings(secret_key="sk_test_x", webhook_secret="whsec_x"))
        self._texts: deque[dict[str, Any]] = deque()
        self._market = Market(Inventory(Faults()), account, self._texts)
        sales = self._generator.sales(self._began - HISTORY.total_seconds(), self._began)
        self._market.open(seats_of(sales), sales)
        self._stripe: list[dict[str, Any]] = []
        self._breached_since: dict[str, float] = {}
        self._read_at = self._began

    def go_on(self, seconds: float, on: Collection[str] = (), *, step_s: float = 15) -> None:
        """Let time pass under some faults, and judge at each step."""
        ends = self._at + seconds
        while self._at < ends:
            since, self._at = self._at, self._at + step_s
            self._collect(since, on)
            for verdict in judge(self.rules, self._seen(), self._moment):
                self._note(verdict)

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return self._at - self._began

    @property
    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._at, UTC)

    def _collect(self, since: float, on: Collection[str]) -> None:
        records = with_faults(self._generator, self._generator.between(since, self._at), on, since, self._at)
        self._market.take(records, on)
        self._stripe += records.stripe
        for told in (*records.events, *records.log):
            event = read_event(told, now=self._moment)
            for one in counts_of(event):
                at = event.at.timestamp()
                series = self._points.setdefault((one.metric, one.labels), {})
                series[at - at % 60] = series.get(at - at % 60, 0.0) + one.value
        for city in self._market.inventory.all():
            for tier, left in city["actualAvailable"].items():
                of = labels(city=city["cityId"], tier=tier)
                self._points.setdefault(("inventory_remaining_tickets", of), {})[self._at] = float(left)
        if self._at - self._read_at >= _READ_S:
            self._read()

    def _read(self) -> None:
        self._read_at = self._at
        told = [read_stripe_event(one, _COUNTED) for one in self._stripe]
        samples = count_events([event for event in told if event is not None])
        for sample in (*samples, *count_messages(list(self._texts), now=self._moment)):
            self._points.setdefault((sample.metric, sample.labels), {})[sample.at.timestamp()] = sample.value

    def _seen(self) -> History:
        plan, calendar = self.rules.load_plan({}), Calendar(timezone=ZONE)
        found: dict[str, list[Series]] = defaultdict(list)
        newest: dict[str, list[Series]] = defaultdict(list)
        for (metric, of), points in self._points.items():
            times = sorted(points)
            if metric in plan.newest and times:
                last = (datetime.fromtimestamp(times[-1], UTC), points[times[-1]])
                newest[metric].append(Series(metric=metric, labels=of, points=(last,)))
            if metric in plan.series:
                spans = _spans(plan.series[metric], plan.weekly.get(metric), calendar, self._moment)
                kept = tuple(_within(times, points, spans))
                if kept:
                    found[metric].append(Series(metric=metric, labels=of, points=kept))
        sources = {metric.name: metric.source for metric in METRICS.values()}
        states = {
            name: FeedState(source=name, configured=True, last_good_at=at)
            for name, at in {
                "events": self._moment,
                "inventory": self._moment,
                **dict.fromkeys(("stripe", "sms"), datetime.fromtimestamp(self._read_at, UTC)),
            }.items()
        }
        return History(
            hours=[],
            schedules={},
            watching_since=self.now,
            series=found,
            last_samples=newest,
            metric_sources=sources,
            feeds=states,
            calendar=calendar,
        )

    def _note(self, verdict: Verdict) -> None:
        key = f"{verdict.rule}/{verdict.subject}/{verdict.severity}"
        if not verdict.breached:
            self._breached_since.pop(key, None)
            return
        since = self._breached_since.setdefault(key, self._at)
        if self._at - since >= verdict.for_s and verdict.severity is not None:
            self.fired.setdefault((verdict.rule, verdict.severity.value), self._at - self._began)


def _spans(
    window: timedelta, weekly: tuple[int, timedelta] | None, calendar: Calendar, now: datetime
) -> list[tuple[float, float]]:
    """Return the stretches of time that a rule looks at, oldest first, as the hub loads them."""
    since = now - window
    weeks, length = weekly or (0, timedelta())
    ends = [calendar.weeks_before(now, week) for week in range(weeks, 0, -1)]
    earlier = [((end - length).timestamp(), min(end, since).timestamp()) for end in ends]
    return [*earlier, (since.timestamp(), now.timestamp())]


def _within(
    times: list[float], points: dict[float, float], spans: list[tuple[float, float]]
) -> Iterator[tuple[datetime, float]]:
    for since, until in spans:
        for at in times[bisect_left(times, since) : bisect_right(times, until)]:
            yield _moment_of(at), points[at]


@cache
def _moment_of(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
