"""Whether we see and are heard at all: W1 (a location is silent), W2 (too few slots have a result), W3 (a clock is wrong),
W4 (messages do not arrive), W5 (a refused record)."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile

from facts import SKEWS_KEPT, Backlog, Outcome, Severity, Verdict, Word
from sla.counting import Book, Class
from sla.durations import words
from sla.hours import slot_of
from sla.rules.saying import newest
from sla.targets import CoverageRule, DeliveryRule, SetAsideRule, SilentRule, SkewRule


def silent(name: str, rule: SilentRule, book: Book) -> list[Verdict]:
    """W1: a verdict for each location, and one for all of them (`W1/all`)."""
    places = book.all_locations()
    return [_everywhere(name, rule, book, places), *(_place(name, rule, book, place) for place in places)]


def _heard(book: Book, place: str) -> datetime:
    return max(book.history.last_received.get(place, book.history.watching_since), book.history.watching_since)


def _period_s(book: Book, place: str) -> float:
    schedules = book.history.schedules.values()
    return float(min(schedule.period_s for schedule in schedules if place in schedule.grids))


def _place(name: str, rule: SilentRule, book: Book, place: str) -> Verdict:
    limit = rule.periods * _period_s(book, place) + rule.s("margin")
    heard = _heard(book, place)
    age = (book.now - heard).total_seconds()
    ever = place in book.history.last_received
    is_silent = age > limit
    n = _received(book, place, book.now - timedelta(seconds=limit))
    return Verdict(
        rule=name,
        subject=place,
        verdict=Word.WARNING if is_silent else Word.MET if ever else Word.INSUFFICIENT,
        title=f"{rule.title}: {place}",
        summary=f"{place}: {_last_word(book, place, age)} (limit {words(limit)}){_of_runners(book, place, is_silent=is_silent)}",
        severity=rule.severity,
        value=age,
        limit=limit,
        unit="s",
        n=n,
        window="since the last result",
        breached=is_silent,
        clear=not is_silent and n >= rule.recover_runs,
        counted=(place,),
        data_at=book.history.last_received.get(place),
        runbook=rule.runbook,
    )


def _received(book: Book, place: str, since: datetime) -> int:
    """How many results came from a location after a moment, whichever slots they are of."""
    hours = [hour for journey in book.journeys() for hour in book.hours(journey, place)]
    lately = [hour for hour in hours if hour.once(_last_received) > since]
    return sum(o.received_at > since for hour in lately for o in hour.outcomes)


def _last_received(outcomes: tuple[Outcome, ...]) -> datetime:
    return max(o.received_at for o in outcomes)


def _last_word(book: Book, place: str, age_s: float) -> str:
    last = book.history.last_received.get(place)
    return f"the last result came {words(age_s)} ago" if last else f"no result since we watch, {words(age_s)}"


def _of_runners(book: Book, place: str, *, is_silent: bool) -> str:
    word = book.runners_word(place) if is_silent else ""
    return f"; {word}" if word else ""


def _everywhere(name: str, rule: SilentRule, book: Book, places: list[str]) -> Verdict:
    heard = max((_heard(book, place) for place in places), default=book.history.watching_since)
    age = (book.now - heard).total_seconds()
    period = min((_period_s(book, place) for place in places), default=0.0)
    limit = rule.all_periods * period + rule.s("all_margin")
    blind = age > limit
    return Verdict(
        rule=name,
        subject="all",
        verdict=Word.CRITICAL if blind else Word.MET if book.history.last_received else Word.INSUFFICIENT,
        title="The monitor is blind: no location sends results",
        summary=f"{'no result from any' if blind else 'the last result'} of {len(places)} locations "
        f"({', '.join(places)}) {'for ' + words(age) if blind else 'came ' + words(age) + ' ago'} (limit {words(limit)})",
        severity=Severity.CRITICAL,
        value=age,
        limit=limit,
        unit="s",
        n=len(places),
        window="since the last result",
        breached=blind,
        clear=not blind,
        counted=tuple(places),
        data_at=max(book.history.last_received.values(), default=None),
        runbook=rule.runbook,
    )


def coverage(name: str, rule: CoverageRule, book: Book) -> list[Verdict]:
    """W2: a verdict for each journey."""
    return [_coverage(name, rule, book, journey) for journey in book.journeys()]


def _coverage(name: str, rule: CoverageRule, book: Book, journey: str) -> Verdict:
    until = book.now - timedelta(seconds=rule.s("settle"))
    since = max(until - timedelta(seconds=rule.s("window")), book.history.watching_since)
    expected = good = 0
    poor: list[str] = []
    measured = []
    for place, grid in book.history.schedules[journey].grids.items():
        slots = set(grid.between(since, until)) if until > since else set()
        here = [
            o for o in takewhile(lambda o: slot_of(o) > since, book.latest_first(journey, place)) if o.slot in slots
        ]
        wanted = len(slots) - sum(book.first(o) is Class.SKIPPED for o in here)
        has = [o for o in here if book.final(o) in (Class.GOOD, Class.BAD)]
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
        counted=tuple(book.locations(journey)),
        left_out=tuple(poor),
        data_at=newest(measured),
        runbook=rule.runbook,
    )


def skew(name: str, rule: SkewRule, book: Book) -> list[Verdict]:
    """W3: a verdict for each location, of the runner there whose clock is furthest off."""
    return [_skew(name, rule, book, place) for place in book.all_locations()]


def _skew(name: str, rule: SkewRule, book: Book, place: str) -> Verdict:
    alive = book.answering(place)
    known = [(abs(runner.skew_s), runner) for runner in alive if runner.skew_s is not None]
    off, runner = max(known, key=lambda one: one[0], default=(None, None))
    rejected = off is not None and off > rule.reject_s
    breached = off is not None and off > rule.warn_s
    word = Word.NO_DATA if not alive else Word.INSUFFICIENT if off is None else Word.WARNING if breached else Word.MET
    said = f"{place}: no runner is heard" if not alive else f"{place}: fewer than {SKEWS_KEPT} messages yet"
    if off is not None and runner is not None:
        way = "ahead of" if (runner.skew_s or 0) > 0 else "behind"
        said = f"{place}: the clock of runner {runner.id or 'without a name'} is {off:.1f} s {way} the hub's"
        said += "; its times are set right by the hub's" if rejected else ""
    limit = rule.reject_s if rejected else rule.warn_s
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
        clear=off is not None and off < rule.recover_s,
        counted=(place,) if off is not None else (),
        data_at=runner.heard_at if runner else max((r.heard_at for r in alive), default=None),
        runbook=rule.runbook,
    )


def set_aside(name: str, rule: SetAsideRule, book: Book) -> list[Verdict]:
    """W5: a verdict for each location, of the records there that the hub refused and its runners set aside."""
    return [_set_aside(name, rule, book, place) for place in book.all_locations()]


def _set_aside(name: str, rule: SetAsideRule, book: Book, place: str) -> Verdict:
    alive = book.answering(place)
    count = sum(runner.rejected for runner in alive)
    said = f"{count} records were refused by the hub and lie at the runner" if alive else "no runner is heard"
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


def delivery(name: str, rule: DeliveryRule, book: Book) -> list[Verdict]:
    """W4: a destination refused a message for good, or a message does not reach it, whatever the reason.

    It ends when each destination has taken its messages; one that fails still, though not yet for long, keeps what stands.
    """
    refused = dict(book.history.undeliverable)
    late = [backlog for backlog in book.history.backlogs if _is_late(rule, book, backlog)]
    troubles = {destination: f"{destination}: {reason}" for destination, reason in refused.items()}
    for backlog in late:
        troubles.setdefault(backlog.destination, _late(book, backlog))
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
            clear=not troubles and not any(backlog.tried for backlog in book.history.backlogs),
            data_at=book.now,
            runbook=rule.runbook,
        )
    ]


def _is_late(rule: DeliveryRule, book: Book, backlog: Backlog) -> bool:
    limit = rule.s("failing") if backlog.tried else rule.s("overdue")
    # What waited while no hub ran is about to be sent by the one that has just started.
    since = max(backlog.since, book.history.watching_since)
    return (book.now - since).total_seconds() > limit


def _late(book: Book, backlog: Backlog) -> str:
    age = words(round((book.now - backlog.since).total_seconds()))
    several = "message" if backlog.messages == 1 else "messages"
    how = f"tried in vain for {age}" if backlog.tried else f"waiting for {age} without an answer"
    return f"{backlog.destination}: {backlog.messages} {several} {how}" + (
        f" ({backlog.error})" if backlog.error else ""
    )
