"""R1 and R2: the day's revenue beside its goal and its forecast, by the business's own days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from facts import FeedState, Series, Severity, Verdict, VerdictStatus, labels
from sla.calendar import Calendar
from sla.feasible import goals_apart
from sla.history import History
from sla.index import HistoryIndex
from sla.judge import judge
from sla.kinds.daily_goal import why_closed
from sla.targets import Targets
from tests.sla.builders import NOW, a_history, changed, the_targets
from tests.sla.metrics import with_series

METRIC = "stripe_charged_minor"
CHICAGO = Calendar(timezone="America/Chicago")
SIX = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
"""18:00 of Monday the 23rd in Chicago."""
MIDNIGHT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
MET, WARNING, NO_DATA = VerdictStatus.MET, VerdictStatus.WARNING, VerdictStatus.NO_DATA
INSUFFICIENT, UNPROVEN = VerdictStatus.INSUFFICIENT, VerdictStatus.UNPROVEN


def money(*came: tuple[datetime, float], currency: str = "usd") -> Series:
    """What came in when, in minor units."""
    return Series(metric=METRIC, labels=labels(currency=currency), points=tuple(sorted(came)))


def judged(
    rule: str, now: datetime, *series: Series, read_at: datetime | None = None, **facts: Any
) -> tuple[Verdict, History]:
    """The verdict of a rule at a moment, and what it was judged by."""
    feed = FeedState(source="shop", configured=True, last_good_at=read_at or now)
    facts = {"calendar": CHICAGO, "feeds": {"shop": feed}, "metrics": (METRIC,), **facts}
    history = with_series(*series, **facts)
    found = [one for one in judge(the_targets(), history, now) if one.rule == rule]
    assert len(found) == 1
    return found[0], history


@pytest.mark.parametrize(
    ("now", "came", "word"),
    [
        (SIX, [(MIDNIGHT, 39_999)], WARNING),
        (SIX, [(MIDNIGHT, 40_000)], MET),
        (SIX, [(MIDNIGHT - timedelta(seconds=1), 90_000)], WARNING),
        (SIX + timedelta(hours=3), [(MIDNIGHT, 39_999), (SIX + timedelta(hours=1), 90_000)], WARNING),
        (SIX - timedelta(seconds=1), [(MIDNIGHT, 0)], INSUFFICIENT),
    ],
)
def test_a_day_is_judged_at_six_in_the_evening_by_what_had_come_in_since_its_midnight(
    now: datetime, came: Sequence[tuple[datetime, float]], word: VerdictStatus
) -> None:
    verdict, _ = judged("R1", now, money(*came))
    assert (verdict.verdict, verdict.breached, verdict.subject) == (word, word is WARNING, "2026-11-23")
    assert verdict.severity is Severity.MEDIUM


def test_a_day_without_any_revenue_is_a_breach_and_no_gap() -> None:
    verdict, _ = judged("R1", SIX)
    assert (verdict.verdict, verdict.value) == (WARNING, 0.0)
    assert verdict.summary == "0.00 usd by 18:00, 0% of the goal of 500.00 usd (limit 80%)"


def test_other_currencies_are_named_and_never_added() -> None:
    verdict, _ = judged("R1", SIX, money((MIDNIGHT, 30_000)), money((MIDNIGHT, 90_000), currency="eur"))
    assert (verdict.breached, verdict.value) == (True, 30_000)
    assert verdict.summary.endswith("(limit 80%); 900.00 eur is not among it")


def test_a_source_that_was_not_read_since_six_judges_nothing() -> None:
    verdict, _ = judged("R1", SIX + timedelta(minutes=4), read_at=SIX - timedelta(seconds=1))
    assert (verdict.verdict, verdict.breached, verdict.clear) == (NO_DATA, False, False)
    assert "cannot judge: nothing was read since 18:00" in verdict.summary


@pytest.mark.parametrize(
    ("day", "begins", "hours"),
    [
        (date(2026, 3, 8), datetime(2026, 3, 8, 6, tzinfo=UTC), 17),
        (date(2026, 11, 1), datetime(2026, 11, 1, 5, tzinfo=UTC), 19),
        (date(2026, 11, 23), MIDNIGHT, 18),
    ],
)
def test_a_day_of_a_clock_change_is_judged_once_from_its_own_midnight(day: date, begins: datetime, hours: int) -> None:
    six = begins + timedelta(hours=hours)
    before = money((begins - timedelta(seconds=1), 90_000), (begins, 100))
    verdict, _ = judged("R1", six, before)
    assert (verdict.subject, verdict.value, verdict.breached) == (day.isoformat(), 100, True)
    early, _ = judged("R1", six - timedelta(seconds=1), before)
    assert early.verdict is INSUFFICIENT


def test_an_alert_of_a_day_ends_with_the_day() -> None:
    verdict, history = judged("R1", SIX, money((MIDNIGHT, 1)))
    rule = the_targets().rules()["R1"]
    assert why_closed(verdict, rule, HistoryIndex(history, SIX)) is None  # type: ignore[arg-type]
    tomorrow = HistoryIndex(history, SIX + timedelta(hours=6))
    assert why_closed(verdict, rule, tomorrow) == "2026-11-23 is over"  # type: ignore[arg-type]


NOON = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)


def weeks(came_in: float, *before: float, at: datetime = NOON - timedelta(hours=1), **facts: Any) -> Verdict:
    """The verdict of R2 on what came in today before noon, and at the same time of the weeks before, the last week first."""
    came = [(at - timedelta(weeks=n), value) for n, value in enumerate((came_in, *before)) if value]
    return judged("R2", facts.pop("now", NOON), money(*came), **facts)[0]


@pytest.mark.parametrize(
    ("now", "before", "word", "severity", "clear"),
    [
        (79_000, (100_000,) * 4, WARNING, Severity.MEDIUM, False),
        (80_000, (100_000,) * 4, MET, Severity.MEDIUM, False),
        (85_000, (100_000,) * 4, MET, Severity.MEDIUM, True),
        (59_000, (100_000,) * 4, WARNING, Severity.HIGH, False),
        (0, (100_000,) * 4, WARNING, Severity.HIGH, False),
        (79_000, (100_000, 101_000), WARNING, Severity.MEDIUM, False),
        # Weeks that differ so much explain it.
        (79_000, (100_000, 60_000, 140_000, 99_000), UNPROVEN, Severity.MEDIUM, False),
    ],
)
def test_a_day_that_lags_behind_the_same_weekday_of_the_weeks_before_is_told(
    now: float, before: Sequence[float], word: VerdictStatus, severity: Severity, clear: bool
) -> None:
    verdict = weeks(now, *before)
    assert (verdict.verdict, verdict.severity, verdict.clear) == (word, severity, clear)
    assert verdict.breached is (word is WARNING)


def test_until_two_weeks_are_known_the_target_is_the_forecast_by_the_time_of_day() -> None:
    verdict = weeks(1_900_000, 100_000)
    assert (verdict.verdict, verdict.limit) == (WARNING, 0.8 * 2_500_000)
    assert "the target by the time of day: too few weeks are known" in verdict.summary
    assert weeks(2_100_000, 100_000).verdict is MET


def test_before_noon_nothing_is_said_and_the_whole_day_is_judged_in_the_hour_after_it() -> None:
    assert weeks(0, *[100_000] * 4, now=NOON - timedelta(minutes=1)).verdict is INSUFFICIENT
    after = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
    evening = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    verdict = weeks(50_000, *[100_000] * 4, at=evening, now=after)
    assert (verdict.subject, verdict.verdict, verdict.window) == ("2026-11-23", WARNING, "the day until its end")
    # An hour later it is about the new day.
    assert weeks(50_000, *[100_000] * 4, at=evening, now=after + timedelta(hours=1)).subject == "2026-11-24"


def test_holidays_and_sale_windows_are_compared_with_nothing_and_are_in_no_forecast() -> None:
    holiday = Calendar(timezone="America/Chicago", holidays={date(2026, 11, 16): "Founders' Day"})
    kept = weeks(70_000, 10_000, *[100_000] * 3, calendar=holiday)
    assert (kept.verdict, kept.limit) == (WARNING, 80_000)
    today = Calendar(timezone="America/Chicago", holidays={date(2026, 11, 23): "Founders' Day"})
    verdict = weeks(0, *[100_000] * 4, calendar=today)
    assert verdict.verdict is INSUFFICIENT
    assert "it is a holiday (Founders' Day), which is compared with no other week" in verdict.summary
    sale = Calendar(timezone="America/Chicago", sale_windows=((MIDNIGHT, NOON),))
    assert weeks(0, *[100_000] * 4, calendar=sale).verdict is INSUFFICIENT


def test_a_forecast_that_was_not_read_lately_judges_nothing() -> None:
    came = [(NOON - timedelta(weeks=n, hours=1), 100_000.0) for n in range(1, 5)]
    verdict, _ = judged("R2", NOON + timedelta(minutes=3), money(*came), read_at=NOON - timedelta(minutes=1))
    assert (verdict.verdict, verdict.breached) == (NO_DATA, False)


@pytest.mark.parametrize("rule", ["R1", "R2"])
def test_without_the_source_they_are_off(rule: str) -> None:
    found = [one for one in judge(the_targets(), a_history(), NOW) if one.rule == rule]
    assert [one.verdict for one in found] == [VerdictStatus.OFF]


def test_two_revenues_of_a_day_that_differ_a_hundredfold_are_asked_about_until_they_are_confirmed() -> None:
    (note,) = goals_apart(the_targets(), {})
    assert "R1.goal_minor (500.00 usd) and R2.target_minor (50,000.00 usd)" in note
    assert "differ 100 times" in note
    quiet: tuple[Targets, ...] = (
        changed(R1={"confirmed": True}),
        changed(R1={"goal_minor": 4_000_000}),
        changed(R1={"currency": "eur"}),
        changed(R2={"enabled": False}),
    )
    assert [list(goals_apart(targets, {})) for targets in quiet] == [[]] * 4
    assert list(goals_apart(the_targets(), {METRIC: "STRIPE_SOURCE_KEY is not set"})) == []
