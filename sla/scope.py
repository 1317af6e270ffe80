"""What is judged at all: why an alert is about nothing that is watched any more. That is never said of what has no data. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from facts import Outcome, Status
from sla.index import HistoryIndex
from sla.kinds.stock import FEED
from sla.targets import (
    BurnRule,
    LowStockRule,
    OneLocationRule,
    OversoldRule,
    PurchasesRule,
    QuorumRule,
    Rule,
    SetAsideRule,
    SilentRule,
    SkewRule,
    Targets,
    ThirdPartyRule,
    VitalsRule,
)

_OF_ALL = ("all", "hub")
_RUNS = 3


class About(Protocol):
    """What an alert and a verdict are about."""

    @property
    def key(self) -> str:
        """The alert's key."""
        ...

    @property
    def rule(self) -> str:
        """The rule's id."""
        ...

    @property
    def journey(self) -> str | None:
        """The journey, where it is about one."""
        ...

    @property
    def subject(self) -> str | None:
        """A location, a page, a city or whatever the rule tells apart."""
        ...


def why_closed(about: About, targets: Targets, index: HistoryIndex) -> str | None:
    """Why an alert has to be closed, and none begins, as half a sentence; None where its rule and what it is about are watched."""
    rule = targets.rules().get(about.rule)
    if rule is None:
        return f"there is no rule {about.rule} any more"
    if not rule.enabled:
        return f"rule {about.rule} is switched off in sla.yaml"
    journey = about.journey
    if journey is not None and journey not in index.journeys():
        return f"journey {journey} is not on the plan in locations.yaml any more"
    for kind, why in _BY_KIND.items():
        if isinstance(rule, kind) and (reason := why(about, rule, index)) is not None:
            return reason
    return None


def _quorum(about: About, rule: QuorumRule, index: HistoryIndex) -> str | None:
    if rule.of_payment and not index.history.pays:
        return "site.yaml says stop_before_payment: nothing is paid that could be judged"
    if rule.journeys is not None and about.journey not in rule.journeys:
        return f"rule {about.rule} does not name journey {about.journey} any more"
    return None


def _burn(about: About, rule: BurnRule, index: HistoryIndex) -> str | None:
    journey = about.journey
    if journey is None or rule.can_fire(journey, index.history.schedules[journey]):
        return None
    return f"journey {journey} does not run often enough any more for rule {about.rule} to fire (locations.yaml)"


def _one_location(about: About, rule: OneLocationRule, index: HistoryIndex) -> str | None:
    if about.journey is None or about.subject in index.locations(about.journey):
        return None
    return f"journey {about.journey} is not bought from {about.subject} any more (locations.yaml)"


def _location(about: About, rule: Rule, index: HistoryIndex) -> str | None:
    if about.subject in index.all_locations() or about.subject in _OF_ALL:
        return None
    return f"location {about.subject} is not on the plan in locations.yaml any more"


def _inventory(about: About, rule: Rule, index: HistoryIndex) -> str | None:
    return None if FEED in index.history.feeds else "the site serves no inventory any more, or none is configured"


def _low_stock(about: About, rule: LowStockRule, index: HistoryIndex) -> str | None:
    if (reason := _inventory(about, rule, index)) is not None:
        return reason
    city, _, tier = (about.subject or "").rpartition("/")
    if tier not in rule.low:
        return f"rule {about.rule} has no limit for tier {tier} any more"
    last_two = sorted({stock.at for stock in index.history.stocks})[-2:]
    listed = {(stock.city, stock.tier) for stock in index.history.stocks if stock.at in last_two}
    # An inventory that brought nothing says nothing of what it lists.
    gone = len(last_two) == 2 and (city, tier) not in listed
    return f"the inventory does not list {city} {tier} any more" if gone else None


def _third_party(about: About, rule: ThirdPartyRule, index: HistoryIndex) -> str | None:
    runs = _last_runs(index, rule.recover_slots)
    if runs is None or any(answer.party == about.subject for o in runs for answer in o.requests):
        return None
    return f"no run asks anything of {about.subject} any more"


def _vitals(about: About, rule: VitalsRule, index: HistoryIndex) -> str | None:
    page, _, vital = (about.subject or "").rpartition(" ")
    if vital not in rule.limits:
        return f"rule {about.rule} has no limit for {vital} any more"
    runs = _last_runs(index, _RUNS)
    if not page or runs is None or any(graded.page == page for o in runs for graded in o.vitals):
        return None
    return f"no run opens {page} any more"


def _last_runs(index: HistoryIndex, n: int) -> list[Outcome] | None:
    """Every run since the last `n` that passed, of each journey at each location; None where one has fewer, or none that is fresh:
    what was not looked at may be there still."""
    found: list[Outcome] = []
    for journey in index.journeys():
        for place in index.locations(journey):
            passed = 0
            for outcome in (o for o in index.latest_first(journey, place) if not o.late):
                found.append(outcome)
                if outcome.status is not Status.PASSED:
                    continue
                if passed == 0 and not index.fresh(outcome):
                    return None
                passed += 1
                if passed == n:
                    break
            if passed < n:
                return None
    return found or None


_BY_KIND: dict[type[Rule], Callable[[About, Any, HistoryIndex], str | None]] = {
    QuorumRule: _quorum,
    BurnRule: _burn,
    OneLocationRule: _one_location,
    SilentRule: _location,
    SkewRule: _location,
    SetAsideRule: _location,
    PurchasesRule: _location,
    OversoldRule: _inventory,
    LowStockRule: _low_stock,
    ThirdPartyRule: _third_party,
    VitalsRule: _vitals,
}
