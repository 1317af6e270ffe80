"""A bad share: the window that holds enough, proof against chance, few events in a row, and the level it recovers at."""

from __future__ import annotations

from typing import Any

import pytest

from facts import Severity, Verdict, VerdictStatus
from tests.alerts.builders import Machine
from tests.sla.builders import NOW, a_history
from tests.sla.metrics import a_series, the_verdict, with_series

BAD, ALL = "payments_failed", "payments_total"


def counted(*samples: tuple[float, int, int], **facts: Any) -> Any:
    """Samples of how many minutes ago, how many bad ones, of how many."""
    bad = a_series(BAD, *((minutes, n_bad) for minutes, n_bad, _ in samples))
    return with_series(bad, a_series(ALL, *((minutes, n) for minutes, _, n in samples)), **facts)


def judged(*samples: tuple[float, int, int], **settings: Any) -> Verdict:
    wanted = {"kind": "rate", "bad_metric": BAD, "total_metric": ALL, "limit": 0.05, "recover": 0.03}
    return the_verdict(counted(*samples), **{**wanted, **settings})


@pytest.mark.parametrize(
    ("samples", "window", "n"),
    [
        ([(1, 0, 20)], "5 min", 20),
        ([(10, 0, 10), (1, 0, 19)], "15 min", 29),
        ([(50, 0, 10), (10, 0, 5), (1, 0, 6)], "1 h", 21),
        ([(70, 0, 100), (1, 0, 6)], "1 h", 6),
    ],
)
def test_the_window_widens_until_it_holds_enough(samples: Any, window: str, n: int) -> None:
    verdict = judged(*samples)
    assert (verdict.window, verdict.n) == (window, n)


@pytest.mark.parametrize(
    ("bad", "n", "word", "breached"),
    [
        (1, 20, VerdictStatus.MET, False),
        (2, 20, VerdictStatus.UNPROVEN, False),
        (4, 20, VerdictStatus.WARNING, True),
        (5, 100, VerdictStatus.MET, False),
        (6, 100, VerdictStatus.UNPROVEN, False),
        (11, 100, VerdictStatus.WARNING, True),
        (0, 19, VerdictStatus.INSUFFICIENT, False),
        (5, 19, VerdictStatus.INSUFFICIENT, False),
    ],
)
def test_a_share_over_the_limit_fires_only_where_chance_does_not_explain_it(
    bad: int, n: int, word: VerdictStatus, breached: bool
) -> None:
    verdict = judged((1, bad, n))
    assert (verdict.verdict, verdict.breached) == (word, breached)
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.low <= bad / n <= verdict.high


@pytest.mark.parametrize(
    ("samples", "breached"),
    [
        ([(50, 1, 1), (30, 1, 1), (1, 1, 1)], True),
        ([(50, 1, 1), (30, 1, 2), (1, 1, 1)], False),
        ([(61, 1, 1), (30, 1, 1), (1, 1, 1)], False),
        ([(1, 3, 3)], True),
        ([(1, 2, 2)], False),
    ],
)
def test_however_few_there_are_three_bad_ones_without_a_good_one_are_too_many(samples: Any, breached: bool) -> None:
    verdict = judged(*samples)
    assert (verdict.breached, verdict.for_s) == (breached, 0.0 if breached else 120.0)
    assert not judged(*samples, bad_in_a_row=None).breached


def test_it_is_well_again_at_its_own_level_and_not_at_the_limit() -> None:
    assert not judged((1, 4, 100)).clear
    assert judged((1, 3, 100)).clear
    assert not judged((1, 6, 100)).clear


def test_a_share_over_the_second_limit_is_critical() -> None:
    settings: dict[str, Any] = {"critical": 0.1, "severity": "high"}
    assert (judged((1, 30, 100), **settings).verdict, judged((1, 30, 100), **settings).severity) == (
        VerdictStatus.CRITICAL,
        Severity.CRITICAL,
    )
    assert judged((1, 10, 100), **settings).severity is Severity.HIGH
    assert judged((1, 2, 100), target=0.01).verdict is VerdictStatus.OFF_TARGET


def test_what_is_unproven_can_be_an_alert_of_another_severity() -> None:
    verdict = judged((1, 2, 20), severity="critical", unproven_severity="high")
    assert (verdict.verdict, verdict.breached, verdict.severity) == (VerdictStatus.UNPROVEN, True, Severity.HIGH)
    proven = judged((1, 15, 20), severity="critical", unproven_severity="high")
    assert (proven.verdict, proven.severity) == (VerdictStatus.CRITICAL, Severity.CRITICAL)


def test_the_others_may_be_counted_instead_of_all() -> None:
    verdict = judged((1, 10, 30), total_metric=None, good_metric=ALL)
    assert (verdict.n, verdict.value) == (40, 0.25)


def test_each_group_is_judged_by_itself() -> None:
    history = with_series(
        a_series(BAD, (1, 50), endpoint="/pay"),
        a_series(ALL, (1, 100), endpoint="/pay"),
        a_series(ALL, (1, 100), endpoint="/home"),
    )
    settings: dict[str, Any] = {"kind": "rate", "bad_metric": BAD, "total_metric": ALL, "limit": 0.05}
    assert the_verdict(history, "OWN//pay", **settings, group_by=["endpoint"]).breached
    assert not the_verdict(history, "OWN//home", **settings, group_by=["endpoint"]).breached
    assert the_verdict(history, "OWN", **settings).value == 0.25


def test_a_silent_source_is_no_data_and_a_missing_one_is_off() -> None:
    settings: dict[str, Any] = {
        "kind": "rate",
        "bad_metric": BAD,
        "total_metric": ALL,
        "limit": 0.05,
        "feed_silent": "10m",
    }
    silent = counted((30, 30, 30), age=30)
    assert the_verdict(silent, **settings).verdict is VerdictStatus.NO_DATA
    assert not the_verdict(silent, **settings).breached
    assert the_verdict(silent, "OWN/feed", **settings).breached
    assert the_verdict(a_history(), **settings).verdict is VerdictStatus.OFF


def test_an_alert_of_few_payments_ends_when_payments_come_through_and_not_by_silence() -> None:
    """Three refused payments fire; an hour without any is no recovery; two good ones are."""
    machine = Machine()

    def tick(*samples: tuple[float, int, int], times: int = 1) -> None:
        for _ in range(times):
            machine.tick(judged(*samples, recover_for="1m"))

    tick((3, 1, 1), (2, 1, 1), (1, 1, 1))
    assert machine.alert("OWN").state == "firing"
    tick((70, 3, 3), times=100)
    assert machine.alert("OWN").state == "firing"
    tick((70, 3, 3), (1, 0, 1), times=100)
    assert machine.alert("OWN").state == "firing"
    tick((70, 3, 3), (5, 0, 1), (1, 0, 1), times=8)
    assert machine.alert("OWN").state == "resolved"


def test_the_sentence_has_value_limit_n_and_window() -> None:
    assert judged((1, 30, 100)).summary == "30.0 % of 100 are bad in 5 min (limit 5 %)"
    assert judged((1, 2, 20)).summary == "10.0 % of 20 are bad in 5 min (limit 5 %); so few could be bad by chance"
    assert judged((1, 3, 3)).summary == "3 bad in a row and none good in 1 h (limit 3, however few there are)"
    assert judged((1, 0, 3)).summary == "0.0 % of 3 are bad in 1 h (limit 5 %); 20 are needed"
    assert judged((0, 0, 3)).data_at == NOW


def test_a_larger_share_is_more_urgent_and_the_limit_that_it_is_over_is_told() -> None:
    settings: dict[str, Any] = {"severity": "low", "escalate": {"medium": 0.1, "critical": 0.5}}
    told = [judged((1, bad, 1000), **settings) for bad in (90, 101, 501)]
    assert [(one.severity, one.limit) for one in told] == [("low", 0.05), ("medium", 0.1), ("critical", 0.5)]
    assert [one.verdict for one in told] == [VerdictStatus.WARNING, VerdictStatus.WARNING, VerdictStatus.CRITICAL]
    # Over the second limit by share, and not proven over the first: chance explains it.
    assert judged((1, 3, 21), **settings).verdict is VerdictStatus.UNPROVEN


@pytest.mark.parametrize(("every_s", "age", "silent"), [(0.0, 11, True), (300.0, 11, False), (300.0, 17, True)])
def test_a_source_may_miss_readings_before_it_is_silent(every_s: float, age: float, silent: bool) -> None:
    settings: dict[str, Any] = {"kind": "rate", "bad_metric": BAD, "total_metric": ALL, "limit": 0.05}
    history = counted((1, 0, 30), age=age, source_periods_s={"shop": every_s})
    verdict = the_verdict(history, "OWN/feed", **settings, feed_silent="10m")
    assert (verdict.breached, verdict.limit) == (silent, 960 if every_s else 600)


def test_a_share_of_two_sources_is_off_where_one_of_them_is_missing() -> None:
    settings: dict[str, Any] = {"kind": "rate", "bad_metric": BAD, "total_metric": "of_nobody", "limit": 0.05}
    assert the_verdict(counted((1, 5, 30)), **settings).verdict is VerdictStatus.OFF
