"""P1: a location buys more than its schedule does."""

from __future__ import annotations

from facts import LedgerState, Verdict, Word
from sla.durations import words
from sla.index import HistoryIndex
from sla.targets import PurchasesRule
from sla.wording import plural

_WINDOW = "1h"


def over_schedule(name: str, rule: PurchasesRule, index: HistoryIndex) -> list[Verdict]:
    """A verdict for each location: its purchases of the last hour and those that were refused, beside the schedule's number."""
    return [_place(name, rule, index, place) for place in index.all_locations()]


def _place(name: str, rule: PurchasesRule, index: HistoryIndex, place: str) -> Verdict:
    state = index.history.ledgers.get(place)
    if state is None or state.scheduled is None:
        return _unjudged(name, rule, place, Word.INSUFFICIENT, f"{place}: its ledger has told of no schedule yet")
    age = (index.now - state.at).total_seconds()
    if age > rule.s("silent"):
        return _unjudged(name, rule, place, Word.NO_DATA, f"{place}: no word of its ledger for {words(age)}")
    wanted = state.purchases + state.refused
    breached = wanted > state.scheduled
    return Verdict(
        rule=name,
        subject=place,
        verdict=Word.WARNING if breached else Word.MET,
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


def _unjudged(name: str, rule: PurchasesRule, place: str, word: Word, summary: str) -> Verdict:
    title = f"{rule.title}: {place}"
    return Verdict(rule=name, subject=place, verdict=word, title=title, summary=summary, severity=rule.severity)
