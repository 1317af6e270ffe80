"""`purchases`: a location buys more than its schedule does."""

from __future__ import annotations

from dataclasses import dataclass

from facts import Family, LedgerState, Traits, Verdict, VerdictStatus
from sla.durations import words
from sla.index import HistoryIndex
from sla.kind import Kind
from sla.settings import Rule, Silence
from sla.wording import plural

_WINDOW = "1h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases(Rule):
    """A location buys more than its schedule does; `silent` is how old the last word of its ledger may be."""

    silent: Silence = "15m"


def judge(name: str, rule: Purchases, index: HistoryIndex) -> list[Verdict]:
    """Return a verdict for each location: its purchases of the last hour and those that were refused, beside the schedule's number."""
    return [_place(name, rule, index, place) for place in index.all_locations()]


def _place(name: str, rule: Purchases, index: HistoryIndex, place: str) -> Verdict:
    state = index.history.ledgers.get(place)
    if state is None or state.scheduled is None:
        return _unjudged(
            name, rule, place, VerdictStatus.INSUFFICIENT, f"{place}: its ledger has told of no schedule yet"
        )
    age = (index.now - state.at).total_seconds()
    if age > rule.s("silent"):
        return _unjudged(name, rule, place, VerdictStatus.NO_DATA, f"{place}: no word of its ledger for {words(age)}")
    wanted = state.purchases + state.refused
    breached = wanted > state.scheduled
    return Verdict(
        rule=name,
        subject=place,
        verdict=VerdictStatus.WARNING if breached else VerdictStatus.MET,
        title=f"{rule.title}: {place}",
        summary=_sentence(place, state),
        severity=rule.severity,
        value=float(wanted),
        limit=float(state.scheduled),
        unit="purchases",
        n=state.purchases,
        window=_WINDOW,
        breached=breached,
        clear=not breached,
        counted=(place,),
        samples=(state.at.isoformat(timespec="seconds"),),
        samples_are_runs=False,
        data_at=state.at,
        runbook=rule.runbook,
    )


def _sentence(place: str, state: LedgerState) -> str:
    refused = f" and {state.refused} more refused" if state.refused else ""
    left = state.open + state.paid + state.unknown + state.ordered
    undone = f"; {plural(left, 'purchase')} not undone yet" if left else ""
    bought = f"{plural(state.purchases, 'purchase')} in the last hour{refused}"
    if state.untold:  # nobody knows that nothing was bought
        silent = f"{plural(state.untold, 'run')} of the last hour did not tell whether they bought"
        silent = silent.replace("they", "it") if state.untold == 1 else silent
        bought = f"{bought}, and {silent}" if state.purchases or state.refused else silent
    return f"{place}: {bought} (the schedule makes {state.scheduled}){undone}"


def _unjudged(name: str, rule: Purchases, place: str, word: VerdictStatus, summary: str) -> Verdict:
    title = f"{rule.title}: {place}"
    return Verdict(rule=name, subject=place, verdict=word, title=title, summary=summary, severity=rule.severity)


def needs(_rule: Purchases) -> tuple[()]:
    """Return what it looks at: nothing that is loaded for it; the last word of each ledger is always known."""
    return ()


def traits(_rule: Purchases, subject: str | None) -> Traits:
    """Return what its verdicts are about: what the monitor itself buys at one location."""
    return Traits(family=Family.MONITOR, location_bound=subject)


KIND = Kind(settings=Purchases, judge=judge, needs=needs, traits=traits)
