"""Defines the numbers of a report, as the hub gathers them: those of its period and those of the period before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from facts import Alert, Deploy, Incident, Notification, VerdictStatus
from metrics import IncidentImpact
from metrics.statistics import lasting_low, wilson
from reports.periodic.period import Period


class Need(StrEnum):
    """A part of the numbers that a report may ask for; what no report asks for is not loaded."""

    RUNS = "runs"
    VITALS = "vitals"
    ENDPOINTS = "endpoints"
    MONEY = "money"
    ALERTS = "alerts"
    VERDICTS = "verdicts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Holds how the planned runs of one journey at one location went.

    `good` and `bad` count first attempts. `left_out` were measured and say nothing of the site, `missed` were not run, `skipped` were
    not wanted. `unknown` slots have no record at all. `slow` and `flaky` are among those that passed in the end.
    """

    journey: str
    location: str
    good: int = 0
    bad: int = 0
    left_out: int = 0
    missed: int = 0
    skipped: int = 0
    unknown: int = 0
    slow: int = 0
    flaky: int = 0

    @property
    def n(self) -> int:
        """The number of runs that count."""
        return self.good + self.bad

    @property
    def expected(self) -> int:
        """The number of planned results."""
        return self.n + self.left_out + self.missed + self.unknown

    @property
    def silent(self) -> int:
        """The number of planned results that are missing."""
        return self.expected - self.n


def together(tallies: Sequence[Tally], *, journey: str = "", location: str = "every location") -> Tally:
    """Return the sum of some tallies."""
    names = ("good", "bad", "left_out", "missed", "skipped", "unknown", "slow", "flaky")
    return Tally(journey=journey, location=location, **{n: sum(getattr(t, n) for t in tallies) for n in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Holds a target of availability and what was measured against it. `off` says why nothing was, else None."""

    rule: str
    title: str
    target: float
    good: float = 0
    n: int = 0
    off: str | None = None

    @property
    def share(self) -> float | None:
        """The good share; None if nothing was measured."""
        return self.good / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """The confidence interval of the share, 95 %."""
        return wilson(round(self.good), self.n)

    @property
    def is_missed(self) -> bool:
        """Whether the target was missed by more than chance."""
        return self.n > 0 and self.interval[1] < self.target

    @property
    def is_met(self) -> bool:
        """Whether the measurements prove that the target was met, however often they are looked at."""
        return self.n > 0 and lasting_low(round(self.good), self.n, self.target) >= self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Holds percentiles of durations in ms (of CLS without a unit) and of how many values they are."""

    n: int
    p50: float | None
    p75: float | None
    p95: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Holds what the shop took. Amounts are in minor units by currency. `days` is on how many days the source brought something."""

    charged: Mapping[str, int] = field(default_factory=dict)
    refunded: Mapping[str, int] = field(default_factory=dict)
    orders: int = 0
    failed: int = 0
    expired: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Holds an incident with everything that belongs to it: its alerts, its messages, and how many escalation tiers were called.

    `lost` is what the shop would usually have sold meanwhile, in minor units by currency; None where that is not known, with
    `lost_unknown` for the reason. `user_sign_at` is the first failed payment or support ticket of a real buyer while it lasted,
    None where none came; `signs_unknown` says why nothing is known of them.
    """

    incident: Incident
    alerts: tuple[Alert, ...] = ()
    messages: tuple[Notification, ...] = ()
    tiers: int = 0
    lost: Mapping[str, int] | None = None
    lost_unknown: str = ""
    user_sign_at: datetime | None = None
    signs_unknown: str = ""

    @property
    def impact(self) -> IncidentImpact | None:
        """What it did to buyers; None of one that kept nobody from buying, of which no cost and no sign was looked for."""
        if self.lost is None and not (self.lost_unknown or self.signs_unknown or self.user_sign_at):
            return None
        began = min((alert.began_at for alert in self.alerts), default=self.incident.opened_at)
        lead_s = None
        if self.user_sign_at is not None and self.fired_at is not None:
            lead_s = (self.user_sign_at - self.fired_at).total_seconds()
        is_watched = not self.signs_unknown and self.fired_at is not None
        return IncidentImpact(began_at=began, lost=self.lost, is_watched=is_watched, lead_s=lead_s)

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Return from when until when it lasted, as far as the runs show; until now where it is open."""
        begins = min((alert.began_at for alert in self.alerts), default=self.incident.opened_at)
        over = [alert.over_at for alert in self.alerts]
        if self.incident.resolved_at is None:
            return begins, max(begins, now)
        return begins, max(begins, max((at for at in over if at), default=self.incident.resolved_at))

    @property
    def fired_at(self) -> datetime | None:
        """The time when its first alert fired."""
        return min((alert.fired_at for alert in self.alerts if alert.fired_at), default=None)

    @property
    def told_at(self) -> datetime | None:
        """The time when a message about it was first delivered."""
        return min((one.delivered_at for one in self.messages if one.delivered_at), default=None)

    @property
    def acked_at(self) -> datetime | None:
        """The time of its first acknowledgement."""
        return min((alert.acked_at for alert in self.alerts if alert.acked_at), default=None)

    @property
    def destinations(self) -> tuple[str, ...]:
        """The destinations to which a message about it was delivered."""
        return tuple(dict.fromkeys(one.destination for one in self.messages if one.delivered_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusHours:
    """Holds for how many hours a target had each verdict, and its verdicts at the beginning and at the end; None is unknown."""

    rule: str
    hours: Mapping[VerdictStatus, float] = field(default_factory=dict)
    unknown_h: float = 0.0
    began: VerdictStatus | None = None
    ended: VerdictStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclassified:
    """Holds a run whose blame a person changed."""

    run_id: str
    journey: str
    location: str
    slot: datetime
    blame: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Holds the numbers of one period, up to `ends` where it is not over yet; of what was before `watched_since` nothing is known.

    `days` are first attempts by journey and local day: how many counted, and how many of them were bad. `durations`, `steps` and
    `vitals` are by journey, by journey and step, and by page and vital. `endpoints` are the site's response times by endpoint. Where a
    part is not known, `why_not` has the reason, by the part.
    """

    period: Period
    ends: datetime
    watched_since: datetime | None = None
    tallies: Sequence[Tally] = ()
    days: Mapping[str, Mapping[date, tuple[int, int]]] = field(default_factory=dict)
    promises: Sequence[Promise] = ()
    durations: Mapping[str, Times] = field(default_factory=dict)
    steps: Mapping[tuple[str, str], Times] = field(default_factory=dict)
    vitals: Mapping[tuple[str, str], Times] = field(default_factory=dict)
    endpoints: Mapping[str, Times] = field(default_factory=dict)
    money: Money | None = None
    stories: Sequence[Story] = ()
    alerts: Sequence[Alert] = ()
    statuses: Mapping[str, StatusHours] = field(default_factory=dict)
    reclassified: Sequence[Reclassified] = ()
    why_not: Mapping[Need, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def is_over(self) -> bool:
        """Whether the period has ended."""
        return self.ends >= self.period.until

    @property
    def length(self) -> timedelta:
        """The length of the part of the period in which something was watched."""
        return max(timedelta(), self.ends - max(self.period.since, self.watched_since or self.ends))

    def journeys(self) -> list[str]:
        """Return the journeys of which anything was planned or recorded."""
        return list(dict.fromkeys(tally.journey for tally in self.tallies))

    def of_journey(self, journey: str) -> Tally:
        """Return how a journey went at all locations together."""
        return together([t for t in self.tallies if t.journey == journey], journey=journey)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleNow:
    """Holds a rule as it is now: its line of the guide, whether it is on, and its worst verdict."""

    rule: str
    title: str
    guide: str = ""
    is_on: bool = True
    verdict: VerdictStatus | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNow:
    """Holds a source of numbers as it is now. `off` says what connects it; None where it is connected."""

    name: str
    off: str | None = None
    last_good_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Holds everything a report is made of. `before` is the previous period.

    `deploys` are those of the period that were reported, oldest first. `success_target` is the share of a journey's first attempts
    that should pass; None where no rule says so. `base_url` is where the hub is reached; "" where that is not known.
    """

    made_at: datetime
    site: str
    now: Stretch
    before: Stretch
    rules: Sequence[RuleNow] = ()
    sources: Sequence[SourceNow] = ()
    deploys: Sequence[Deploy] = ()
    success_target: float | None = None
    base_url: str = ""
