"""The inventory: A2 (more sold than there is), H4 (few left), and whether the feed that tells them is alive."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from facts import Severity, Stock, Verdict, Word
from sla.index import HistoryIndex
from sla.targets import LowStockRule, OversoldRule

FEED = "inventory"
_Places = dict[tuple[str, str], list[Stock]]


def _samples(index: HistoryIndex) -> _Places:
    found: _Places = defaultdict(list)
    for stock in index.history.stocks:
        found[stock.city, stock.tier].append(stock)
    return found


def _age_s(index: HistoryIndex) -> float | None:
    """How old the newest sample is; since we watch, where there is none. None where no inventory is configured."""
    feed = index.history.feeds.get(FEED)
    if feed is None or not feed.configured:
        return None
    return (index.now - (feed.last_good_at or index.history.watching_since)).total_seconds()


def oversold(name: str, rule: OversoldRule, index: HistoryIndex) -> list[Verdict]:
    """A2, and beside it the feed's own verdict (`A2/feed`)."""
    age = _age_s(index)
    if age is None:
        return [
            Verdict(
                rule=name,
                verdict=Word.OFF,
                title=rule.title,
                summary="the site serves no inventory, or none is configured",
            )
        ]
    silent = age > rule.s("feed_silent")
    return [_oversold(name, rule, index, silent=silent), _feed(name, rule, index, age, silent=silent)]


def _oversold(name: str, rule: OversoldRule, index: HistoryIndex, *, silent: bool) -> Verdict:
    samples = _samples(index)
    if silent or not samples:
        word = Word.NO_DATA
        return Verdict(rule=name, verdict=word, title=rule.title, summary="no fresh inventory", severity=rule.severity)
    negative = [found[-1] for found in samples.values() if found[-1].remaining < 0]
    apart = timedelta(seconds=rule.s("recover_samples_apart"))
    clear = all(_twice(found, lambda s: s.remaining >= 0, apart) for found in samples.values())
    where = ", ".join(f"{s.city} {s.tier} {s.remaining}" for s in negative)
    at = max(found[-1].at for found in samples.values())
    return Verdict(
        rule=name,
        verdict=Word.CRITICAL if negative else Word.MET,
        title=rule.title,
        summary=f"{len(negative)} of {len(samples)} city tiers are oversold (limit 1): {where}"
        if negative
        else f"0 of {len(samples)} city tiers are oversold",
        severity=rule.severity,
        value=float(len(negative)),
        limit=1.0,
        unit="city tiers",
        n=len(samples),
        window="last sample",
        breached=bool(negative),
        clear=clear,
        samples=(at.isoformat(timespec="seconds"),),
        samples_are_runs=False,
        data_at=at,
        runbook=rule.runbook,
    )


def _twice(found: list[Stock], holds: object, apart: timedelta) -> bool:
    """Whether a condition holds on two samples that far apart, and on all between them."""
    assert callable(holds)
    last = found[-1]
    if not holds(last):
        return False
    for stock in reversed(found):
        if not holds(stock):
            return False
        if last.at - stock.at >= apart:
            return True
    return False


def _feed(name: str, rule: OversoldRule, index: HistoryIndex, age: float, *, silent: bool) -> Verdict:
    feed = index.history.feeds[FEED]
    why = f"; {feed.last_error}" if feed.last_error and silent else ""
    last = f"{age / 60:.0f} min old" if feed.last_good_at else "has not come yet"
    at, limit = feed.last_good_at, rule.s("feed_silent")
    return Verdict(
        rule=name,
        subject="feed",
        verdict=Word.WARNING if silent else Word.MET if at else Word.INSUFFICIENT,
        title="The inventory cannot be read",
        summary=f"the inventory {last} (limit {rule.s('feed_silent') / 60:.3g} min){why}",
        severity=Severity.HIGH,
        value=age,
        limit=rule.s("feed_silent"),
        unit="s",
        n=1 if at else 0,
        window="last sample",
        # A hub that was down or asleep has not asked: it asks first, and tells then.
        breached=silent and (index.now - index.history.watching_since).total_seconds() > limit / 5,
        clear=not silent and at is not None,
        data_at=at,
        runbook=rule.runbook,
    )


def low_stock(name: str, rule: LowStockRule, index: HistoryIndex) -> list[Verdict]:
    """H4: a verdict for each city and tier that the rule limits."""
    age = _age_s(index)
    if age is None:
        return [
            Verdict(
                rule=name,
                verdict=Word.OFF,
                title=rule.title,
                summary="the site serves no inventory, or none is configured",
            )
        ]
    found = {place: s for place, s in _samples(index).items() if place[1] in rule.low}
    return [_low(name, rule, index, city, tier, stocks) for (city, tier), stocks in sorted(found.items())]


def _low(name: str, rule: LowStockRule, index: HistoryIndex, city: str, tier: str, found: list[Stock]) -> Verdict:
    low, recover, last = rule.low[tier], rule.recover[tier], found[-1]
    apart = timedelta(seconds=rule.s("samples_apart"))
    sold_out = last.remaining == 0
    breached = _twice(found, lambda s: s.remaining <= low, apart) and last.remaining >= 0
    clear = _twice(found, lambda s: s.remaining >= recover, apart)
    state = "sold out" if sold_out else f"{last.remaining} left"
    total = f" of {last.total}" if last.total is not None else ""
    return Verdict(
        rule=name,
        subject=f"{city}/{tier}",
        verdict=Word.WARNING if breached else Word.OFF_TARGET if last.remaining <= low else Word.MET,
        title=f"{rule.title}: {city} {tier.upper()}",
        summary=f"{city} {tier.upper()}: {state}{total} (limit {low}, well again at {recover})",
        severity=Severity.INFO if sold_out else rule.severity,
        value=float(last.remaining),
        limit=float(low),
        unit="tickets",
        n=len(found),
        window=f"2 samples {rule.s('samples_apart'):.3g} s apart",
        breached=breached,
        clear=clear,
        samples=(last.at.isoformat(timespec="seconds"),),
        samples_are_runs=False,
        data_at=last.at,
        runbook=rule.runbook,
    )
