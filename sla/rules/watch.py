"""Whether we see and are heard at all: W1 (a location is silent), W2 (too few slots have a result), W3 (a clock is wrong),
W4 (a dead letter), W5 (a refused record)."""

from __future__ import annotations

from datetime import datetime, timedelta

from facts import SKEWS_KEPT, Severity, Verdict, Word
from sla.counting import Book, Class
from sla.durations import words
from sla.rules.saying import newest, plural
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
    since = [
        o for j in book.journeys() for o in book.at(j, place) if o.received_at > book.now - timedelta(seconds=limit)
    ]
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
        n=len(since),
        window="since the last result",
        began_at=heard if is_silent else None,
        summary_past=f"{place} sent no result for {words(age)} (limit {words(limit)})" if is_silent else "",
        breached=is_silent,
        clear=not is_silent and len(since) >= rule.recover_runs,
        counted=(place,),
        data_at=book.history.last_received.get(place),
        runbook=rule.runbook,
    )


def _last_word(book: Book, place: str, age_s: float) -> str:
    last = book.history.last_received.get(place)
    return (
        f"the last result came {words(age_s)} ago"
        if last
        else f"no result in the {words(age_s)} since the hub began to watch"
    )


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
        title_past="The monitor was blind: no location sent results",
        summary=f"no location ({', '.join(places)}) has sent a result for {words(age)} (limit {words(limit)})"
        if blind
        else f"the last result came {words(age)} ago (limit {words(limit)} without one from {', '.join(places)})",
        summary_past=f"no location ({', '.join(places)}) sent a result for {words(age)} (limit {words(limit)})"
        if blind
        else "",
        began_at=heard if blind else None,
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
        here = [o for o in book.at(journey, place) if o.slot in slots]
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
    were = "record was refused by the hub and is" if count == 1 else "records were refused by the hub and are"
    said = f"{count} {were} kept at the runner" if count else "no record was refused" if alive else "no runner is heard"
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
    """W4: a destination refused a message for good. Whoever else can be reached is told; a delivery there ends it."""
    refused = book.history.undeliverable
    said = "; ".join(f"{destination}: {reason}" for destination, reason in sorted(refused.items()))
    return [
        Verdict(
            rule=name,
            verdict=Word.CRITICAL if refused else Word.MET,
            title=rule.title,
            summary=f"{plural(len(refused), 'destination')} {'refuses' if len(refused) == 1 else 'refuse'} messages: {said}"
            if refused
            else "every destination takes messages",
            severity=rule.severity,
            value=float(len(refused)),
            limit=1.0,
            unit="destinations",
            n=len(refused),
            window="now",
            breached=bool(refused),
            clear=not refused,
            data_at=book.now,
            runbook=rule.runbook,
        )
    ]
