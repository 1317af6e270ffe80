"""Rules that look at the latest fresh run of each location: F0, A1s, F3, A3s, BL."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, takewhile

from facts import Outcome, Status, Verdict, Word
from sla.counting import Book, Class
from sla.rules.saying import ids, journey_title, newest, places, what_failed
from sla.targets import BlockedRule, OneLocationRule, QuorumRule, ServerErrorsRule

# What was not run, or failed for our own fault, says nothing: neither that the shop is ill nor that it is well again.
_SAYING = (Status.PASSED, Status.FAILED, Status.TIMED_OUT, Status.BLOCKED)
_WINDOW = "latest fresh run per location"


def journey_fails(name: str, rule: QuorumRule, book: Book) -> list[Verdict]:
    """F0 and A1s: a verdict for each journey."""
    return [_journey(name, rule, book, j) for j in book.journeys() if rule.journeys is None or j in rule.journeys]


def _journey(name: str, rule: QuorumRule, book: Book, journey: str) -> Verdict:
    if rule.of_payment and not book.history.pays:
        return _unpaid(name, rule, journey)
    wanted = max(1, rule.alone, rule.recover_passes)
    counted = {
        place: list(islice((o for o in book.counted(journey, place) if _is_sample(rule, o)), wanted))[::-1]
        for place in book.locations(journey)
    }
    alive = {place: runs for place, runs in counted.items() if runs and book.speaks(runs[-1])}
    failing = _failing(rule, book, alive)
    passing = [place for place, runs in alive.items() if _passed(book, runs, rule.recover_passes)]
    left_out = book.left_out(journey, alive)
    needed = min(rule.locations, len(alive))
    quorum = rule.locations if len(alive) > 1 else rule.alone
    breached = len(failing) >= quorum and len({o.run_id for o in failing}) >= min(2, quorum)
    clear = bool(alive) and len(passing) >= needed and not failing
    word = Word.NO_DATA if not alive else Word.CRITICAL if breached else Word.OFF_TARGET if failing else Word.MET
    latest = [runs[-1] for runs in alive.values()]
    return Verdict(
        rule=name,
        journey=journey,
        verdict=word,
        title=f"{journey_title(journey)}: {rule.title}",
        summary=_sentence(rule, journey, failing, latest, left_out),
        severity=rule.severity,
        value=float(len({o.location for o in failing})),
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


def _failing(rule: QuorumRule, book: Book, alive: dict[str, list[Outcome]]) -> list[Outcome]:
    """The failing latest runs; where one location alone is alive, its last runs as long as they fail."""
    if len(alive) != 1:
        return [runs[-1] for runs in alive.values() if _fails(rule, book, runs[-1])]
    (runs,) = alive.values()
    last = runs[-rule.alone :]
    return last if len(last) == rule.alone and all(_fails(rule, book, o) for o in last) else []


def _fails(rule: QuorumRule, book: Book, outcome: Outcome) -> bool:
    return book.final(outcome) is Class.BAD and (rule.steps is None or outcome.failed_step in rule.steps)


def _passed(book: Book, runs: Sequence[Outcome], wanted: int) -> bool:
    return len(runs) >= wanted and all(book.final(o) is Class.GOOD for o in runs[-wanted:])


def _sentence(
    rule: QuorumRule, journey: str, failing: Sequence[Outcome], latest: Sequence[Outcome], left_out: tuple[str, ...]
) -> str:
    title = journey_title(journey)
    if not latest:
        return f"{title}: no location has a fresh run ({'; '.join(left_out)})"
    tail = f"; left out: {'; '.join(left_out)}" if left_out else ""
    if not failing:
        what = "fails at a payment step at none" if rule.steps else "fails at none"
        return f"{title} {what} of {len(latest)} locations ({places(latest)}){tail}"
    failed = {o.location for o in failing}
    others = [o for o in latest if o.location not in failed]
    rest = f"; not so at {places(others)}" if others else ""
    return (
        f"{title} fails at {len(failed)} of {len(latest)} locations ({places(failing)}): "
        f"{what_failed(failing)}{rest}{tail}"
    )


def one_location_fails(name: str, rule: OneLocationRule, book: Book) -> list[Verdict]:
    """F3: a verdict for each journey and location."""
    return [_one_location(name, rule, book, j, place) for j in book.journeys() for place in book.locations(j)]


def _one_location(name: str, rule: OneLocationRule, book: Book, journey: str, place: str) -> Verdict:
    # A way to the shop that is gone is what this rule is about, though no other location has lost its own.
    wanted = max(1, rule.failures, rule.recover_passes)
    runs = list(islice(book.counted(journey, place, network_counts=True), wanted))[::-1]
    last = runs[-rule.failures :]
    streak = _streak(book, journey, place)
    others = [next(book.counted(journey, other), None) for other in book.locations(journey) if other != place]
    passing = [o for o in others if o and book.speaks(o) and book.final(o) is Class.GOOD]
    fresh = bool(runs) and book.speaks(runs[-1])
    breached = fresh and len(streak) >= rule.failures and bool(passing)
    word = Word.NO_DATA if not fresh else Word.WARNING if breached else Word.MET
    said = f"; {what_failed(streak)}; passes at {places(passing)}" if streak and passing else ""
    return Verdict(
        rule=name,
        journey=journey,
        subject=place,
        verdict=word,
        title=f"{journey_title(journey)}: {rule.title} ({place})",
        summary=f"{journey_title(journey)} at {place}: {len(streak)} failures in a row (limit {rule.failures}){said}"
        if fresh
        else f"{journey_title(journey)} at {place}: {book.why_unknown(journey, place)}",
        severity=rule.severity,
        value=float(len(streak)),
        limit=float(rule.failures),
        unit="failures in a row",
        n=len(last),
        window=f"last {rule.failures} runs",
        breached=breached,
        clear=fresh and _passed(book, runs, rule.recover_passes),
        counted=(place,) if fresh else (),
        left_out=() if fresh else (f"{place}: {book.why_unknown(journey, place)}",),
        samples=ids(streak),
        data_at=newest(last),
        runbook=rule.runbook,
    )


def _streak(book: Book, journey: str, place: str) -> list[Outcome]:
    """The failures since the last run that passed, latest first."""
    runs = book.counted(journey, place, network_counts=True)
    return list(takewhile(lambda o: book.final(o, network_counts=True) is Class.BAD, runs))


def _last_slots(book: Book, slots: int) -> dict[str, list[Outcome]]:
    """The outcomes of the last slots of every journey that say something, by location; only what is near enough to now."""
    found: dict[str, list[Outcome]] = {}
    for journey in book.journeys():
        near = (slots + 0.5) * book.period(journey)
        for place in book.locations(journey):
            recent = [
                o for o in book.last(journey, place, slots) if not o.late and abs(book.now - o.finished_at) <= near
            ]
            found.setdefault(place, []).extend(o for o in recent if o.status in _SAYING)
    return {place: outcomes for place, outcomes in found.items() if outcomes and book.trouble(place) is None}


def server_errors(name: str, rule: ServerErrorsRule, book: Book) -> list[Verdict]:
    """A3s: first-party answers of 500 or more, all journeys together."""
    recent = [o for outcomes in _last_slots(book, rule.slots).values() for o in outcomes]
    bad = {o.run_id: _server_errors(o) for o in recent}
    broken = [o for o in recent if bad[o.run_id]]
    responses = sum(len(answers) for answers in bad.values())
    where = sorted({answer for answers in bad.values() for answer in answers})
    locations = {o.location for o in broken}
    breached = responses >= rule.responses and len(broken) >= rule.runs and len(locations) >= rule.locations
    word = Word.NO_DATA if not recent else Word.CRITICAL if breached else Word.OFF_TARGET if broken else Word.MET
    said = f" at {places(broken)}: {', '.join(where[:4])}" if broken else ""
    return [
        Verdict(
            rule=name,
            verdict=word,
            title=rule.title,
            summary=f"{responses} first-party answers of 500 or more in {len(broken)} of {len(recent)} runs{said} "
            f"(limit {rule.responses} in {rule.runs} runs at {rule.locations} locations)",
            severity=rule.severity,
            value=float(responses),
            limit=float(rule.responses),
            unit="responses",
            n=len(recent),
            window=f"last {rule.slots} slots",
            breached=breached,
            clear=bool(recent) and not broken,
            counted=tuple(sorted({o.location for o in recent})),
            left_out=book.all_left_out({o.location for o in recent}),
            samples=ids(broken),
            data_at=newest(recent),
            runbook=rule.runbook,
        )
    ]


def _server_errors(outcome: Outcome) -> list[str]:
    return [
        f"{a.method} {a.endpoint} {a.status}" for a in outcome.requests if a.party == "first" and (a.status or 0) >= 500
    ]


def blocked(name: str, rule: BlockedRule, book: Book) -> list[Verdict]:
    """BL: a bot wall at several locations; nobody is watching the purchase then."""
    recent = _last_slots(book, rule.slots)
    walled = {place: [o for o in outcomes if o.status is Status.BLOCKED] for place, outcomes in recent.items()}
    # Two slots of one location, or a first one at each of two: what stands now is the last outcome of each journey.
    blocked_now = {place: runs for place, runs in walled.items() if runs}
    runs = [o for found in blocked_now.values() for o in found]
    breached = len(blocked_now) >= rule.locations and any(len(found) >= rule.slots for found in blocked_now.values())
    said = f" ({places(runs)}): {what_failed(runs)}" if runs else ""
    return [
        Verdict(
            rule=name,
            verdict=Word.NO_DATA if not recent else Word.WARNING if breached else Word.MET,
            title=rule.title,
            summary=f"A bot wall stopped runs at {len(blocked_now)} of {len(recent)} locations{said}"
            + ("; nobody is watching the purchase" if breached else ""),
            severity=rule.severity,
            value=float(len(blocked_now)),
            limit=float(rule.locations),
            unit="locations",
            n=sum(len(outcomes) for outcomes in recent.values()),
            window=f"last {rule.slots} slots",
            breached=breached,
            clear=bool(recent) and not blocked_now,
            counted=tuple(sorted(recent)),
            left_out=book.all_left_out(recent),
            samples=ids(runs),
            data_at=newest([o for outcomes in recent.values() for o in outcomes]),
            runbook=rule.runbook,
        )
    ]
