"""Something that should come and has not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import Verdict, VerdictStatus
from sla.index import HistoryIndex
from sla.scope import why_closed
from tests.sla.builders import NOW, a_history
from tests.sla.metrics import a_series, own_rule, the_verdict, with_series

SALES: dict[str, Any] = {"kind": "absence", "metric": "sales", "silent": "30m"}


@pytest.mark.parametrize(("minutes", "breached"), [(29, False), (31, True)])
def test_what_has_not_come_for_too_long_is_told(minutes: float, breached: bool) -> None:
    verdict = the_verdict(with_series(a_series("sales", (minutes, 1))), **SALES)
    assert (verdict.breached, verdict.clear) == (breached, not breached)


def test_a_sample_of_nothing_is_nothing_that_came() -> None:
    counted = with_series(a_series("sales", (40, 2), (20, 0), (1, 0)))
    assert the_verdict(counted, **SALES).breached
    assert not the_verdict(counted, **SALES, more_than=-1).breached


def test_the_first_one_is_waited_for_from_when_the_hub_began_to_watch() -> None:
    def never(minutes: float) -> Verdict:
        return the_verdict(with_series(metrics=["sales"], watching_since=NOW - timedelta(minutes=minutes)), **SALES)

    assert (never(29).verdict, never(29).breached, never(31).breached) == (VerdictStatus.INSUFFICIENT, False, True)


def test_a_hub_that_was_down_tells_nothing_before_it_has_listened_as_long() -> None:
    history = with_series(a_series("sales", (40, 1)), watching_since=NOW - timedelta(minutes=5))
    verdict = the_verdict(history, **SALES)
    assert (verdict.breached, verdict.clear) == (False, False)


def test_each_subject_is_missed_by_itself_and_its_absence_closes_nothing() -> None:
    history = with_series(a_series("sales", (40, 1), city="dallas"), a_series("sales", (1, 1), city="austin"))
    by_city = {**SALES, "group_by": ["city"]}
    assert the_verdict(history, "OWN/dallas", **by_city).breached
    assert not the_verdict(history, "OWN/austin", **by_city).breached
    about = Verdict(rule="OWN", subject="houston", verdict=VerdictStatus.NO_DATA, summary="")
    assert why_closed(about, own_rule(**by_city), HistoryIndex(history, NOW)) is None
    assert why_closed(about, own_rule(**SALES), HistoryIndex(history, NOW)) is not None
    assert why_closed(about, own_rule(**by_city), HistoryIndex(a_history(), NOW)) == "no source brings sales any more"


def test_a_source_that_is_silent_itself_is_told_instead() -> None:
    history = with_series(a_series("sales", (40, 1)), age=40)
    settings = {**SALES, "feed_silent": "10m"}
    assert the_verdict(history, **settings).verdict is VerdictStatus.NO_DATA
    assert the_verdict(history, "OWN/feed", **settings).breached
    assert the_verdict(a_history(), **SALES).verdict is VerdictStatus.OFF


def test_a_subject_that_stays_away_for_longer_than_is_looked_at_keeps_firing_until_nothing_of_it_is_kept() -> None:
    """Ten minutes may pass, and twenty are loaded: a subject that came an hour ago is known by its last sample."""
    settings: dict[str, Any] = {"kind": "absence", "metric": "pings", "silent": "10m", "group_by": ["job"]}
    alive = a_series("pings", (1, 1), job="backup")
    last = {"pings": [alive, a_series("pings", (3 * 24 * 60, 1), job="mail")]}
    verdict = the_verdict(with_series(alive, last_samples=last), "OWN/mail", **settings)
    assert (verdict.breached, verdict.value) == (True, 3 * 86_400)
    assert not the_verdict(with_series(alive, last_samples=last), "OWN/backup", **settings).breached
    need = own_rule(**settings).load_plan({}).newest
    assert need == {"pings"}
    assert not own_rule(**{**settings, "group_by": []}).load_plan({}).newest
    gone = with_series(alive, last_samples={"pings": [alive]})
    why = "nothing of mail is kept any more: none came for 35 days"
    assert why_closed(verdict, own_rule(**settings), HistoryIndex(gone, NOW)) == why
