"""What a rule kind consists of: its settings, how it judges, which data it needs, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from config import Complaint
from facts import Family, Traits, Verdict
from sla.history import Schedule
from sla.index import HistoryIndex
from sla.settings import Rule

Schedules = Mapping[str, Schedule]
"""The schedule of each journey, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsNeed:
    """Slot runs that a rule looks at.

    They are those of the last `window_s` seconds, or of the last `slots` periods of each journey where that is longer. Steps,
    requests and vitals come only with `details`; of the requests only those to `endpoints` (path and method), and, where asked
    for, the failed first-party ones (`server_errors`), those to other parties (`third_parties`), and all pages and calls of the site
    itself, without its static files (`calls`).
    """

    window_s: float = 0.0
    slots: int = 0
    details: bool = False
    endpoints: frozenset[tuple[str, str]] = frozenset()
    server_errors: bool = False
    third_parties: bool = False
    calls: bool = False

    def reach_s(self, longest_period_s: float) -> float:
        """Return how far back it looks, in seconds, where the slowest journey runs once in `longest_period_s`."""
        return max(self.window_s, self.slots * longest_period_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesNeed:
    """Samples of a metric that a rule looks at: all series of that name, of the last `window_s` seconds.

    With `weeks` also those of the same window in each of so many weeks before. With `newest` also the last sample of each series
    that is kept at all, however old it is.
    """

    metric: str
    window_s: float
    weeks: int = 0
    newest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationsNeed:
    """Percentiles of a metric of durations that a rule looks at: those of each series, over the last `window_s` seconds."""

    metric: str
    window_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysNeed:
    """How many first attempts passed and failed in the last so many days in UTC, today included."""

    days: int


Need = RunsNeed | SeriesNeed | DurationsNeed | DaysNeed

IN_A_ROW_S = 3 * 86_400
"""How far back a rule asks for runs that looks at the last few of a location, whatever their period."""


class About(Protocol):
    """What an alert and a verdict are about."""

    @property
    def key(self) -> str:
        """The alert's key."""
        ...

    @property
    def rule(self) -> str:
        """The rule's name."""
        ...

    @property
    def journey(self) -> str | None:
        """The journey, where it is about one."""
        ...

    @property
    def subject(self) -> str | None:
        """A location, a page, a city or whatever the rule tells apart."""
        ...

    @property
    def traits(self) -> Traits | None:
        """What the rule said of itself; None for what an earlier version stored."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where rules are to work: the schedules, whether runs pay, and the metrics that nobody brings here, each with the reason."""

    schedules: Schedules
    pays: bool = True
    missing_metrics: Mapping[str, str]


def _nothing(*_: Any) -> tuple[()]:
    return ()


def _not_closed(*_: Any) -> None:
    return None


def _of_journeys(_rule: Any, _subject: str | None) -> Traits:
    return Traits(family=Family.JOURNEY, from_runs=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A rule kind.

    `settings` is the dataclass of its entry in sla.yaml. `judge(name, settings, index)` returns the verdicts, `needs(settings)`
    the data that they rest on. `traits(settings, subject)` says what its verdicts are about. `feasible(name, settings, schedules)`
    returns a complaint for each setting that the schedule makes impossible; `in_a_row(settings)` how many runs in a row each of
    its settings wants, by its key; `idle(settings, deployment)` why a valid rule can never fire here, and `powerless(settings, a_day)`
    why it hardly ever can, where so many of what a metric counts come in a day. `why_closed(about, settings,
    index)` returns why what an alert is about is not judged any more, None where it is. `without_clock`: it is judged while the
    hub's clock is too wrong for everything else.
    """

    settings: type[Rule]
    judge: Callable[[str, Any, HistoryIndex], list[Verdict]]
    needs: Callable[[Any], tuple[Need, ...]]
    traits: Callable[[Any, str | None], Traits] = _of_journeys
    feasible: Callable[[str, Any, Schedules], Iterable[Complaint]] = _nothing
    in_a_row: Callable[[Any], Mapping[str, int]] = lambda _: {}
    idle: Callable[[Any, Deployment], Iterable[str]] = _nothing
    powerless: Callable[[Any, Mapping[str, float]], str | None] = _not_closed
    why_closed: Callable[[About, Any, HistoryIndex], str | None] = _not_closed
    without_clock: bool = False
