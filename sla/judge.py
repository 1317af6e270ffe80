"""Judges every target: the register of rules, and what becomes of one that cannot be judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from facts import Verdict, Word
from sla.history import History
from sla.index import CLOCKS_APART, HistoryIndex
from sla.kinds import burn, purchases, quorum, speed, stock, watch
from sla.targets import Rule, Targets

Judging = Callable[[str, Any, HistoryIndex], list[Verdict]]

JUDGED_BY: Mapping[str, Judging] = {
    "F0": quorum.journey_fails,
    "A1s": quorum.journey_fails,
    "A2": stock.oversold,
    "A3s": quorum.server_errors,
    "F1": burn.runs_are_slow,
    "F2a": burn.budget_burns,
    "F2b": burn.budget_burns,
    "F2c": burn.budget_burns,
    "F3": quorum.one_location_fails,
    "H3": speed.third_parties,
    "H4": stock.low_stock,
    "D1": speed.speed,
    "D3": speed.speed,
    "D4": speed.speed,
    "G1": speed.page_vitals,
    "G2": speed.interactions,
    "BL": quorum.blocked,
    "P1": purchases.over_schedule,
    "W1": watch.silent,
    "W2": watch.coverage,
    "W3": watch.skew,
    "W4": watch.delivery,
    "W5": watch.set_aside,
}

# What these rest on has clocks of its own; all others rest on our runs.
_OF_THE_MONITOR = ("A2", "H4", "P1", "W1", "W3", "W4", "W5")


def judge(targets: Targets, history: History, now: datetime) -> list[Verdict]:
    """A verdict for each rule and each journey or subject it has, whatever it comes to. Pure.

    A rule that cannot be judged is an `error`, and the others are judged all the same.
    """
    index = HistoryIndex(history, now)
    return [verdict for name, rule in targets.rules().items() for verdict in _judged(name, rule, index)]


def _titled(verdict: Verdict, rule: Rule) -> Verdict:
    if verdict.title_past or not rule.title_past:
        return verdict
    return replace(verdict, title_past=verdict.title.replace(rule.title, rule.title_past))


def _judged(name: str, rule: Rule, index: HistoryIndex) -> list[Verdict]:
    if not rule.enabled:
        return [Verdict(rule=name, verdict=Word.OFF, title=rule.title, summary="switched off in sla.yaml")]
    try:
        return [_kept(_titled(verdict, rule), index) for verdict in JUDGED_BY[name](name, rule, index)]
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        summary = f"cannot be judged: {type(error).__name__}: {error}"
        return [Verdict(rule=name, verdict=Word.ERROR, title=rule.title, summary=summary, severity=rule.severity)]


def _kept(verdict: Verdict, index: HistoryIndex) -> Verdict:
    """The verdict; nothing recovers by data that is no longer fresh: a window that runs empty shows no failures either.

    A hub whose clock is so wrong that it takes no results judges nothing but that, and its own messages.
    """
    if index.history.hub_clock.holds_results and verdict.rule not in ("W3", "W4"):
        summary = "cannot be judged while the hub's clock is wrong"
        return replace(verdict, verdict=Word.NO_DATA, summary=summary, breached=False, clear=False)
    if not verdict.clear or verdict.rule in _OF_THE_MONITOR or _is_fresh(verdict, index):
        return verdict
    return replace(verdict, clear=False)


def _is_fresh(verdict: Verdict, index: HistoryIndex) -> bool:
    journeys = [verdict.journey] if verdict.journey is not None else index.journeys()
    newest = 1.5 * max((index.period(journey) for journey in journeys), default=timedelta())
    return verdict.data_at is not None and -CLOCKS_APART <= index.now - verdict.data_at <= newest
