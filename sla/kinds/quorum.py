"""`quorum`: a journey fails at several locations at once, by the latest fresh run of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile
from typing import Annotated

from config import Complaint
from config.bounds import Flag
from facts import NOT_CONFIRMED, Family, Inhibition, Outcome, Same, Traits, Verdict, VerdictStatus
from metrics.counting import Class
from sla.impossible import too_many_locations
from sla.index import LATELY, HistoryIndex, first_good
from sla.kind import IN_A_ROW_S, About, Deployment, Kind, RunsNeed, Schedules
from sla.settings import InARow, Locations, Rule
from sla.wording import ids, journey_title, newest, places, what_failed

_WINDOW = "latest fresh run per location"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum(Rule):
    """A journey fails at several locations. `journeys` and `steps` narrow it (None: all); `of_payment`: the steps pay, so it says
    nothing where nothing is paid."""

    locations: Locations = 2
    alone: InARow = 2
    recover_passes: InARow = 2
    journeys: list[str] | None = None
    steps: list[str] | None = None
    of_payment: Annotated[bool, Flag()] = False

    def _wrong(self) -> Iterator[str]:
        for name in ("journeys", "steps"):
            if getattr(self, name) == []:
                yield f"{name}: is empty, so nothing is judged; leave the key out for all, or write `enabled: false`"


def judge(name: str, rule: Quorum, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each journey that the rule judges."""
    return [_journey(name, rule, index, j) for j in index.journeys() if rule.journeys is None or j in rule.journeys]


def _journey(name: str, rule: Quorum, index: HistoryIndex, journey: str) -> Verdict:
    if rule.of_payment and not index.history.pays:
        return _unpaid(name, rule, journey)
    wanted = max(LATELY, rule.alone, rule.recover_passes)
    counted = {
        place: list(islice((o for o in index.counted(journey, place) if _is_sample(rule, o)), wanted))[::-1]
        for place in index.locations(journey)
    }
    alive = {
        place: runs
        for place, runs in counted.items()
        if runs and index.speaks(runs[-1]) and not index.superseded(runs[-1], by=lambda o: _is_sample(rule, o))
    }
    failing = _failing(rule, index, alive)
    passing = [place for place, runs in alive.items() if index.passed_last(runs, rule.recover_passes)]
    every = [o for runs in counted.values() for o in runs]
    left_out = index.left_out(journey, alive)
    needed = min(rule.locations, len(alive))
    quorum = rule.locations if len(alive) > 1 else rule.alone
    breached = len(failing) >= quorum and len({o.run_id for o in failing}) >= min(2, quorum)
    clear = bool(alive) and len(passing) >= needed and not failing
    latest = [runs[-1] for runs in alive.values()]
    last_failed = any(_fails(rule, index, o) for o in latest)
    word = (
        VerdictStatus.NO_DATA
        if not alive
        else VerdictStatus.CRITICAL
        if breached
        else VerdictStatus.OFF_TARGET
        if last_failed
        else VerdictStatus.MET
    )
    said = _Sentence(rule, index, journey, latest, left_out)
    return Verdict(
        rule=name,
        journey=journey,
        verdict=word,
        title=f"{journey_title(journey)}: {_title(rule.title, latest)}",
        title_past=f"{journey_title(journey)}: {_title(rule.title_past or rule.title, latest)}",
        summary=said.now(),
        summary_past=said.past(),
        began_at=min((_first_of_streak(rule, index, o) for o in failing), default=None),
        ended_at=first_good(every, bad=lambda o: _fails(rule, index, o)),
        severity=rule.severity,
        value=float(sum(_fails(rule, index, o) for o in latest)),
        limit=float(rule.locations),
        unit="locations",
        n=len(alive),
        window=_WINDOW,
        breached=breached,
        clear=clear,
        counted=tuple(alive),
        left_out=left_out,
        samples=ids(failing),
        data_at=newest(latest),
        runbook=rule.runbook,
        cause=said.cause,
    )


def _unpaid(name: str, rule: Quorum, journey: str) -> Verdict:
    """Nothing is paid, so nothing of it can be judged; what stops before the payment is F0's."""
    title = journey_title(journey)
    return Verdict(
        rule=name,
        journey=journey,
        verdict=VerdictStatus.OFF,
        title=f"{title}: {rule.title}",
        summary=f"{title}: payment is stop_before_payment, so no run pays",
    )


def _is_sample(rule: Quorum, outcome: Outcome) -> bool:
    """Return whether a run says something of the steps that the rule names: one that passed and left one of them out (it did not
    pay) does not, neither good nor bad."""
    return not set(outcome.skipped) & set(rule.steps or ())


def _failing(rule: Quorum, index: HistoryIndex, alive: dict[str, list[Outcome]]) -> list[Outcome]:
    """The failing latest runs; where one location alone is alive, its last runs as long as they fail."""
    if len(alive) != 1:
        return [runs[-1] for runs in alive.values() if _fails(rule, index, runs[-1])]
    (runs,) = alive.values()
    last = runs[-rule.alone :]
    return last if len(last) == rule.alone and all(_fails(rule, index, o) for o in last) else []


def _fails(rule: Quorum, index: HistoryIndex, outcome: Outcome) -> bool:
    return index.final(outcome) is Class.BAD and (rule.steps is None or outcome.failed_step in rule.steps)


def _first_of_streak(rule: Quorum, index: HistoryIndex, last: Outcome) -> datetime:
    """When the first run began of those of a location that fail without a break, up to the last one."""
    runs = (o for o in index.counted(last.journey, last.location) if _is_sample(rule, o))
    streak = takewhile(lambda o: _fails(rule, index, o), runs)
    return min((o.started_at for o in streak), default=last.started_at)


def _title(title: str, latest: Sequence[Outcome]) -> str:
    return title.replace("at several locations", f"at {latest[0].location}") if len(latest) == 1 else title


@dataclass(frozen=True, slots=True)
class _Sentence:
    """The sentence that a verdict says of a journey, in the present and in the past."""

    rule: Quorum
    index: HistoryIndex
    journey: str
    latest: Sequence[Outcome]
    left_out: tuple[str, ...]

    @property
    def _what(self) -> str:
        title = journey_title(self.journey)
        if self.rule.of_payment:
            return f"{title}: payment"
        return f"{title}: {' or '.join(self.rule.steps)}" if self.rule.steps else title

    @property
    def _failing(self) -> list[Outcome]:
        return [o for o in self.latest if _fails(self.rule, self.index, o)]

    @property
    def cause(self) -> str:
        """Return what failed; "" where nothing does."""
        return what_failed(self._failing) if self._failing else ""

    def now(self) -> str:
        """Return the sentence of what is."""
        tail = f"; left out: {'; '.join(self.left_out)}" if self.left_out else ""
        if not self.latest:
            return f"{journey_title(self.journey)}: no location has a fresh run ({'; '.join(self.left_out)})"
        if not self._failing:
            return f"{self._passes()}{tail}"
        return f"{self._fails('fails')}{self._others()}{self._unconfirmed()}{tail}"

    def past(self) -> str:
        """Return the sentence of what was, once it is over."""
        return f"{self._fails('failed')}{self._unconfirmed()}" if self._failing else ""

    def _fails(self, verb: str) -> str:
        failing, n = self._failing, len(self.latest)
        where = (
            f"at {failing[0].location}, the only location with a fresh run"
            if n == 1
            else f"at {len(failing)} of {n} locations ({places(failing)})"
        )
        return f"{self._what} {verb} {where}: {what_failed(failing)}"

    def _passes(self) -> str:
        passing = [o for o in self.latest if self.index.final(o) is Class.GOOD]
        n = len(self.latest)
        if n == 1 and passing:
            return f"{self._what} passes at {places(passing)}, the only location with a fresh run"
        how_many = ("both" if n == 2 else f"all {n}") if len(passing) == n else f"{len(passing)} of {n}"
        said = f"{self._what} passes at {how_many} locations"
        return (
            f"{said} ({places(passing)}){self._others()}"
            if passing
            else f"{self._what} was reached nowhere{self._others()}"
        )

    def _others(self) -> str:
        """Return what the locations do that do not fail by this rule."""
        others = [o for o in self.latest if not _fails(self.rule, self.index, o)]
        passing = [o for o in others if self.index.final(o) is Class.GOOD]
        elsewhere = [o for o in others if o not in passing]
        said = f"; passes at {places(passing)}" if passing and self._failing else ""
        where = "fails before payment" if self.rule.of_payment else "fails at another step"
        return f"{said}; {where} at {places(elsewhere)}" if elsewhere else said

    def _unconfirmed(self) -> str:
        found = [o for o in self._failing if o.unconfirmed]
        return f"; at {places(found)} {NOT_CONFIRMED} by a second attempt" if found else ""


def needs(_rule: Quorum) -> tuple[RunsNeed, ...]:
    """Return what it looks at: the last runs of each location."""
    return (RunsNeed(window_s=IN_A_ROW_S),)


def traits(rule: Quorum, _subject: str | None) -> Traits:
    """Return what its verdicts are about: a failing journey, which sets off much else; a failing payment says it best."""
    inhibits: tuple[Inhibition, ...] = (Inhibition(follows_failure=True, same=Same.JOURNEY),)
    if rule.of_payment:
        inhibits = (Inhibition(journey_fails=True, of_payment=False, same=Same.JOURNEY), *inhibits)
    return Traits(
        family=Family.JOURNEY, from_runs=True, journey_fails=True, of_payment=rule.of_payment, inhibits=inhibits
    )


def feasible(name: str, rule: Quorum, schedules: Schedules) -> Iterator[Complaint]:
    """Yield a complaint for each journey with fewer locations than are wanted."""
    yield from too_many_locations(name, rule.locations, schedules, rule.journeys)


def in_a_row(rule: Quorum) -> dict[str, int]:
    """Return how many runs in a row its settings want."""
    return {"alone": rule.alone, "recover_passes": rule.recover_passes}


def idle(rule: Quorum, deployment: Deployment) -> Iterator[str]:
    """Yield why it can never fire here."""
    if rule.of_payment and not deployment.pays:
        yield "payment is stop_before_payment, so no run pays"
    elif rule.journeys is not None and not set(rule.journeys) & set(deployment.schedules):
        yield f"locations.yaml does not schedule {' or '.join(rule.journeys)}"


def why_closed(about: About, rule: Quorum, index: HistoryIndex) -> str | None:
    """Return why a journey is not judged any more."""
    if rule.of_payment and not index.history.pays:
        return "site.yaml says stop_before_payment: nothing is paid that could be judged"
    if rule.journeys is not None and about.journey not in rule.journeys:
        return f"rule {about.rule} does not name journey {about.journey} any more"
    return None


KIND = Kind(
    settings=Quorum,
    judge=judge,
    needs=needs,
    traits=traits,
    feasible=feasible,
    in_a_row=in_a_row,
    idle=idle,
    why_closed=why_closed,
)
