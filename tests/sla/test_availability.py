"""What share was good: warning and critical against chance, met only where it is proven, and never without coverage."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import Outcome, Severity, Status, Verdict, VerdictStatus
from metrics.statistics import lasting_low
from tests.alerts.builders import Machine
from tests.sla.builders import GA, NOW, PLACES, a_failure, a_history, an_outcome, schedules
from tests.sla.metrics import a_series, the_verdict, with_series

WEB: dict[str, Any] = {
    "kind": "availability",
    "target": 0.999,
    "warning": 0.995,
    "critical": 0.99,
    "target_window": "24h",
}
PAYMENT = ["proceed_to_stripe", "complete_test_payment"]


def a_day(
    bad: int = 0, *, first_bad_minutes_ago: float = 180, every: int = 1, step: str = "choose_city"
) -> list[Outcome]:
    """The GA runs of a day at three locations, some of which failed one after another; with `every` 2 each second slot is missed."""
    runs = []
    for place, grid in schedules()[GA].grids.items():
        for number, slot in enumerate(grid.between(NOW - timedelta(hours=24, minutes=2), NOW - timedelta(minutes=1))):
            minutes = (NOW - slot).total_seconds() / 60 - 0.3
            status = Status.PASSED if number % every == 0 else Status.MISSED
            runs.append(an_outcome(minutes, location=place, slot=slot, status=status))
    runs.sort(key=lambda o: o.finished_at, reverse=True)
    late_enough = [o for o in runs if (NOW - o.finished_at).total_seconds() / 60 >= first_bad_minutes_ago]
    for old in late_enough[:bad]:
        minutes = (NOW - old.finished_at).total_seconds() / 60
        runs[runs.index(old)] = a_failure(minutes, location=old.location, slot=old.slot, step=step)
    return runs


def judged(runs: list[Outcome], **settings: Any) -> Verdict:
    only_ga = {GA: schedules()[GA]}
    return the_verdict(a_history(runs, schedules=only_ga), **{**WEB, **settings})


@pytest.mark.parametrize(
    ("bad", "word", "severity"),
    [
        (0, VerdictStatus.UNPROVEN, Severity.HIGH),
        (2, VerdictStatus.UNPROVEN, Severity.HIGH),
        (5, VerdictStatus.OFF_TARGET, Severity.HIGH),
        (14, VerdictStatus.WARNING, Severity.HIGH),
        (30, VerdictStatus.CRITICAL, Severity.CRITICAL),
    ],
)
def test_it_is_judged_against_chance_and_met_only_where_that_is_proven(
    bad: int, word: VerdictStatus, severity: Severity
) -> None:
    verdict = judged(a_day(bad))
    assert (verdict.verdict, verdict.severity) == (word, severity)
    assert verdict.breached is (word in (VerdictStatus.WARNING, VerdictStatus.CRITICAL))
    assert verdict.coverage is not None
    assert verdict.coverage > 0.97
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.value is not None
    assert verdict.low <= verdict.value <= verdict.high


def test_a_target_that_so_many_runs_can_prove_is_met() -> None:
    assert judged(a_day(), target=0.99, warning=0.95, critical=0.9).verdict is VerdictStatus.MET
    assert judged(a_day(20), target=0.99, warning=0.95, critical=0.9).verdict is VerdictStatus.OFF_TARGET


def test_a_scan_takes_as_many_bad_ones_as_it_says() -> None:
    assert not judged(a_day(14), warning_bad=15, critical_bad=30).breached
    assert judged(a_day(15), warning_bad=15, critical_bad=30).verdict is VerdictStatus.WARNING
    assert judged(a_day(30), warning_bad=15, critical_bad=31).verdict is VerdictStatus.WARNING


def test_without_coverage_nothing_is_proven_and_nobody_is_told() -> None:
    verdict = judged(a_day(30, every=2))
    assert (verdict.verdict, verdict.breached, verdict.clear) == (VerdictStatus.UNPROVEN, False, False)
    assert "only 5" in verdict.summary
    assert judged([]).verdict is VerdictStatus.NO_DATA


def test_it_is_well_again_above_the_warning_and_after_a_quiet_time() -> None:
    assert judged(a_day(2, first_bad_minutes_ago=130)).clear
    assert not judged(a_day(2, first_bad_minutes_ago=100)).clear
    assert not judged(a_day(14, first_bad_minutes_ago=130)).clear


def test_an_alert_ends_though_the_target_cannot_be_proven_in_a_day() -> None:
    machine = Machine()
    machine.tick(judged(a_day(14)))
    assert machine.alert("OWN").state == "firing"
    machine.tick(judged(a_day()))
    assert machine.alert("OWN").state == "resolved"


def test_only_failures_at_its_steps_are_bad_and_those_that_came_through_are_good() -> None:
    at_payment = a_day(20, step=PAYMENT[0])
    web, payment = judged(at_payment, not_steps=PAYMENT), judged(at_payment, steps=PAYMENT)
    assert (web.value, payment.breached) == (1.0, True)
    before = a_day(20)
    assert judged(before, not_steps=PAYMENT).breached
    # Who did not come to the payment says nothing of it: neither good nor bad, and there all the same.
    paid = judged(before, steps=PAYMENT)
    assert (paid.value, paid.n, judged(before).n) == (1.0, judged(before).n - 20, judged(before).n)
    assert paid.coverage == judged(before).coverage


def test_where_nothing_is_paid_it_is_off() -> None:
    unpaid = a_history(a_day(), pays=False)
    assert the_verdict(unpaid, **{**WEB, "steps": PAYMENT, "of_payment": True}).verdict is VerdictStatus.OFF


def test_runs_of_other_journeys_and_places_are_named() -> None:
    assert judged(a_day()).counted == tuple(sorted(PLACES))
    assert judged(a_day(), journeys=["other"]).verdict is VerdictStatus.NO_DATA


def a_check(bad: int) -> Any:
    """An endpoint's checks, each minute of a day."""
    samples = [(float(minutes), 0.0 if 200 <= minutes < 200 + bad else 1.0) for minutes in range(1439, 0, -1)]
    return with_series(a_series("endpoint_up", *samples, endpoint="inventory"))


@pytest.mark.parametrize(
    ("bad", "word"), [(5, VerdictStatus.OFF_TARGET), (14, VerdictStatus.WARNING), (40, VerdictStatus.CRITICAL)]
)
def test_samples_of_one_and_nought_are_judged_alike(bad: int, word: VerdictStatus) -> None:
    settings = {**WEB, "metric": "endpoint_up", "group_by": ["endpoint"]}
    verdict = the_verdict(a_check(bad), "OWN/inventory", **settings)
    assert (verdict.verdict, verdict.n) == (word, 1439)


def test_a_proof_holds_however_often_it_is_looked_at() -> None:
    """With a prior of 100 samples: 473 without failure prove 99 %, where an interval for one look takes 381."""
    assert lasting_low(472, 472, 0.99) < 0.99 <= lasting_low(473, 473, 0.99)
    assert lasting_low(0, 0, 0.99) == 0.0
