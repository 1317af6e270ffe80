"""The page of a target: what is left of its error budget, at which pace, and until when."""

from __future__ import annotations

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from facts import Verdict, VerdictStatus
from reports.live.frame import Frame, a_frame
from reports.live.target import Budget, Cause, TargetData, history_csv, page_of, target_page
from reports.ranges import TimeRange
from store.verdicts import PastVerdict
from tests.builders import A_MOMENT
from tests.reports.test_hostile import EVIL

TODAY = A_MOMENT.date()


def a_budget(*bad: int, n: int = 864, **facts: object) -> Budget:
    """The last days with so many bad runs, the last of them today; 30 days of which the earlier ones were good."""
    days: dict[date, tuple[int, int]] = {TODAY - timedelta(days=back): (n, 0) for back in range(29, -1, -1)}
    for back, number in enumerate(reversed(bad)):
        days[TODAY - timedelta(days=back)] = (n, number)
    usual = {"target": 0.99, "days": days, "minutes_per_bad": 5 / 3, "total_minutes": 432.0}
    return Budget(**{**usual, **facts})  # type: ignore[arg-type]


def a_target(**facts: object) -> TargetData:
    usual = {
        "rule": "F2a",
        "title": "GA purchase: success rate falls fast",
        "kind": "burn",
        "guide": "99%",
        "judged": "The error budget burns.",
        "is_on": True,
        "severity": "critical",
        "now": A_MOMENT,
        "zone": ZoneInfo("UTC"),
        "reader": ZoneInfo("UTC"),
        "shown": TimeRange(key="30d", since=A_MOMENT - timedelta(days=30), until=A_MOMENT),
    }
    return TargetData(**{**usual, **facts})  # type: ignore[arg-type]


def frame() -> Frame:
    return a_frame("Target", here="/sla", now=A_MOMENT, evaluated_at=A_MOMENT, links=())


@pytest.mark.parametrize(
    ("budget", "left", "days"),
    [
        (a_budget(), 1.0, None),
        (a_budget(26), 1 - 26 * 5 / 3 / 432, (432 - 26 * 5 / 3) / (26 * 5 / 3 / 14)),
        # What was spent more than 14 days ago is gone, and says nothing of the pace.
        (a_budget(26, *[0] * 20), 1 - 26 * 5 / 3 / 432, None),
        (a_budget(300), 1 - 300 * 5 / 3 / 432, None),
    ],
    ids=["nothing spent", "spent today", "spent long ago", "overspent"],
)
def test_the_budget_is_what_the_target_allows_less_what_was_bad(
    budget: Budget, left: float, days: float | None
) -> None:
    assert budget.left == pytest.approx(left)
    ends = budget.exhausted_at(A_MOMENT)
    assert ends == (None if days is None else A_MOMENT + timedelta(days=days))


@pytest.mark.parametrize(
    ("budget", "outlook", "state"),
    [
        (a_budget(), "", "ok"),
        (a_budget(*[15] * 14), "Budget runs out 26 Nov", "warning"),
        (a_budget(300), "Budget used up", "critical"),
    ],
)
def test_the_page_says_when_the_budget_runs_out(budget: Budget, outlook: str, state: str) -> None:
    page = page_of(frame(), a_target(budget=budget))
    assert (page.outlook, page.budget_state) == (outlook, state)
    assert "%" in page.budget_value
    assert page.budget_chart is not None
    assert len(page.budget_chart.table.rows) == 30


def test_what_spent_the_budget_is_listed_with_what_is_left() -> None:
    causes = (
        Cause(incident="inc-1", title="payment failed", bad=26, at=A_MOMENT),
        Cause(incident=None, title="Single", bad=4),
    )
    page = page_of(frame(), a_target(budget=a_budget(30, causes=causes)))
    assert [(row.title, row.bad, row.minutes) for row in page.causes] == [
        ("payment failed", "26", "43"),
        ("Single", "4", "7"),
        ("Left", "229", "382"),
    ]


def test_a_target_without_a_budget_shows_its_value_and_shades_what_was_missed() -> None:
    rows = [
        PastVerdict(
            key="A3b",
            rule="A3b",
            journey=None,
            subject=None,
            at=A_MOMENT - timedelta(hours=back),
            verdict=VerdictStatus.CRITICAL if back in (5, 4) else VerdictStatus.MET,
            value=0.01 * back,
            limit=0.05,
            unit="ratio",
        )
        for back in range(10, 0, -1)
    ]
    verdict = Verdict(
        rule="A3b", verdict=VerdictStatus.MET, summary="1 %", value=0.01, limit=0.05, unit="ratio", title="Errors"
    )
    page = page_of(frame(), a_target(rule="A3b", verdict=verdict, verdicts=(verdict,), history=rows))
    assert page.heading == "Errors: 1 %; the limit is 5 %. Met."
    assert page.chart is not None
    assert page.chart.svg.count('class="miss"') == 1
    assert page.chart_note == ("shaded: while the target was missed", "met in 8 of 10 hourly verdicts")
    assert history_csv(rows).splitlines()[0].startswith("at,key,verdict")
    assert len(history_csv(rows).splitlines()) == 11


@pytest.mark.parametrize("status", list(VerdictStatus))
def test_every_verdict_has_a_page_empty_and_with_hostile_text(status: VerdictStatus) -> None:
    evil = EVIL.replace("\x00", "").replace("\ud800", "")
    verdict = Verdict(
        rule="X", verdict=status, summary=evil, title=evil, subject="s", counted=(evil,), left_out=(evil,)
    )
    html = target_page(
        frame(), a_target(rule="X", title=evil, guide=evil, verdict=verdict, verdicts=(verdict, verdict))
    )
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert target_page(frame(), a_target(is_on=status is not VerdictStatus.OFF))


def test_no_axis_of_shares_goes_beyond_all() -> None:
    for days in ({}, {TODAY: (10, 0)}, {TODAY: (10, 3)}):
        page = page_of(frame(), a_target(budget=a_budget(days=days)))
        assert page.chart is not None
        shown = [float(share) for share in re.findall(r">([\d.]+) %<", str(page.chart.svg))]
        assert max(shown) == 100
