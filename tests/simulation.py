"""A hub on a simulated clock: the real judging, alerting, outbox and delivery, on runs that nobody made and receivers that note.

`benchmarks/alert_noise.py` prints what thirty days of it come to, and tests look at pieces.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.channels import Channel, Receipt
from alerts.machine import Standing, advance
from alerts.message import Message
from alerts.policy import Policy
from facts import Alert, AlertState, Blame, Grid, Outcome, Status, Verdict
from hub.cycle import save_step, standing_alerts
from hub.deliver import Deliverer
from sla.history import History, LongTally, Schedule
from sla.hours import Hour, hour_of, hours_of
from sla.judge import judge
from sla.kind import DaysNeed, RunsNeed
from sla.settings import Rule
from sla.targets import Targets, kind_of
from store import Store

PLACES = ("us-east", "us-west", "eu-west")
GA, VIP = "ga_purchase", "vip_member_discount"
STEPS = {
    GA: (
        "open_homepage",
        "choose_city",
        "choose_tier",
        "fill_registration",
        "proceed_to_stripe",
        "complete_test_payment",
        "verify_success_page",
    ),
    VIP: ("open_homepage", "choose_city", "enter_member_email", "verify_discount"),
}
TICK = timedelta(seconds=10)
_RUN_S = (7.0, 14.0)
"""How long a run takes, from its slot to its end."""
_CONFIRM_S = 5.0
_ON_THE_WAY_S = (0.1, 1.5)
_SENDING_S = (0.1, 2.0)
"""From the tick to the receiver: the hub looks for messages each second, and a receiver takes up to a second."""
_SETTLED = timedelta(seconds=60)
"""For how long after a failure each tick is judged: longer than any rule that counts failures waits for late results."""
_QUIET, _FIRING = timedelta(hours=1), timedelta(seconds=60)
"""How far apart ticks are while nothing fails and nothing is pending: none of them could fire anything."""
_TALLIED_FOR = timedelta(minutes=5)
"""For how long the counts of many days are kept, as in the hub."""
_WARM_UP = timedelta(hours=1)


def guide_schedules() -> dict[str, Schedule]:
    """Return the shipped schedule: both journeys at three staggered locations."""
    return {
        name: Schedule(
            period_s=period, grids={p: Grid.of(period, index=n, n=len(PLACES)) for n, p in enumerate(PLACES)}
        )
        for name, period in ((GA, 300), (VIP, 900))
    }


def rules_of_runs(targets: Targets) -> Targets:
    """Return the rules that look at nothing but whether runs pass: the others have nothing to judge here."""

    def looks_at_runs_alone(rule: Rule) -> bool:
        needs = kind_of(rule).needs(rule)
        return all(isinstance(one, DaysNeed) or (isinstance(one, RunsNeed) and not one.details) for one in needs)

    return Targets({name: rule for name, rule in targets.rules().items() if looks_at_runs_alone(rule)})


@dataclass(frozen=True, kw_only=True)
class Shop:
    """What becomes of a run: each attempt fails at random with the probability `noise`, a share of `confirmed` runs at both attempts,
    and from `broken_at` on each attempt that comes to the payment with the probability `broken`."""

    noise: float = 0.0
    confirmed: float = 0.0
    broken_at: datetime | None = None
    broken: float = 1.0

    def run(self, chance: random.Random, journey: str, place: str, slot: datetime) -> Outcome:
        """Make the run of one slot; a first failure is confirmed by one more attempt."""
        length_s = chance.uniform(*_RUN_S)
        twice = _failing(chance, journey, self.confirmed)
        begins = [slot, slot + timedelta(seconds=length_s + _CONFIRM_S)]
        steps = [
            twice
            or _failing(chance, journey, self.noise)
            or self._broken_step(chance, journey, at + timedelta(seconds=0.6 * length_s))
            for at in begins
        ]
        first, last = steps[0], steps[0] and steps[1]
        finished = (slot if first is None else begins[1]) + timedelta(seconds=length_s)
        return Outcome(
            run_id=f"{journey}-{place}-{slot:%m%d%H%M%S}",
            journey=journey,
            location=place,
            slot=slot,
            status=Status.FAILED if last else Status.PASSED,
            blame=Blame.SITE if last else None,
            failed_step=last,
            error=f"{last}: POST /api/create-checkout-session answered 500" if last else None,
            first_status=Status.FAILED if first else Status.PASSED,
            first_blame=Blame.SITE if first else None,
            first_failed_step=first,
            flaky=bool(first and not last),
            started_at=slot,
            finished_at=finished,
            received_at=finished + timedelta(seconds=chance.uniform(*_ON_THE_WAY_S)),
            duration_ms=length_s * 1000,
        )

    def _broken_step(self, chance: random.Random, journey: str, pays_at: datetime) -> str | None:
        if journey != GA or self.broken_at is None or pays_at < self.broken_at:
            return None
        return "proceed_to_stripe" if chance.random() < self.broken else None


def _failing(chance: random.Random, journey: str, share: float) -> str | None:
    return chance.choice(STEPS[journey]) if chance.random() < share else None


def runs_of(shop: Shop, chance: random.Random, *, since: datetime, until: datetime) -> list[Outcome]:
    """Return every run of a stretch of time on the shipped schedule and of the hour before it, in the order in which the hub
    receives them."""
    made = [
        shop.run(chance, journey, place, slot)
        for journey, schedule in guide_schedules().items()
        for place, grid in schedule.grids.items()
        for slot in grid.between(since - _WARM_UP, until)
    ]
    return sorted(made, key=lambda run: run.received_at)


@dataclass(kw_only=True)
class Received:
    """What the hub has received, in hours that are made anew only where a run came, and no further back than the rules look."""

    targets: Targets
    since: datetime
    _hours: dict[tuple[datetime, str, str], list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    _made: dict[tuple[datetime, str, str], Hour] = field(default_factory=dict)
    _days: dict[datetime, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    _last: dict[str, datetime] = field(default_factory=dict)
    _tallies: dict[int, tuple[datetime, LongTally]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.schedules = guide_schedules()
        self._plan = self.targets.load_plan(self.schedules)

    def take(self, run: Outcome) -> None:
        """Take one run."""
        assert run.slot is not None
        key = hour_of(run.slot), run.journey, run.location
        self._hours[key].append(run)
        self._made.pop(key, None)
        self._days[run.slot.replace(hour=0, minute=0, second=0, microsecond=0)].append(run)
        self._last[run.location] = run.received_at

    def history(self, now: datetime) -> History:
        """Return the history that the rules would be given now."""
        oldest = hour_of(now - self._plan.runs)
        for key in [key for key in self._hours if key[0] < oldest]:
            del self._hours[key]
            self._made.pop(key, None)
        for key, runs in self._hours.items():
            if key not in self._made:
                (self._made[key],) = hours_of(sorted(runs, key=lambda run: run.slot or now))
        return History(
            hours=[self._made[key] for key in sorted(self._made)],
            schedules=self.schedules,
            watching_since=self.since,
            last_received=dict(self._last),
            tallies={days: self._tally(days, now) for days in self._plan.days},
        )

    def _tally(self, days: int, now: datetime) -> LongTally:
        at, kept = self._tallies.get(days, (None, None))
        if at is None or kept is None or now - at >= _TALLIED_FOR:
            kept = self._counted(days, now)
            self._tallies[days] = now, kept
        return kept

    def _counted(self, days: int, now: datetime) -> LongTally:
        since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
        for day in [day for day in self._days if day < since]:
            del self._days[day]
        runs = [run for day in self._days.values() for run in day]
        return LongTally(
            since=since,
            passed=Counter(run.journey for run in runs if run.first_status is Status.PASSED),
            bad=Counter((run.journey, run.first_failed_step) for run in runs if run.first_status is not Status.PASSED),
        )


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A message that a receiver got."""

    at: datetime
    destination: str
    message: Message


@dataclass(kw_only=True)
class SimulatedHub:
    """Saves what the alert machine decides in a real store, and delivers what is owed to receivers that only note it."""

    store: Store
    policy: Policy
    destinations: Sequence[str]
    now: datetime
    got: list[Delivered] = field(default_factory=list)
    episodes: list[Alert] = field(default_factory=list)
    """Every alert that fired, as it was then."""
    _standing: Standing | None = None
    _ticked_at: datetime | None = None

    def __post_init__(self) -> None:
        channels: Mapping[str, Channel] = {name: _Note(self, name) for name in self.destinations}
        self.deliverer = Deliverer(store=self.store, channels=channels, holder="simulated", clock=lambda: self.now)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is pending or fires."""
        return self._standing is None or not self._standing.alerts

    @property
    def is_pending(self) -> bool:
        """Whether an alert waits to fire."""
        return self._standing is not None and any(a.state is AlertState.PENDING for a in self._standing.alerts)

    def tick(self, verdicts: Sequence[Verdict], *, after: timedelta = TICK) -> None:
        """Advance the alerts by one tick, save what has changed, and send what is due."""
        standing = self._standing or self._load()
        # Ticks that could say nothing new are left out; they are no break of the watch.
        previous = self.now - min(after, TICK) if self._ticked_at is not None else None
        step = advance(standing, verdicts, self.policy, self.now, previous=previous)
        self._ticked_at = self.now
        if step.alerts or step.incidents or step.notifications or step.changed or step.ladder:
            known = {alert.id: alert.state for alert in standing.alerts}
            fired = (
                a for a in step.alerts if a.state is AlertState.FIRING and known.get(a.id) is not AlertState.FIRING
            )
            self.episodes += fired
            with self.store.write() as connection:
                save_step(connection, step, self.now)
            self._standing = self._load()
        if not self.is_quiet or step.notifications:
            self.deliver()

    def deliver(self) -> None:
        """Send what is due."""
        self.deliverer.deliver()

    def reload(self) -> None:
        """Read again what stands: somebody else has changed it."""
        self._standing = self._load()

    def _load(self) -> Standing:
        with self.store.write() as connection:
            return standing_alerts(connection)


class _Note:
    """A receiver that takes every message."""

    def __init__(self, hub: SimulatedHub, name: str) -> None:
        self._hub, self._name = hub, name

    def send(self, message: Message, *, dedup_key: str) -> Receipt:
        self._hub.got.append(Delivered(at=self._hub.now, destination=self._name, message=message))
        return Receipt(ok=True, status=200)


def play(
    hub: SimulatedHub,
    targets: Targets,
    runs: Sequence[Outcome],
    *,
    until: datetime,
    over: Callable[[SimulatedHub], bool] = lambda _: False,
) -> Iterator[datetime]:
    """Judge runs as they come, until a moment or until `over`; yield the moment of each tick that is judged.

    While nothing fails and nothing is pending, only one tick an hour is judged, and one a minute while an alert fires.
    """
    received = Received(targets=targets, since=hub.now - _WARM_UP)
    waiting, looks_until, next_look = iter(runs), hub.now, hub.now
    coming = next(waiting, None)
    while hub.now < until and not over(hub):
        while coming is not None and coming.received_at <= hub.now:
            received.take(coming)
            if coming.first_status is not Status.PASSED:
                looks_until = hub.now + _SETTLED
            coming = next(waiting, None)
        if hub.now >= next_look or hub.now <= looks_until or hub.is_pending:
            next_look = hub.now + (_QUIET if hub.is_quiet else _FIRING)
            hub.tick(judge(targets, received.history(hub.now), hub.now))
            yield hub.now
        hub.now += TICK


def sending_s(chance: random.Random) -> float:
    """Return how long a message is on its way from a tick to its receiver, in seconds."""
    return chance.uniform(*_SENDING_S)
