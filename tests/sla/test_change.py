"""A number beside what it was at this hour of the week, or beside a stated one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from facts import Verdict, VerdictStatus
from sla.calendar import Calendar
from tests.sla.builders import NOW, a_history
from tests.sla.metrics import a_series, own_rule, the_verdict, with_series

WEEK = 7 * 24 * 60
SOLD: dict[str, Any] = {"kind": "change", "metric": "sales", "window": "1h"}


def weekly(now: float, *before: float, metric: str = "sales") -> Any:
    """So many an hour now, and in the same hour of the weeks before, the last week first."""
    samples = [(n * WEEK + 30.0, value) for n, value in enumerate((now, *before))]
    return a_series(metric, *reversed(samples))


def judged(now: float, *before: float, **settings: Any) -> Verdict:
    return the_verdict(with_series(weekly(now, *before)), **{**SOLD, **settings})


@pytest.mark.parametrize(
    ("now", "breached", "clear"), [(81, False, False), (79, True, False), (86, False, True), (130, False, True)]
)
def test_a_drop_is_told_and_over_at_a_part_of_it(now: float, breached: bool, clear: bool) -> None:
    verdict = judged(now, 100, 90, 110, 100, drop=0.2)
    assert (verdict.breached, verdict.clear) == (breached, clear)


@pytest.mark.parametrize(("now", "breached"), [(299, False), (301, True), (10, False)])
def test_a_rise_is_told(now: float, breached: bool) -> None:
    assert judged(now, 100, 100, 100, 100, rise=2, min_n=5).breached is breached


def test_the_usual_is_the_median_so_that_one_odd_week_does_not_matter() -> None:
    assert not judged(95, 100, 100, 100, 1000, drop=0.2).breached


def test_too_few_weeks_or_too_few_sales_say_nothing() -> None:
    assert judged(50, 100, 100, drop=0.2).verdict is VerdictStatus.INSUFFICIENT
    assert judged(50, 100, 100, drop=0.2, min_weeks=2).breached
    assert judged(5, drop=0.2, usual=19).verdict is VerdictStatus.INSUFFICIENT
    # A week of too few is no week to compare with.
    assert judged(50, 100, 100, 1, drop=0.2).verdict is VerdictStatus.INSUFFICIENT


@pytest.mark.parametrize("now", [19, 1, 0])
def test_the_deepest_drop_is_told_though_little_is_left_to_count(now: float) -> None:
    assert judged(now, 100, 100, 100, drop=0.2).breached
    assert judged(now, drop=0.2, usual=24).breached


def test_a_stated_usual_needs_no_weeks() -> None:
    assert judged(79, drop=0.2, usual=100).breached
    assert not judged(81, drop=0.2, usual=100).breached


def test_a_number_per_another_is_compared() -> None:
    history = with_series(weekly(30, 50, 50, 50, 50), weekly(100, 100, 100, 100, 100, metric="sessions"))
    settings = {**SOLD, "per_metric": "sessions", "drop": 0.2, "min_n": 100}
    verdict = the_verdict(history, **settings)
    assert (verdict.value, verdict.n, verdict.breached) == (0.3, 100, True)
    assert the_verdict(history, **{**settings, "min_n": 101}).verdict is VerdictStatus.INSUFFICIENT


@pytest.mark.parametrize(("of", "value"), [("sum", 60), ("last", 50), ("mean", 30)])
def test_the_samples_of_a_window_are_added_the_last_one_or_their_mean(of: str, value: float) -> None:
    history = with_series(a_series("sales", (40, 10), (20, 50)))
    assert the_verdict(history, **SOLD, of=of, usual=100, drop=0.2, min_n=1).value == value


def test_the_sentence_has_value_usual_and_limit() -> None:
    verdict = judged(79, 100, 100, 100, 100, drop=0.2, rise=1)
    assert verdict.summary == "79 in 1 h, -21% of the usual 100 (the median of 4 weeks; limit -20 % and +100 %)"
    assert verdict.limit == 80
    assert the_verdict(a_history(), **SOLD, drop=0.2).verdict is VerdictStatus.OFF


@pytest.mark.parametrize(
    ("now", "before", "chance", "word"),
    [
        (20, (10, 10, 10, 10), "counts", VerdictStatus.UNPROVEN),
        (25, (10, 10, 10, 10), "counts", VerdictStatus.WARNING),
        (2, (10, 10, 10, 10), "counts", VerdictStatus.UNPROVEN),
        (0, (10, 10, 10, 10), "counts", VerdictStatus.WARNING),
        (20, (10, 10, 10, 10), "ignored", VerdictStatus.WARNING),
        # The weeks vary far more than counts do by themselves.
        (250, (60, 100, 140, 20), "counts", VerdictStatus.UNPROVEN),
        (250, (99, 100, 101, 100), "counts", VerdictStatus.WARNING),
        (70, (90, 110, 100, 100), "money", VerdictStatus.WARNING),
        (70, (80, 120, 100, 100), "money", VerdictStatus.UNPROVEN),
    ],
)
def test_a_change_that_chance_explains_is_unproven(
    now: float, before: tuple[float, ...], chance: str, word: VerdictStatus
) -> None:
    verdict = judged(now, *before, rise=0.5, drop=0.2, min_n=5, chance=chance)
    assert (verdict.verdict, verdict.breached) == (word, word is VerdictStatus.WARNING)
    assert verdict.summary.endswith("so far by chance") is (word is VerdictStatus.UNPROVEN)


def test_a_larger_change_is_more_urgent() -> None:
    settings: dict[str, Any] = {"drop": 0.2, "severity": "medium", "escalate": {"high": 0.4, "critical": 0.8}}
    told = [judged(now, 100, 100, 100, 100, **settings) for now in (70, 59, 19)]
    assert [one.severity for one in told] == ["medium", "high", "critical"]
    assert [one.verdict for one in told] == [VerdictStatus.WARNING, VerdictStatus.WARNING, VerdictStatus.CRITICAL]


def test_until_it_can_judge_it_says_from_which_day_on() -> None:
    day = (NOW + timedelta(weeks=1)).date().isoformat()
    assert judged(50, 100, 100, drop=0.2).summary.endswith(
        f"2 earlier weeks hold enough, 3 are needed; it can judge from {day} on"
    )


def test_holidays_are_in_no_baseline_and_are_compared_with_nothing() -> None:
    def on(*days: date, now: float = 79) -> Verdict:
        calendar = Calendar(holidays=dict.fromkeys(days, "a feast"))
        history = with_series(weekly(now, 10, 100, 100, 100), calendar=calendar)
        return the_verdict(history, **SOLD, drop=0.2)

    last_week = (NOW - timedelta(weeks=1)).date()
    assert on(last_week).limit == 80
    assert on(last_week).breached
    today = on(NOW.date())
    assert (today.verdict, today.breached) == (VerdictStatus.INSUFFICIENT, False)
    assert "it is a holiday (a feast), which is compared with no other week" in today.summary


def test_only_the_windows_that_are_compared_are_read() -> None:
    plan = own_rule(**SOLD, drop=0.2).load_plan({})
    assert plan.series["sales"] < timedelta(hours=2)
    assert plan.weekly["sales"][0] == 4
    assert own_rule(**SOLD, drop=0.2, usual=100).load_plan({}).weekly == {}


def test_a_quotient_of_two_sources_is_off_where_one_of_them_is_missing() -> None:
    history = with_series(weekly(30, 50, 50, 50, 50))
    assert the_verdict(history, **SOLD, per_metric="sessions", drop=0.2).verdict is VerdictStatus.OFF
