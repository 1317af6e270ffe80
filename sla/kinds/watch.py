"""Whether we see and are heard at all: W1 (a location is silent), W2 (too few slots have a result), W3 (a clock is wrong),
W4 (messages do not arrive), W5 (a refused record)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import takewhile

from facts import SKEWS_KEPT, WAITS_FROM_S, Backlog, Outcome, Severity, Verdict, Word
from sla.durations import words
from sla.hours import slot_of
from sla.index import Class, HistoryIndex
from sla.targets import CoverageRule, DeliveryRule, SetAsideRule, SilentRule, SkewRule
from sla.wording import newest

_OWN_CLOCK_FOR_S = 30.0


def silent(name: str, rule: SilentRule, index: HistoryIndex) -> list[Verdict]:
    """W1: a verdict for each location, and one for all of them (`W1/all`)."""
    places = index.all_locations()
    return [_everywhere(name, rule, index, places), *(_place(name, rule, index, place) for place in places)]


def _silent_s(index: HistoryIndex, place: str) -> float:
    """For how long the hub has listened in vain. A hub that was down or asleep has not listened: that says nothing of a location."""
    since = index.history.watching_since
    heard = max(index.history.last_received.get(place, since), since)
    return index.history.silent_s.get(place, (index.now - heard).total_seconds())


def _age_s(index: HistoryIndex, places: Iterable[str]) -> float | None:
    """How old the last result of some locations is; None where there is none."""
    received = index.history.last_received
    # What came while the hub's clock was ahead is older than it says: at least as old as the silence since then is long.
    ages = [
        max((index.now - received[place]).total_seconds(), _silent_s(index, place))
        for place in places
        if place in received
    ]
    return min(ages, default=None)


def _quiet_since(index: HistoryIndex, place: str) -> datetime | None:
    """When the last result of a silent location came; None where none ever did."""
    at = index.history.last_received.get(place)
    return at and min(at, index.now - timedelta(seconds=_silent_s(index, place)))


def _period_s(index: HistoryIndex, place: str) -> float:
    schedules = index.history.schedules.values()
    return float(min(schedule.period_s for schedule in schedules if place in schedule.grids))


def _place(name: str, rule: SilentRule, index: HistoryIndex, place: str) -> Verdict:
    limit = rule.periods * _period_s(index, place) + rule.s("margin")
    silent_s, age = _silent_s(index, place), _age_s(index, [place])
    is_silent = silent_s > limit
    # The hub was down, or has just begun: it may not call a location silent yet, nor well.
    unheard = not is_silent and (age is None or age > limit)
    n = _received(index, place, index.now - timedelta(seconds=limit))
    word = Word.NO_DATA if unheard and age is not None else Word.INSUFFICIENT if unheard else Word.MET
    return Verdict(
        rule=name,
        subject=place,
        verdict=Word.WARNING if is_silent else word,
        title=f"{rule.title}: {place}",
        summary=f"{place}: {_last_word(age, silent_s)} (limit {words(limit)}){_listening(silent_s, unheard=unheard)}"
        f"{_of_runners(index, place, is_silent=is_silent)}",
        severity=rule.severity,
        value=age if age is not None else silent_s,
        limit=limit,
        unit="s",
        n=n,
        window="since the last result",
        began_at=_quiet_since(index, place) if is_silent else None,
        summary_past=f"{place} sent no result for {words(silent_s if age is None else age)} (limit {words(limit)})"
        if is_silent
        else "",
        breached=is_silent,
        clear=not is_silent and not unheard and n >= rule.recover_runs and _is_heard(index, [place]),
        counted=(place,),
        data_at=index.history.last_received.get(place),
        runbook=rule.runbook,
    )


def _is_heard(index: HistoryIndex, places: Iterable[str]) -> bool:
    """Whether one of some locations was heard since the watch was broken: a silence does not end because the clock was set."""
    return any(place not in index.history.not_heard_since for place in places)


def _received(index: HistoryIndex, place: str, since: datetime) -> int:
    """How many results came from a location after a moment and until now, whichever slots they are of."""
    hours = [hour for journey in index.journeys() for hour in index.hours(journey, place)]
    lately = [hour for hour in hours if hour.once(_last_received) > since]
    return sum(since < o.received_at <= index.now for hour in lately for o in hour.outcomes)


def _last_received(outcomes: tuple[Outcome, ...]) -> datetime:
    return max(o.received_at for o in outcomes)


def _last_word(age_s: float | None, silent_s: float) -> str:
    if age_s is None:
        return f"no result in the {words(silent_s)} since the hub began to watch"
    return f"the last result came {words(age_s)} ago"


def _listening(silent_s: float, *, unheard: bool) -> str:
    return f"; the hub has listened for {words(silent_s)} only" if unheard else ""


def _of_runners(index: HistoryIndex, place: str, *, is_silent: bool) -> str:
    word = index.runners_word(place) if is_silent else ""
    return f"; {word}" if word else ""


def _everywhere(name: str, rule: SilentRule, index: HistoryIndex, places: list[str]) -> Verdict:
    silent_s = min((_silent_s(index, place) for place in places), default=0.0)
    age = _age_s(index, places)
    period = min((_period_s(index, place) for place in places), default=0.0)
    limit = rule.all_periods * period + rule.s("all_margin")
    blind = silent_s > limit
    unheard = not blind and (age is None or age > limit)
    word = Word.NO_DATA if unheard and age is not None else Word.INSUFFICIENT if unheard else Word.MET
    shown = words(silent_s if age is None else age)
    where = f"of {len(places)} locations ({', '.join(places)})"
    waiting = blind or age is None
    said = f"no result from any {where} for {shown}" if waiting else f"the last result {where} came {shown} ago"
    return Verdict(
        rule=name,
        subject="all",
        verdict=Word.CRITICAL if blind else word,
        title="The monitor is blind: no location sends results",
        title_past="The monitor was blind: no location sent results",
        summary=f"{said} (limit {words(limit)}){_listening(silent_s, unheard=unheard)}",
        summary_past=f"no location ({', '.join(places)}) sent a result for {shown} (limit {words(limit)})"
        if blind
        else "",
        began_at=max((at for place in places if (at := _quiet_since(index, place))), default=None) if blind else None,
        severity=Severity.CRITICAL,
        value=age if age is not None else silent_s,
        limit=limit,
        unit="s",
        n=len(places),
        window="since the last result",
        breached=blind,
        clear=not blind and not unheard and _is_heard(index, places),
        counted=tuple(places),
        data_at=max(index.history.last_received.values(), default=None),
        runbook=rule.runbook,
    )


def coverage(name: str, rule: CoverageRule, index: HistoryIndex) -> list[Verdict]:
    """W2: a verdict for each journey."""
    return [_coverage(name, rule, index, journey) for journey in index.journeys()]


def _coverage(name: str, rule: CoverageRule, index: HistoryIndex, journey: str) -> Verdict:
    until = index.now - timedelta(seconds=rule.s("settle"))
    since = max(until - timedelta(seconds=rule.s("window")), index.history.watching_since)
    expected = good = 0
    poor: list[str] = []
    measured = []
    for place, grid in index.history.schedules[journey].grids.items():
        slots = set(grid.between(since, until)) if until > since else set()
        here = [
            o for o in takewhile(lambda o: slot_of(o) > since, index.latest_first(journey, place)) if o.slot in slots
        ]
        wanted = len(slots) - sum(index.first(o) is Class.SKIPPED for o in here)
        has = [o for o in here if index.final(o) in (Class.GOOD, Class.BAD)]
        measured += has
        expected, good = expected + wanted, good + len(has)
        if len(has) < rule.least * wanted:
            poor.append(f"{place}: {len(has)} of {wanted}")
    share = good / expected if expected else None
    enough = expected >= rule.min_n
    breached = enough and share is not None and share < rule.least
    word = Word.INSUFFICIENT if not enough else Word.WARNING if breached else Word.MET
    shown = "no slot yet" if share is None else f"{share:.0%} of {expected} slots have a result"
    return Verdict(
        rule=name,
        journey=journey,
        verdict=word,
        title=f"{rule.title}: {journey}",
        summary=f"{journey}: {shown} (limit {rule.least:.0%}) in {words(rule.s('window'))}"
        + (f"; {'; '.join(poor)}" if poor else ""),
        severity=rule.severity,
        value=share,
        limit=rule.least,
        unit="ratio",
        n=expected,
        coverage=share,
        window=words(rule.s("window")),
        breached=breached,
        clear=enough and share is not None and share >= rule.recover_at,
        clear_for_s=rule.s("recover_for"),
        counted=tuple(index.locations(journey)),
        left_out=tuple(poor),
        data_at=newest(measured),
        runbook=rule.runbook,
    )


def skew(name: str, rule: SkewRule, index: HistoryIndex) -> list[Verdict]:
    """W3: a verdict for each location, of the runner there whose clock is furthest off, and one of the hub's own (`W3/hub`)."""
    return [_own_clock(name, rule, index), *(_skew(name, rule, index, place) for place in index.all_locations())]


def _own_clock(name: str, rule: SkewRule, index: HistoryIndex) -> Verdict:
    clock = index.history.hub_clock
    off = abs(clock.behind_s) if clock.is_wrong and clock.behind_s is not None else None
    way = "behind" if (clock.behind_s or 0) > 0 else "ahead"
    said = "nobody is heard whose clock could tell" if not clock.voices else "the runners' clocks agree with the hub's"
    word = Word.NO_DATA if not clock.voices else Word.MET
    if clock.is_undecided:
        word, said = (
            Word.INSUFFICIENT,
            f"{', '.join(clock.by)} disagrees with the hub's clock, and nobody else is heard",
        )
    if off is not None:
        word = Word.CRITICAL if clock.holds_results else Word.WARNING
        said = (
            f"the hub's clock is {words(off)} {way}, as {len(clock.by)} of {clock.voices} say ({', '.join(clock.by)})"
        )
        said += "; no result is taken and nothing is judged until it is right" if clock.holds_results else ""
    return Verdict(
        rule=name,
        subject="hub",
        verdict=word,
        title="The hub's clock is wrong",
        summary=f"{said} (limit {rule.reject_s:g} s)",
        severity=Severity.CRITICAL if clock.holds_results else Severity.HIGH,
        value=off,
        limit=rule.reject_s,
        unit="s",
        n=clock.voices,
        window="now",
        breached=off is not None,
        clear=word is Word.MET,
        # A message that waited while the hub was stopped looks as if the clock was ahead; the next one does not.
        for_s=_OWN_CLOCK_FOR_S if off is not None else 0.0,
        counted=clock.by,
        samples=clock.by if off is not None else (),
        samples_are_runs=False,
        data_at=index.now,
        runbook=rule.runbook,
    )


def _skew(name: str, rule: SkewRule, index: HistoryIndex, place: str) -> Verdict:
    alive = index.answering(place)
    known = [(abs(runner.skew_s), runner) for runner in alive if runner.skew_s is not None]
    off, runner = max(known, key=lambda one: one[0], default=(None, None))
    rejected = off is not None and off > rule.reject_s
    # The newest message tells whether a clock was set right just now, the runner's or the hub's.
    is_right_now = runner is not None and abs(runner.skews[-1]) <= rule.warn_s
    breached = off is not None and off > rule.warn_s and not is_right_now
    word = Word.NO_DATA if not alive else Word.INSUFFICIENT if off is None else Word.WARNING if breached else Word.MET
    if off is not None and off > rule.warn_s and is_right_now:
        word = Word.INSUFFICIENT
    said = f"{place}: no runner is heard" if not alive else f"{place}: fewer than {SKEWS_KEPT} messages yet"
    if off is not None and runner is not None:
        way = "ahead of" if (runner.skew_s or 0) > 0 else "behind"
        said = f"{place}: the clock of runner {runner.id or 'without a name'} is {off:.1f} s {way} the hub's"
        said += "; its times are set right by the hub's" if rejected else ""
        said += _whose(index)
    limit = rule.reject_s if rejected else rule.warn_s
    if index.history.hub_clock.is_wrong:
        word, breached, said = Word.NO_DATA, False, f"{place}: cannot be told while the hub's own clock is wrong"
    return Verdict(
        rule=name,
        subject=place,
        verdict=word,
        title=f"{rule.title}: {place}",
        summary=f"{said} (limit {limit:g} s)",
        severity=Severity.HIGH if rejected else rule.severity,
        value=off,
        limit=limit,
        unit="s",
        n=len(runner.skews) if runner else 0,
        window=f"{SKEWS_KEPT} messages",
        breached=breached,
        clear=word is Word.MET and off is not None and off < rule.recover_s,
        counted=(place,) if off is not None else (),
        data_at=runner.heard_at if runner else max((r.heard_at for r in alive), default=None),
        runbook=rule.runbook,
    )


def _whose(index: HistoryIndex) -> str:
    clock = index.history.hub_clock
    if not clock.is_undecided:
        return ""
    far = abs(clock.behind_s or 0.0) > WAITS_FROM_S
    waits = "; what it dates into the hub's future waits there until one of them is right" if far else ""
    return f"; it may be the hub's clock that is wrong: no other runner is heard{waits}"


def set_aside(name: str, rule: SetAsideRule, index: HistoryIndex) -> list[Verdict]:
    """W5: a verdict for each location, of the records there that the hub refused and its runners set aside."""
    return [_set_aside(name, rule, index, place) for place in index.all_locations()]


def _set_aside(name: str, rule: SetAsideRule, index: HistoryIndex, place: str) -> Verdict:
    alive = index.answering(place)
    count = sum(runner.rejected for runner in alive)
    why = next((f"; the last one: {runner.refusal}" for runner in alive if runner.rejected and runner.refusal), "")
    were = "record was refused by the hub and is" if count == 1 else "records were refused by the hub and are"
    said = (
        f"{count} {were} kept at the runner{why}"
        if count
        else "no record was refused"
        if alive
        else "no runner is heard"
    )
    return Verdict(
        rule=name,
        subject=place,
        verdict=Word.NO_DATA if not alive else Word.WARNING if count else Word.MET,
        title=f"{rule.title}: {place}",
        summary=f"{place}: {said} (limit 1)",
        severity=rule.severity,
        value=float(count) if alive else None,
        limit=1.0,
        unit="records",
        n=len(alive),
        window="now",
        breached=count > 0,
        clear=bool(alive) and not count,
        counted=(place,) if alive else (),
        data_at=max((runner.heard_at for runner in alive), default=None),
        runbook=rule.runbook,
    )


def delivery(name: str, rule: DeliveryRule, index: HistoryIndex) -> list[Verdict]:
    """W4: a destination refused a message for good, or a message does not reach it, whatever the reason.

    It ends when each destination has taken its messages; one that fails still, though not yet for long, keeps what stands.
    """
    refused = dict(index.history.undeliverable)
    late = [backlog for backlog in index.history.backlogs if _is_late(rule, index, backlog)]
    troubles = {destination: f"{destination}: {reason}" for destination, reason in refused.items()}
    for backlog in late:
        troubles.setdefault(backlog.destination, _late(index, backlog))
    count = len(troubles)
    said = "; ".join(troubles[destination] for destination in sorted(troubles))
    several = "destination does" if count == 1 else "destinations do"
    return [
        Verdict(
            rule=name,
            verdict=Word.CRITICAL if troubles else Word.MET,
            title=rule.title,
            summary=f"{count} {several} not take messages: {said}" if troubles else "every destination takes messages",
            severity=rule.severity,
            value=float(count),
            limit=1.0,
            unit="destinations",
            n=count,
            window="now",
            breached=bool(troubles),
            clear=not troubles and not any(backlog.tried for backlog in index.history.backlogs),
            data_at=index.now,
            runbook=rule.runbook,
        )
    ]


def _is_late(rule: DeliveryRule, index: HistoryIndex, backlog: Backlog) -> bool:
    limit = rule.s("failing") if backlog.tried else rule.s("overdue")
    # What waited while no hub ran is about to be sent by the one that has just started.
    since = max(backlog.since, index.history.watching_since)
    return (index.now - since).total_seconds() > limit


def _late(index: HistoryIndex, backlog: Backlog) -> str:
    age = words(round((index.now - backlog.since).total_seconds()))
    several = "message" if backlog.messages == 1 else "messages"
    how = f"tried in vain for {age}" if backlog.tried else f"waiting for {age} without an answer"
    return f"{backlog.destination}: {backlog.messages} {several} {how}" + (
        f" ({backlog.error})" if backlog.error else ""
    )
