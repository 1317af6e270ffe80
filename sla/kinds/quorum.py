"""Rules that look at the latest fresh run of each location: F0, A1s, F3, A3s, BL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from facts import NOT_CONFIRMED, Outcome, Status, Verdict, Word
from sla.index import Class, HistoryIndex, first_good
from sla.targets import BlockedRule, OneLocationRule, QuorumRule, ServerErrorsRule
from sla.wording import ids, journey_title, newest, places, plural, what_failed

# How many runs of a location are looked through for the end of an outage; it is told when a few have passed.
_LATELY = 20
# What was not run, or failed for our own fault, says nothing: neither that the shop is ill nor that it is well again.
_SAYING = (Status.PASSED, Status.FAILED, Status.TIMED_OUT, Status.BLOCKED)
_LOOK_BACK_SLOTS = 12
"""How many slots back the first good run after an outage is looked for."""
_WINDOW = "latest fresh run per location"


def journey_fails(name: str, rule: QuorumRule, index: HistoryIndex) -> list[Verdict]:
    """F0 and A1s: a verdict for each journey."""
    return [_journey(name, rule, index, j) for j in index.journeys() if rule.journeys is None or j in rule.journeys]


def _journey(name: str, rule: QuorumRule, index: HistoryIndex, journey: str) -> Verdict:
    if rule.of_payment and not index.history.pays:
        return _unpaid(name, rule, journey)
    wanted = max(_LATELY, rule.alone, rule.recover_passes)
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
    passing = [place for place, runs in alive.items() if _passed(index, runs, rule.recover_passes)]
    every = [o for runs in counted.values() for o in runs]
    left_out = index.left_out(journey, alive)
    needed = min(rule.locations, len(alive))
    quorum = rule.locations if len(alive) > 1 else rule.alone
    breached = len(failing) >= quorum and len({o.run_id for o in failing}) >= min(2, quorum)
    clear = bool(alive) and len(passing) >= needed and not failing
    latest = [runs[-1] for runs in alive.values()]
    last_failed = any(_fails(rule, index, o) for o in latest)
    word = Word.NO_DATA if not alive else Word.CRITICAL if breached else Word.OFF_TARGET if last_failed else Word.MET
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
    )


def _unpaid(name: str, rule: QuorumRule, journey: str) -> Verdict:
    """Nothing is paid, so nothing of it can be judged; what stops before the payment is F0's."""
    title = journey_title(journey)
    return Verdict(
        rule=name,
        journey=journey,
        verdict=Word.OFF,
        title=f"{title}: {rule.title}",
        summary=f"{title}: payment is stop_before_payment, so no run pays",
    )


def _is_sample(rule: QuorumRule, outcome: Outcome) -> bool:
    """A run that passed without paying says nothing of the payment, neither good nor bad."""
    return not rule.of_payment or not set(outcome.skipped) & set(rule.steps or ())


def _failing(rule: QuorumRule, index: HistoryIndex, alive: dict[str, list[Outcome]]) -> list[Outcome]:
    """The failing latest runs; where one location alone is alive, its last runs as long as they fail."""
    if len(alive) != 1:
        return [runs[-1] for runs in alive.values() if _fails(rule, index, runs[-1])]
    (runs,) = alive.values()
    last = runs[-rule.alone :]
    return last if len(last) == rule.alone and all(_fails(rule, index, o) for o in last) else []


def _fails(rule: QuorumRule, index: HistoryIndex, outcome: Outcome) -> bool:
    return index.final(outcome) is Class.BAD and (rule.steps is None or outcome.failed_step in rule.steps)


def _first_of_streak(rule: QuorumRule, index: HistoryIndex, last: Outcome) -> datetime:
    """When the first run began of those of a location that fail without a break, up to the last one."""
    runs = (o for o in index.counted(last.journey, last.location) if _is_sample(rule, o))
    streak = takewhile(lambda o: _fails(rule, index, o), runs)
    return min((o.started_at for o in streak), default=last.started_at)


def _title(title: str, latest: Sequence[Outcome]) -> str:
    return title.replace("at several locations", f"at {latest[0].location}") if len(latest) == 1 else title


def _passed(index: HistoryIndex, runs: Sequence[Outcome], wanted: int) -> bool:
    return len(runs) >= wanted and all(index.final(o) is Class.GOOD for o in runs[-wanted:])


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What F0 and A1s say of a journey, in the present and in the past."""

    rule: QuorumRule
    index: HistoryIndex
    journey: str
    latest: Sequence[Outcome]
    left_out: tuple[str, ...]

    @property
    def _what(self) -> str:
        title = journey_title(self.journey)
        return f"{title}: payment" if self.rule.steps else title

    @property
    def _failing(self) -> list[Outcome]:
        return [o for o in self.latest if _fails(self.rule, self.index, o)]

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
        return f"{said}; fails before payment at {places(elsewhere)}" if elsewhere else said

    def _unconfirmed(self) -> str:
        found = [o for o in self._failing if o.unconfirmed]
        return f"; at {places(found)} {NOT_CONFIRMED}" if found else ""


def one_location_fails(name: str, rule: OneLocationRule, index: HistoryIndex) -> list[Verdict]:
    """F3: a verdict for each journey and location."""
    return [_one_location(name, rule, index, j, place) for j in index.journeys() for place in index.locations(j)]


def _one_location(name: str, rule: OneLocationRule, index: HistoryIndex, journey: str, place: str) -> Verdict:
    # A way to the shop that is gone is what this rule is about, though no other location has lost its own.
    wanted = max(_LATELY, rule.failures, rule.recover_passes)
    runs = list(islice(index.counted(journey, place, network_counts=True), wanted))[::-1]
    last = runs[-rule.failures :]
    streak = _streak(index, journey, place)
    others = [next(index.counted(journey, other), None) for other in index.locations(journey) if other != place]
    passing = [o for o in others if o and index.speaks(o) and index.final(o) is Class.GOOD]
    fresh = bool(runs) and index.speaks(runs[-1])
    breached = fresh and len(streak) >= rule.failures and bool(passing)
    word = Word.NO_DATA if not fresh else Word.WARNING if breached else Word.OFF_TARGET if streak else Word.MET
    said = _of_one(rule, journey, place, streak, passing)
    return Verdict(
        rule=name,
        journey=journey,
        subject=place,
        verdict=word,
        title=f"{journey_title(journey)}: {rule.title} ({place})",
        title_past=f"{journey_title(journey)}: {rule.title_past or rule.title} ({place})",
        summary_past=_of_one(rule, journey, place, streak, (), over=True),
        began_at=streak[-1].started_at if streak else None,
        ended_at=first_good(runs, bad=lambda o: index.final(o, network_counts=True) is Class.BAD),
        summary=said if fresh else f"{journey_title(journey)} at {place}: {index.why_unknown(journey, place)}",
        severity=rule.severity,
        value=float(len(streak)),
        limit=float(rule.failures),
        unit="failures in a row",
        n=len(last),
        window=f"last {rule.failures} runs",
        breached=breached,
        clear=fresh and _passed(index, runs, rule.recover_passes),
        counted=(place,) if fresh else (),
        left_out=() if fresh else (f"{place}: {index.why_unknown(journey, place)}",),
        samples=ids(streak),
        data_at=newest(last),
        runbook=rule.runbook,
    )


def _of_one(
    rule: OneLocationRule,
    journey: str,
    place: str,
    streak: Sequence[Outcome],
    passing: Sequence[Outcome],
    *,
    over: bool = False,
) -> str:
    title = journey_title(journey)
    if not streak:
        return f"{title} passes at {place}"
    times = "once" if len(streak) == 1 else f"{len(streak)} times in a row"
    said = f"{title} {'failed' if over else 'fails'} at {place} {times} (limit {rule.failures}): {what_failed(streak)}"
    unconfirmed = (
        f"; {sum(o.unconfirmed for o in streak)} {NOT_CONFIRMED}" if any(o.unconfirmed for o in streak) else ""
    )
    return f"{said}{f'; passes at {places(passing)}' if passing else ''}{unconfirmed}"


def _streak(index: HistoryIndex, journey: str, place: str) -> list[Outcome]:
    """The failures since the last run that passed, latest first."""
    runs = index.counted(journey, place, network_counts=True)
    return list(takewhile(lambda o: index.final(o, network_counts=True) is Class.BAD and not index.superseded(o), runs))


def _last_slots(index: HistoryIndex, slots: int) -> dict[str, list[Outcome]]:
    """The outcomes of the last slots of every journey that say something, by location; only what is near enough to now."""
    found: dict[str, list[Outcome]] = {}
    for journey in index.journeys():
        near = (slots + 0.5) * index.period(journey)
        for place in index.locations(journey):
            recent = [
                o for o in index.last(journey, place, slots) if not o.late and abs(index.now - o.finished_at) <= near
            ]
            found.setdefault(place, []).extend(o for o in recent if o.status in _SAYING)
    return {place: outcomes for place, outcomes in found.items() if outcomes and index.trouble(place) is None}


def server_errors(name: str, rule: ServerErrorsRule, index: HistoryIndex) -> list[Verdict]:
    """A3s: first-party answers of 500 or more, all journeys together."""
    recent = [o for outcomes in _last_slots(index, rule.slots).values() for o in outcomes]
    lately = [o for outcomes in _last_slots(index, _LOOK_BACK_SLOTS).values() for o in outcomes]
    bad = {o.run_id: _server_errors(o) for o in recent}
    broken = [o for o in recent if bad[o.run_id]]
    standing = [o for o in broken if not index.superseded(o)]
    responses = sum(len(answers) for answers in bad.values())
    where = sorted({answer for answers in bad.values() for answer in answers})
    needed = index.quorum(rule.locations)
    breached = (
        sum(len(bad[o.run_id]) for o in standing) >= rule.responses
        and len(standing) >= rule.runs
        and len({o.location for o in standing}) >= needed
    )
    word = Word.NO_DATA if not recent else Word.CRITICAL if breached else Word.OFF_TARGET if broken else Word.MET
    said = f" at {places(broken)}: {', '.join(where[:4])}" if broken else ""
    return [
        Verdict(
            rule=name,
            verdict=word,
            title=rule.title,
            title_past=rule.title_past,
            summary=f"{_answers(responses)} in {len(broken)} of {plural(len(recent), 'run')}{said} "
            f"(limit {rule.responses} in {plural(rule.runs, 'run')} at {plural(needed, 'location')})",
            summary_past=f"The site gave {_answers(responses)} in {len(broken)} of {plural(len(recent), 'run')}{said}"
            if broken
            else "",
            began_at=min((o.started_at for o in broken), default=None),
            ended_at=first_good(lately, bad=lambda o: bool(_server_errors(o))),
            severity=rule.severity,
            value=float(responses),
            limit=float(rule.responses),
            unit="responses",
            n=len(recent),
            window=f"last {rule.slots} slots",
            breached=breached,
            clear=bool(recent) and not broken,
            counted=tuple(sorted({o.location for o in recent})),
            left_out=index.all_left_out({o.location for o in recent}),
            samples=ids(broken),
            data_at=newest(recent),
            runbook=rule.runbook,
        )
    ]


def _answers(responses: int) -> str:
    return (
        f"{plural(responses, 'first-party answer')} of 500 or more"
        if responses
        else "no first-party answer of 500 or more"
    )


def _server_errors(outcome: Outcome) -> list[str]:
    return [
        f"{a.method} {a.endpoint} {a.status}" for a in outcome.requests if a.party == "first" and (a.status or 0) >= 500
    ]


def blocked(name: str, rule: BlockedRule, index: HistoryIndex) -> list[Verdict]:
    """BL: a bot wall at several locations; nobody is watching the purchase then."""
    recent = _last_slots(index, rule.slots)
    lately = [o for outcomes in _last_slots(index, _LOOK_BACK_SLOTS).values() for o in outcomes]
    walled = {
        place: [o for o in outcomes if o.status is Status.BLOCKED and not index.superseded(o)]
        for place, outcomes in recent.items()
    }
    # Two slots of one location, or a first one at each of two: what stands now is the last outcome of each journey.
    blocked_now = {place: runs for place, runs in walled.items() if runs}
    runs = [o for found in blocked_now.values() for o in found]
    needed = index.quorum(rule.locations)
    breached = len(blocked_now) >= needed and any(len(found) >= rule.slots for found in blocked_now.values())
    word = Word.NO_DATA if not recent else Word.WARNING if breached else Word.OFF_TARGET if runs else Word.MET
    of = f"{len(blocked_now)} of {plural(len(recent), 'location')}"
    said = f"A bot wall stopped runs at {of} ({places(runs)}): {what_failed(runs)}" if runs else ""
    return [
        Verdict(
            rule=name,
            verdict=word,
            title=rule.title,
            title_past=rule.title_past,
            summary=(f"{said}; nobody is watching the purchase" if breached else said)
            or f"no bot wall at {plural(len(recent), 'location')}",
            summary_past=said,
            began_at=min((o.started_at for o in runs), default=None),
            ended_at=first_good(lately, bad=lambda o: o.status is Status.BLOCKED),
            severity=rule.severity,
            value=float(len(blocked_now)),
            limit=float(needed),
            unit="locations",
            n=sum(len(outcomes) for outcomes in recent.values()),
            window=f"last {rule.slots} slots",
            breached=breached,
            clear=bool(recent) and not any(o.status is Status.BLOCKED for found in recent.values() for o in found),
            counted=tuple(sorted(recent)),
            left_out=index.all_left_out(recent),
            samples=ids(runs),
            data_at=newest([o for outcomes in recent.values() for o in outcomes]),
            runbook=rule.runbook,
        )
    ]
