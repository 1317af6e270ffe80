"""`sla.yaml`: what is promised. Every number of a rule is data; how it is judged is in `sla/rules/`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Annotated, Any, ClassVar, cast, get_type_hints

from config import Document, validate
from config.bounds import Bounds, Flag, Form, Length, Whole, refuse
from facts import Severity
from sla.durations import seconds
from sla.history import Schedule

_STRICT: dict[str, Any] = {"extra": "forbid"}
_Locations = Annotated[int, Whole(1, 100, "it is how many locations must see it")]
_InARow = Annotated[int, Whole(1, 100, "it is how many in a row")]
_Runs = Annotated[int, Whole(1, 1_000, "it is how many runs must see it")]
_Samples = Annotated[int, Whole(1, 100_000, "it is how many samples are needed before anything is said")]
_Share = Annotated[float, Bounds(0.01, 1, "it is a share: 0.95 is 95 %, and nothing is less than 0")]
_Percentile = Annotated[float, Bounds(1, 100, "it is a percentile: 95 is the value that 95 % stay below")]
_Milliseconds = Annotated[
    float, Bounds(10, 600_000, "it is in milliseconds (1.5 s is 1500), and a run is ended after ten minutes at most")
]
_Periods = Annotated[float, Bounds(0.5, 100, "it is how many periods of the schedule may pass without a run")]
_ClockSeconds = Annotated[float, Bounds(0.1, 86_400, "it is how many seconds a clock may be off, a day at most")]
_Tickets = Annotated[int, Whole(0, 1_000_000, "it is a number of tickets")]
_Window = Annotated[str, Length("1m", "35d", "passed runs are kept for 35 days, and a run takes up to a minute")]
_Wait = Annotated[str, Length("0s", "35d", "passed runs are kept for 35 days")]
_Settle = Annotated[str, Length("0s", "1h", "it is how long late results are waited for")]
_Apart = Annotated[str, Length("1s", "1h", "it is how far two looks are apart")]
_Silence = Annotated[
    str, Length("1m", "7d", "it is how old the last word may be; after a week nobody is heard of any more")
]
_Late = Annotated[str, Length("10s", "24h", "the hub looks every ten seconds, and a message is given up after a day")]
_Margin = Annotated[str, Length("0s", "1d", "it is added to the periods that may pass in silence")]
_Vital = Annotated[
    str, Form("LCP|CLS|INP|FCP|TTFB|LOAD|FID", "is no vital; there are LCP, CLS, INP, FCP, TTFB, LOAD, FID")
]
_VitalValue = Annotated[float, Bounds(0.001, 600_000, "it is in milliseconds, or, for CLS, a score")]
_FEWEST_BAD = 3
_HIGHEST_CLS, _SHORTEST_VITAL_MS = 10, 10
_Path = Annotated[str, Form(r"/\S*", "is no path of the site; it begins with /")]


@cache
def durations_of(rule: Any) -> tuple[str, ...]:
    """The names of a rule's durations."""
    hints = get_type_hints(rule, include_extras=True)
    return tuple(
        name for name, hint in hints.items() if any(isinstance(m, Length) for m in getattr(hint, "__metadata__", ()))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule has: a title, the guide's own line, where to look first, and how urgent it is.

    `title_past` is the title once it is over; without one the title stays as it is.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    REAL_TIME: ClassVar[frozenset[str]] = frozenset()
    """The durations that a faster clock leaves as they are."""

    title: str
    guide: str
    runbook: str
    severity: Severity
    enabled: Annotated[bool, Flag()] = True
    title_past: str = ""

    def __post_init__(self) -> None:
        for name in durations_of(cast(Hashable, type(self))):
            seconds(getattr(self, name), key=name)
        refuse(self._wrong())

    def _wrong(self) -> Iterator[str]:
        """What of its numbers do not fit together, a sentence each that names its key first."""
        yield from ()

    def s(self, name: str) -> float:
        """A duration of this rule in seconds."""
        return seconds(getattr(self, name), key=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumRule(Rule):
    """A journey fails at several locations. `journeys` and `steps` narrow it (None: all)."""

    locations: _Locations = 2
    alone: _InARow = 2
    recover_passes: _InARow = 2
    journeys: list[str] | None = None
    steps: list[str] | None = None

    @property
    def of_payment(self) -> bool:
        """Whether it judges paying: only then are steps named."""
        return self.steps is not None

    def _wrong(self) -> Iterator[str]:
        for name in ("journeys", "steps"):
            if getattr(self, name) == []:
                yield f"{name}: is empty, so nothing is judged; leave the key out for all, or write `enabled: false`"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneLocationRule(Rule):
    """A journey fails again and again at one location while others pass."""

    failures: _InARow = 3
    recover_passes: _InARow = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRule(Rule):
    """`slow` of the last `of` runs over the guide's duration, at several locations."""

    slow: _InARow = 3
    of: _InARow = 5
    locations: _Locations = 2

    def _wrong(self) -> Iterator[str]:
        if self.slow > self.of:
            yield f"slow: {self.slow} of {self.of}: at most {self.of} runs are looked at, so it can never fire"


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRule(Rule):
    """The error budget burns: so many bad first attempts in a window, and some of them recent. Every journey is judged.

    `target` is the share that should pass, and `rate` how many times as fast as the target allows the budget has to burn. How many
    are too many, and how recent one has to be, follow from these and the schedule (`limit`, `recent_s`); `bad` and
    `recent_by_journey` hold other numbers for single journeys.
    """

    rate: Annotated[float, Bounds(0.1, 1000, "it is how many times as fast the budget burns as the target allows")] = 1
    bad: dict[str, _Runs] = field(default_factory=dict)
    recent_by_journey: dict[str, _Window] = field(default_factory=dict)
    window: _Window = "1h"
    quiet: _Wait = "30m"
    settle: _Settle = "30s"
    locations: _Locations = 2
    recover_share: _Share = 0.5
    target: Annotated[float, Bounds(0.5, 1, "it is the share that should pass: 0.99 is 99 %")] = 0.99

    def _wrong(self) -> Iterator[str]:
        for journey, text in self.recent_by_journey.items():
            if seconds(text, key=f"recent_by_journey.{journey}") > self.s("window"):
                yield f"recent_by_journey.{journey}: {text} is more than the window of {self.window} that is looked at"
        for journey, runs in self.bad.items():
            if runs < self.locations:
                yield f"bad.{journey}: {runs} runs cannot be bad at {self.locations} locations; write {self.locations} at least"

    def limit(self, journey: str, schedule: Schedule) -> int:
        """The number of bad first attempts in the window at which the rule fires; at least 3, so that chance alone does not fire it."""
        if journey in self.bad:
            return self.bad[journey]
        allowed = self.runs_in_window(schedule) * (1 - self.target) * self.rate
        return max(_FEWEST_BAD, math.ceil(round(allowed, 6)))

    def recent_s(self, journey: str, schedule: Schedule) -> float:
        """The short window in seconds, in which at least one bad first attempt must lie: a twelfth of the window, or longer where the
        schedule has no run of each location in that time."""
        if journey in self.recent_by_journey:
            return seconds(self.recent_by_journey[journey])
        twelfth = self.s("window") / 12
        return max(twelfth, min(2 * schedule.period_s, schedule.period_s + twelfth))

    def runs_in_window(self, schedule: Schedule) -> int:
        """The number of runs that the schedule makes in the window, at all locations together."""
        return int(self.s("window") // schedule.period_s) * len(schedule.grids)

    def can_fire(self, journey: str, schedule: Schedule) -> bool:
        """Whether the window holds enough runs for the limit to be reached."""
        return self.runs_in_window(schedule) >= self.limit(journey, schedule)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerErrorsRule(Rule):
    """First-party answers of 500 or more inside runs, in the last slots."""

    slots: _InARow = 2
    responses: _Runs = 3
    runs: _Runs = 2
    locations: _Locations = 2
    recover_slots: _InARow = 2

    def _wrong(self) -> Iterator[str]:
        if self.runs > self.responses:
            yield f"runs: {self.runs} runs with {self.responses} bad answers together: write {self.runs} responses at least"
        if self.locations > self.runs:
            yield f"locations: {self.runs} runs are made at {self.runs} locations at most, and {self.locations} are wanted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartyRule(Rule):
    """Requests to somebody else's service fail at several locations."""

    window: _Window = "15m"
    runs: _Runs = 2
    locations: _Locations = 2
    recover_slots: _InARow = 3

    def _wrong(self) -> Iterator[str]:
        if self.locations > self.runs:
            yield f"locations: {self.runs} runs are made at {self.runs} locations at most, and {self.locations} are wanted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRule(Rule):
    """A percentile against the guide's three numbers, in ms. What is measured: an `endpoint`'s requests, the time of `steps`, or
    the load of a `page`, from the start of its navigation to the end of its load event."""

    target_ms: _Milliseconds
    warning_ms: _Milliseconds
    critical_ms: _Milliseconds
    endpoint: _Path | None = None
    method: Annotated[str, Form(r"[A-Z]{3,10}", "is no method; write it like POST")] = "POST"
    steps: list[str] | None = None
    page: _Path | None = None
    percentile: _Percentile = 95
    window: _Window = "1h"
    settle: _Settle = "30s"
    updates_apart: _Apart = "10s"
    recover_for: _Wait = "30m"
    recover_factor: Annotated[float, Bounds(0.01, 1, "above 1 it would recover while it still fires")] = 0.8
    min_n: _Samples = 20
    critical_locations: _Locations = 2

    def _wrong(self) -> Iterator[str]:
        if not self.target_ms <= self.warning_ms <= self.critical_ms:
            numbers = f"{self.target_ms:g}, {self.warning_ms:g}, {self.critical_ms:g}"
            yield f"warning_ms: the numbers must rise: target_ms, warning_ms, critical_ms are {numbers}"
        if sum(what is not None for what in (self.endpoint, self.steps, self.page)) != 1:
            yield "endpoint: say exactly one of endpoint, steps and page"
        if self.steps == []:
            yield "steps: is empty, so nothing is measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsRule(Rule):
    """Core Web Vitals: a percentile of each page at each location, and the median of the locations, against a limit by vital.

    `accepted` are baselines an operator accepted, by subject (`/success CLS`): up to such a value the page is off target, and
    nobody is told; above it the limit holds.
    """

    limits: dict[_Vital, _VitalValue]
    accepted: dict[str, _VitalValue] = field(default_factory=dict)
    percentile: _Percentile = 75
    window: _Window = "24h"
    settle: _Settle = "30s"
    updates_apart: _Apart = "10s"
    recover_for: _Wait = "24h"
    min_n: _Samples = 20

    def _wrong(self) -> Iterator[str]:
        if not self.limits:
            yield "limits: is empty, so nothing is judged; name a vital, or write `enabled: false`"
        for vital, value in self.limits.items():
            if vital == "CLS" and value > _HIGHEST_CLS:
                yield f"limits.CLS: {value:g} is no score that a page has; it is a share of the window, like 0.1"
            elif vital != "CLS" and value < _SHORTEST_VITAL_MS:
                yield f"limits.{vital}: {value:g} ms are less than any page needs; it is in milliseconds: 2.5 s is 2500"
        for subject, value in self.accepted.items():
            path, _, vital = subject.rpartition(" ")
            if vital not in self.limits or not path.startswith("/"):
                yield f"accepted.{subject}: names no page and vital of `limits`; write it like `/success CLS`"
            elif value <= self.limits[vital]:
                yield f"accepted.{subject}: {value:g} is no more than the limit of {self.limits[vital]:g}, which holds anyway"


@dataclass(frozen=True, slots=True, kw_only=True)
class OversoldRule(Rule):
    """More tickets sold than there are."""

    feed_silent: _Silence = "10m"
    recover_samples_apart: _Apart = "60s"


@dataclass(frozen=True, slots=True, kw_only=True)
class LowStockRule(Rule):
    """Few tickets left, by tier: fires at `low` or fewer, recovers at `recover` or more."""

    low: dict[str, _Tickets]
    recover: dict[str, _Tickets]
    samples_apart: _Apart = "60s"

    def _wrong(self) -> Iterator[str]:
        if not self.low:
            yield "low: is empty, so nothing is judged; name a tier, or write `enabled: false`"
        for tier, low in self.low.items():
            if self.recover.get(tier, -1) <= low:
                yield f"recover.{tier}: must be more than the {low} at which it fires"
        for tier in sorted(set(self.recover) - set(self.low)):
            yield f"recover.{tier}: nothing fires for {tier}: `low` does not name it"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedRule(Rule):
    """A bot wall stops us at several locations."""

    slots: _InARow = 2
    locations: _Locations = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentRule(Rule):
    """A location, or all of them, sends nothing."""

    periods: _Periods = 2
    margin: _Margin = "90s"
    all_periods: _Periods = 1
    all_margin: _Margin = "90s"
    recover_runs: _InARow = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRule(Rule):
    """Too few of the expected slots have a result. `settle` is how long a result is waited for."""

    # A faster clock makes no browser faster: a run that fails and is confirmed takes what it takes.
    REAL_TIME: ClassVar[frozenset[str]] = frozenset({"settle"})

    least: _Share = 0.8
    recover_at: _Share = 0.95
    window: _Window = "1h"
    settle: _Settle = "150s"
    ticks: _Apart = "10s"
    recover_for: _Wait = "1h"
    min_n: _Samples = 5

    def _wrong(self) -> Iterator[str]:
        if self.recover_at < self.least:
            yield f"recover_at: {self.recover_at:g} is less than {self.least:g}: it would recover while it fires"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewRule(Rule):
    """A runner's clock is not the hub's: so many seconds off, in the median of five messages. Over `reject_s` its times are
    not believed. These are seconds of clocks, which no scale makes shorter."""

    warn_s: _ClockSeconds = 5
    reject_s: _ClockSeconds = 30
    recover_s: _ClockSeconds = 2

    def _wrong(self) -> Iterator[str]:
        if not 0 < self.recover_s <= self.warn_s <= self.reject_s:
            numbers = f"{self.recover_s:g}, {self.warn_s:g}, {self.reject_s:g}"
            yield f"warn_s: the numbers must rise: recover_s, warn_s, reject_s are {numbers}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAsideRule(Rule):
    """The hub refuses what a location measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRule(Rule):
    """Messages do not reach those they are owed to.

    `overdue` is how long a message may wait for its first try, or for the end of it; `failing` how long it may be tried in vain.
    """

    # A faster clock makes no receiver faster: both stay what they are in the demo.
    REAL_TIME: ClassVar[frozenset[str]] = frozenset({"overdue", "failing"})

    overdue: _Late = "60s"
    failing: _Late = "2m"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasesRule(Rule):
    """A location buys more than its schedule does; `silent` is how old the last word of its ledger may be."""

    silent: _Silence = "15m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """The whole file, a rule a key."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    F0: QuorumRule
    A1s: QuorumRule
    A2: OversoldRule
    A3s: ServerErrorsRule
    F1: SlowRule
    F2a: BurnRule
    F2b: BurnRule
    F2c: BurnRule
    F3: OneLocationRule
    H3: ThirdPartyRule
    H4: LowStockRule
    D1: SpeedRule
    D3: SpeedRule
    D4: SpeedRule
    G1: VitalsRule
    G2: VitalsRule
    BL: BlockedRule
    P1: PurchasesRule
    W1: SilentRule
    W2: CoverageRule
    W3: SkewRule
    W4: DeliveryRule
    W5: SetAsideRule

    def rules(self) -> dict[str, Rule]:
        """Every rule by its id."""
        return {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}

    @property
    def of_payment(self) -> frozenset[str]:
        """The rules that judge paying, and say nothing where nothing is paid."""
        return frozenset(n for n, rule in self.rules().items() if isinstance(rule, QuorumRule) and rule.of_payment)

    def scaled(self, factor: float) -> Targets:
        """The same targets with every duration `factor` times shorter (the demo's clock); counts and limits stay, and W4's waits."""
        scaled: dict[str, Any] = {name: _scaled(rule, factor) for name, rule in self.rules().items()}
        return replace(self, **scaled)

    @property
    def longest_window(self) -> timedelta:
        """How far back any rule looks."""
        return self._window(list(self.rules().values()))

    @property
    def detail_window(self) -> timedelta:
        """How far back a rule looks at requests, steps or vitals."""
        detailed = (SpeedRule, VitalsRule, ThirdPartyRule)
        return self._window([rule for rule in self.rules().values() if isinstance(rule, detailed)])

    @property
    def timed_requests(self) -> frozenset[tuple[str, str]]:
        """The endpoints whose answers' times are judged, each with its method."""
        speeds = (rule for rule in self.rules().values() if isinstance(rule, SpeedRule))
        return frozenset((rule.endpoint, rule.method) for rule in speeds if rule.endpoint is not None)

    def _window(self, rules: list[Rule]) -> timedelta:
        longest = max(rule.s("window") for rule in rules if hasattr(rule, "window"))
        return timedelta(seconds=longest) + timedelta(minutes=5)


def _scaled(rule: Rule, factor: float) -> Rule:
    changes: dict[str, Any] = {
        name: f"{rule.s(name) / factor:.6f}s"
        for name in durations_of(cast(Hashable, type(rule)))
        if name not in rule.REAL_TIME
    }
    if isinstance(rule, BurnRule):
        recent = {j: f"{seconds(text) / factor:.6f}s" for j, text in rule.recent_by_journey.items()}
        changes["recent_by_journey"] = recent
    return replace(rule, **changes)


def targets_from(document: Document, *, shipped: Document | None = None) -> Targets:
    """Return the targets of a file, checked. It overrides what it names; every other rule and setting is that of the `shipped` file.

    A file that was written for an earlier version names fewer rules than there are now, and holds all the same. A setting that is a
    list or a table is replaced as one.

    Raises:
        ConfigError: with file, line, key and hint.
    """
    return validate(Targets, replace(document, data=_over(shipped.data, document.data) if shipped else document.data))


def _over(shipped: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the shipped rules with what a file of one's own says in their place."""
    merged = dict(shipped)
    for name, rule in own.items():
        known = shipped.get(name)
        merged[name] = {**known, **rule} if isinstance(known, dict) and isinstance(rule, dict) else rule
    return merged


def left_out(document: Document) -> tuple[str, ...]:
    """The rules that a file does not name."""
    return tuple(item.name for item in dataclasses.fields(Targets) if item.name not in document.data)
