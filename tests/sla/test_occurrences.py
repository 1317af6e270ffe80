"""Something that is counted and happens too often within a short time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import Severity, Verdict, VerdictStatus
from metrics.events import CATEGORIES
from sla.index import HistoryIndex
from sla.scope import why_closed
from tests.sla.builders import NOW, a_history, the_rule
from tests.sla.metrics import a_series, own_rule, the_verdict, with_series

LOGINS: dict[str, Any] = {"kind": "occurrences", "metric": "logins", "at_least": 3, "group_by": []}


@pytest.mark.parametrize(("counts", "breached"), [([(1, 2)], False), ([(1, 3)], True), ([(0.5, 1), (1.5, 2)], True)])
def test_as_many_as_are_too_many_within_the_window_are_told(counts: list[Any], breached: bool) -> None:
    assert the_verdict(with_series(a_series("logins", *counts)), **LOGINS).breached is breached


def test_what_is_older_than_the_window_fires_nothing_and_a_minute_partly_in_it_counts() -> None:
    assert the_verdict(with_series(a_series("logins", (2.9, 3))), **LOGINS).breached
    assert not the_verdict(with_series(a_series("logins", (3.1, 3))), **LOGINS).breached


@pytest.mark.parametrize(("minutes", "clear"), [(15.9, False), (16.1, True)])
def test_it_is_well_again_only_after_none_for_the_quiet_time(minutes: float, clear: bool) -> None:
    verdict = the_verdict(with_series(a_series("logins", (minutes, 1))), **LOGINS)
    assert (verdict.breached, verdict.clear) == (False, clear)


def test_each_value_of_a_label_has_its_own_limit_and_severity() -> None:
    history = with_series(*(a_series("logins", (1, 2), city=city) for city in ("austin", "dallas", "houston")))
    settings = {
        **LOGINS,
        "by": "city",
        "group_by": ["city"],
        "at_least": {"austin": 2, "dallas": 3},
        "severities": {"austin": Severity.CRITICAL},
    }
    austin, dallas = (the_verdict(history, f"OWN/{city}", **settings) for city in ("austin", "dallas"))
    assert (austin.breached, austin.severity, austin.verdict) == (True, Severity.CRITICAL, VerdictStatus.CRITICAL)
    assert (dallas.breached, dallas.severity) == (False, Severity.HIGH)
    assert austin.summary == "austin: 2 in 2 min (limit 2)"
    with pytest.raises(Exception, match="houston"):
        the_verdict(history, "OWN/houston", **settings)


def test_it_is_off_without_its_source_and_met_while_nothing_happens() -> None:
    assert the_verdict(a_history(), **LOGINS).verdict is VerdictStatus.OFF
    nothing = the_verdict(with_series(metrics=["logins"]), **LOGINS)
    assert (nothing.verdict, nothing.breached, nothing.clear) == (VerdictStatus.MET, False, True)


def test_a_source_that_is_silent_is_told_instead() -> None:
    history = with_series(a_series("logins", (1, 9)), age=40)
    settings = {**LOGINS, "feed_silent": "10m"}
    assert the_verdict(history, **settings).verdict is VerdictStatus.NO_DATA
    assert the_verdict(history, "OWN/feed", **settings).breached


def test_an_alert_closes_where_nothing_was_counted_for_longer_than_is_looked_at() -> None:
    by_city = {**LOGINS, "group_by": ["city"]}
    history = with_series(a_series("logins", (1, 1), city="dallas"))
    index = HistoryIndex(history, NOW)

    def closed(subject: str) -> str | None:
        about = Verdict(rule="OWN", subject=subject, verdict=VerdictStatus.NO_DATA, summary="")
        return why_closed(about, own_rule(**by_city), index)

    assert closed("dallas") is None
    assert "none of austin came for" in (closed("austin") or "")
    about = Verdict(rule="OWN", subject="dallas", verdict=VerdictStatus.NO_DATA, summary="")
    assert why_closed(about, own_rule(**by_city), HistoryIndex(a_history(), NOW)) == "no source brings logins any more"


def test_the_shipped_rule_follows_the_guides_map_of_categories() -> None:
    rule = the_rule("L1")
    wanted = {"critical": Severity.CRITICAL, "high": Severity.HIGH, "warn": Severity.LOW}
    told = {category: wanted[severity] for category, severity in CATEGORIES.items() if severity != "info"}
    assert {category: rule.severities.get(category, rule.severity) for category in rule.at_least} == told
    assert {c for c, n in rule.at_least.items() if n == 1} == {"oversold_tickets", "notification_queue_full"}
    assert timedelta(seconds=rule.s("window")) == timedelta(minutes=2)
