"""Judges every rule, and says what becomes of one that cannot be judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from facts import NO_TRAITS, Traits, Verdict, VerdictStatus
from sla.history import History
from sla.index import CLOCKS_APART, HistoryIndex
from sla.kind import Kind
from sla.series import FEED
from sla.settings import Rule
from sla.targets import Targets, kind_of


def judge(targets: Targets, history: History, now: datetime) -> list[Verdict]:
    """Return a verdict for each rule and each journey or subject it has, whatever it comes to. Pure.

    A rule that cannot be judged is an `error`, and the others are judged all the same.
    """
    return judge_by(targets, HistoryIndex(history, now))


def judge_by(targets: Targets, index: HistoryIndex) -> list[Verdict]:
    """Return the same as `judge`, of a history that is indexed already."""
    return [verdict for name, rule in targets.rules().items() for verdict in _judged(name, rule, index)]


def _titled(verdict: Verdict, rule: Rule) -> str:
    if verdict.title_past or not rule.title_past:
        return verdict.title_past
    return verdict.title.replace(rule.title, rule.title_past)


def _judged(name: str, rule: Rule, index: HistoryIndex) -> list[Verdict]:
    kind = kind_of(rule)
    if not rule.enabled:
        found = [Verdict(rule=name, verdict=VerdictStatus.OFF, title=rule.title, summary="switched off in sla.yaml")]
    else:
        try:
            found = kind.judge(name, rule, index)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            summary = f"cannot be judged: {type(error).__name__}: {error}"
            found = [
                Verdict(
                    rule=name, verdict=VerdictStatus.ERROR, title=rule.title, summary=summary, severity=rule.severity
                )
            ]
    return [_completed(verdict, rule, kind, index) for verdict in found]


def _completed(verdict: Verdict, rule: Rule, kind: Kind, index: HistoryIndex) -> Verdict:
    """Return a verdict with its rule's traits, and without what cannot be known now."""
    traits = replace(kind.traits(rule, verdict.subject), kind=rule.kind)
    if verdict.verdict in (VerdictStatus.OFF, VerdictStatus.ERROR):
        return replace(verdict, traits=traits)
    if verdict.verdict is VerdictStatus.INSUFFICIENT and verdict.subject != FEED:
        why = kind.powerless(rule, index.history.a_day)
        verdict = replace(verdict, summary=f"{verdict.summary}; {why}") if why else verdict
    return replace(_kept(verdict, kind, traits, index), title_past=_titled(verdict, rule), traits=traits)


def _kept(verdict: Verdict, kind: Kind, traits: Traits, index: HistoryIndex) -> Verdict:
    """Return the verdict; nothing recovers by data that is no longer fresh: a window that runs empty shows no failures either.

    A hub whose clock is so wrong that it takes no results judges nothing but that, and its own messages.
    """
    if index.history.hub_clock.holds_results and not kind.without_clock:
        summary = "cannot be judged while the hub's clock is wrong"
        return replace(verdict, verdict=VerdictStatus.NO_DATA, summary=summary, breached=False, clear=False)
    if not verdict.clear or not traits.from_runs or _is_fresh(verdict, index):
        return verdict
    return replace(verdict, clear=False)


def _is_fresh(verdict: Verdict, index: HistoryIndex) -> bool:
    journeys = [verdict.journey] if verdict.journey is not None else index.journeys()
    newest = 1.5 * max((index.period(journey) for journey in journeys), default=timedelta())
    return verdict.data_at is not None and -CLOCKS_APART <= index.now - verdict.data_at <= newest


def with_traits(verdicts: list[Verdict], targets: Targets) -> list[Verdict]:
    """Return verdicts that an earlier version may have stored, each with the traits of the rule in force of that name."""
    return [
        verdict
        if verdict.traits is not None
        else replace(verdict, traits=targets.traits_of(verdict.rule, verdict.subject) or NO_TRAITS)
        for verdict in verdicts
    ]
