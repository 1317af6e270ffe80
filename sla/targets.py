"""`sla.yaml`: what is promised. Every number of a rule is data; how it is judged is in `sla/rules/`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar

from config import Document, validate
from facts import Severity
from sla.durations import seconds

_STRICT: dict[str, Any] = {"extra": "forbid"}
_DURATION = {"duration": True}


def _duration(default: str) -> Any:
    return field(default=default, metadata=_DURATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule has: a title, the guide's own line, where to look first, and how urgent it is.

    `title_past` is the title once it is over; without one the title stays as it is.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    title: str
    guide: str
    runbook: str
    severity: Severity
    enabled: bool = True
    title_past: str = ""

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            if item.metadata.get("duration"):
                seconds(getattr(self, item.name), key=item.name)

    def s(self, name: str) -> float:
        """A duration of this rule in seconds."""
        return seconds(getattr(self, name), key=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumRule(Rule):
    """A journey fails at several locations. `journeys` and `steps` narrow it (None: all)."""

    locations: int = 2
    alone: int = 2
    recover_passes: int = 2
    journeys: list[str] | None = None
    steps: list[str] | None = None

    @property
    def of_payment(self) -> bool:
        """Whether it judges paying: only then are steps named."""
        return self.steps is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneLocationRule(Rule):
    """A journey fails again and again at one location while others pass."""

    failures: int = 3
    recover_passes: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRule(Rule):
    """`slow` of the last `of` runs over the guide's duration, at several locations."""

    slow: int = 3
    of: int = 5
    locations: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRule(Rule):
    """The error budget burns: so many bad first attempts in a window, and some of them recent. By journey.

    `target` is the share that should pass; the numbers in `bad` follow from it and the schedule.
    """

    bad: dict[str, int]
    recent_by_journey: dict[str, str]
    window: str = _duration("1h")
    quiet: str = _duration("30m")
    settle: str = _duration("30s")
    locations: int = 2
    recover_share: float = 0.5
    target: float = 0.99

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        for journey, text in self.recent_by_journey.items():
            seconds(text, key=f"recent_by_journey.{journey}")
        if set(self.bad) != set(self.recent_by_journey):
            raise ValueError("recent_by_journey: name the same journeys as in `bad`")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerErrorsRule(Rule):
    """First-party answers of 500 or more inside runs, in the last slots."""

    slots: int = 2
    responses: int = 3
    runs: int = 2
    locations: int = 2
    recover_slots: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartyRule(Rule):
    """Requests to somebody else's service fail at several locations."""

    window: str = _duration("15m")
    runs: int = 2
    locations: int = 2
    recover_slots: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRule(Rule):
    """A percentile against the guide's three numbers, in ms. What is measured: an `endpoint`'s requests, the time of `steps`, or
    the load of a `page`, from the start of its navigation to the end of its load event."""

    target_ms: float
    warning_ms: float
    critical_ms: float
    endpoint: str | None = None
    method: str = "POST"
    steps: list[str] | None = None
    page: str | None = None
    percentile: float = 95
    window: str = _duration("1h")
    settle: str = _duration("30s")
    updates_apart: str = _duration("10s")
    recover_for: str = _duration("30m")
    recover_factor: float = 0.8
    min_n: int = 20
    critical_locations: int = 2

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        if not self.target_ms <= self.warning_ms <= self.critical_ms:
            raise ValueError("warning_ms: the numbers must rise: target_ms, warning_ms, critical_ms")
        if sum(what is not None for what in (self.endpoint, self.steps, self.page)) != 1:
            raise ValueError("endpoint: say exactly one of endpoint, steps and page")


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsRule(Rule):
    """Core Web Vitals: a percentile of each page at each location, and the median of the locations, against a limit by vital.

    `accepted` are baselines an operator accepted, by subject (`/success CLS`): up to such a value the page is off target, and
    nobody is told; above it the limit holds.
    """

    limits: dict[str, float]
    accepted: dict[str, float] = field(default_factory=dict)
    percentile: float = 75
    window: str = _duration("24h")
    settle: str = _duration("30s")
    updates_apart: str = _duration("10s")
    recover_for: str = _duration("24h")
    min_n: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OversoldRule(Rule):
    """More tickets sold than there are."""

    feed_silent: str = _duration("10m")
    recover_samples_apart: str = _duration("60s")


@dataclass(frozen=True, slots=True, kw_only=True)
class LowStockRule(Rule):
    """Few tickets left, by tier: fires at `low` or fewer, recovers at `recover` or more."""

    low: dict[str, int]
    recover: dict[str, int]
    samples_apart: str = _duration("60s")

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        for tier, low in self.low.items():
            if self.recover.get(tier, -1) <= low:
                raise ValueError(f"recover.{tier}: must be more than the {low} at which it fires")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedRule(Rule):
    """A bot wall stops us at several locations."""

    slots: int = 2
    locations: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentRule(Rule):
    """A location, or all of them, sends nothing."""

    periods: float = 2
    margin: str = _duration("90s")
    all_periods: float = 1
    all_margin: str = _duration("90s")
    recover_runs: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRule(Rule):
    """Too few of the expected slots have a result."""

    least: float = 0.8
    recover_at: float = 0.95
    window: str = _duration("1h")
    settle: str = _duration("150s")
    ticks: str = _duration("10s")
    recover_for: str = _duration("1h")
    min_n: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewRule(Rule):
    """A runner's clock is not the hub's: so many seconds off, in the median of five messages. Over `reject_s` its times are
    not believed. These are seconds of clocks, which no scale makes shorter."""

    warn_s: float = 5
    reject_s: float = 30
    recover_s: float = 2

    def __post_init__(self) -> None:
        Rule.__post_init__(self)
        if not 0 < self.recover_s <= self.warn_s <= self.reject_s:
            raise ValueError("warn_s: the numbers must rise: recover_s, warn_s, reject_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAsideRule(Rule):
    """The hub refuses what a location measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRule(Rule):
    """Messages do not reach those they are owed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasesRule(Rule):
    """A location buys more than its schedule does; `silent` is how old the last word of its ledger may be."""

    silent: str = _duration("15m")


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
        """The same targets with every duration `factor` times shorter (the demo's clock); counts and limits stay."""
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

    def _window(self, rules: list[Rule]) -> timedelta:
        longest = max(rule.s("window") for rule in rules if hasattr(rule, "window"))
        return timedelta(seconds=longest) + timedelta(minutes=5)


def _scaled(rule: Rule, factor: float) -> Rule:
    changes: dict[str, Any] = {
        item.name: f"{rule.s(item.name) / factor:.6f}s"
        for item in dataclasses.fields(rule)
        if item.metadata.get("duration")
    }
    if isinstance(rule, BurnRule):
        recent = {j: f"{seconds(text) / factor:.6f}s" for j, text in rule.recent_by_journey.items()}
        changes["recent_by_journey"] = recent
    return replace(rule, **changes)


def targets_from(document: Document, *, shipped: Document | None = None) -> Targets:
    """The file, checked; a rule that it does not name is taken whole from the `shipped` file.

    A file that was written for an earlier version names fewer rules than there are now, and holds all the same.

    Raises:
        ConfigError: with file, line, key and hint.
    """
    taken = {name: shipped.data[name] for name in left_out(document) if name in shipped.data} if shipped else {}
    return validate(Targets, replace(document, data={**document.data, **taken}))


def left_out(document: Document) -> tuple[str, ...]:
    """The rules that a file does not name."""
    return tuple(item.name for item in dataclasses.fields(Targets) if item.name not in document.data)
