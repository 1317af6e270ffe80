"""Judges every target: the register of rules, and what becomes of one that cannot be judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from facts import Verdict, Word
from sla.counting import Book
from sla.history import History
from sla.rules import burn, purchases, quorum, speed, stock, watch
from sla.targets import Rule, Targets

Judging = Callable[[str, Any, Book], list[Verdict]]

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


def judge(targets: Targets, history: History, now: datetime) -> list[Verdict]:
    """A verdict for each rule and each journey or subject it has, whatever it comes to. Pure.

    A rule that cannot be judged is an `error`, and the others are judged all the same.
    """
    book = Book(history, now)
    return [verdict for name, rule in targets.rules().items() for verdict in _judged(name, rule, book)]


def _titled(verdict: Verdict, rule: Rule) -> Verdict:
    if verdict.title_past or not rule.title_past:
        return verdict
    return replace(verdict, title_past=verdict.title.replace(rule.title, rule.title_past))


def _judged(name: str, rule: Rule, book: Book) -> list[Verdict]:
    if not rule.enabled:
        return [Verdict(rule=name, verdict=Word.OFF, title=rule.title, summary="switched off in sla.yaml")]
    try:
        return [_titled(verdict, rule) for verdict in JUDGED_BY[name](name, rule, book)]
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        summary = f"cannot be judged: {type(error).__name__}: {error}"
        return [Verdict(rule=name, verdict=Word.ERROR, title=rule.title, summary=summary, severity=rule.severity)]
