"""What `/metrics` tells of the error budget is what `sixfb sla` says of the same runs, whatever became of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from facts import Blame, Run, Status, WatchState
from hub.loading import load_history
from sla.judge import judge
from store import runs
from tests.builders import an_attempt
from tests.hub.conftest import Bench
from tests.hub.test_metrics import of, scraped

GA = "ga_purchase"
FAILED, TIMED_OUT, ERRORED = Status.FAILED, Status.TIMED_OUT, Status.ERRORED


def a_result(
    bench: Bench, minutes_ago: float, status: Status, blame: Blame | None = None, place: str = "us-east"
) -> Run:
    attempts = () if status in (Status.MISSED, Status.SKIPPED) else (an_attempt(status=status, blame=blame),)
    name = f"{place}-{minutes_ago}"
    return bench.slot_run(place, minutes_ago=minutes_ago, id=name, status=status, blame=blame, attempts=attempts)


def of_every_kind(bench: Bench) -> list[Run]:
    """Runs of two days: three that are the shop's fault at once, one that was so at first, and some of each other kind."""
    flaky = a_result(bench, 150, Status.PASSED)
    failed_at_first = (an_attempt(status=FAILED, blame=Blame.SITE), an_attempt())
    return [
        *(a_result(bench, 300 + 10 * n, Status.PASSED) for n in range(200)),
        a_result(bench, 10, FAILED, Blame.SITE),
        a_result(bench, 20, TIMED_OUT, Blame.THIRD_PARTY),
        a_result(bench, 30, FAILED, Blame.JOURNEY),
        replace(flaky, flaky=True, attempts=failed_at_first),
        *(a_result(bench, 40 + n, ERRORED, Blame.RUNNER) for n in range(3)),
        *(a_result(bench, 50 + n, Status.BLOCKED) for n in range(3)),
        *(a_result(bench, 60 + n, Status.MISSED) for n in range(3)),
        *(a_result(bench, 70 + n, Status.SKIPPED) for n in range(3)),
        a_result(bench, 100, FAILED, Blame.NETWORK),
        a_result(bench, 250, FAILED, Blame.NETWORK),
        a_result(bench, 251, FAILED, Blame.NETWORK, "us-west"),
    ]


def keep(bench: Bench, *records: Run) -> None:
    with bench.store.write() as connection:
        for run in records:
            runs.save(connection, run, received_at=bench.now)


def told(bench: Bench, journey: str = GA) -> float | None:
    """The metric."""
    return of(scraped(bench), "sixfb_error_budget_remaining_ratio", target=journey)


def judged(bench: Bench, journey: str = GA) -> float:
    """The same by the verdict of F2c, which looks three days back: how many failed beside how many might have."""
    watched, targets = bench.context.watched, bench.context.targets
    with bench.store.read() as connection:
        watch = WatchState(tick_at=bench.now, since=bench.now)
        history = load_history(connection, watched=watched, targets=targets, now=bench.now, watch=watch)
    (verdict,) = (v for v in judge(targets, history, bench.now) if (v.rule, v.journey) == ("F2c", journey))
    assert verdict.value is not None
    assert verdict.limit is not None
    return 1 - (1 - verdict.value) / (1 - verdict.limit)


def test_the_metric_is_what_the_verdict_says(bench: Bench) -> None:
    keep(bench, *of_every_kind(bench))
    assert told(bench) == pytest.approx(judged(bench))
    assert told(bench) == pytest.approx(1 - 6 / 206 / 0.01), "four of the shop's and two of a network at two locations"


def test_our_own_faults_spend_nothing(bench: Bench) -> None:
    good = [a_result(bench, 300 + 10 * n, Status.PASSED) for n in range(20)]
    ours = [ERRORED, Status.BLOCKED, Status.MISSED, Status.SKIPPED]
    keep(bench, *good, *(a_result(bench, 10 + n, status) for n, status in enumerate(ours)))
    keep(bench, a_result(bench, 30, FAILED, Blame.RUNNER), a_result(bench, 100, FAILED, Blame.NETWORK))
    assert (told(bench), judged(bench)) == (1, 1)


@pytest.mark.parametrize(
    ("was", "of", "is_now"), [(FAILED, Blame.SITE, Blame.RUNNER), (ERRORED, Blame.RUNNER, Blame.SITE)]
)
def test_a_persons_word_changes_both(bench: Bench, was: Status, of: Blame, is_now: Blame) -> None:
    keep(bench, *of_every_kind(bench), a_result(bench, 200, was, of))
    before = told(bench)
    with bench.store.write() as connection:
        runs.reclassify(connection, "us-east-200", blame=is_now, by="ann", reason="seen", at=bench.now)
    assert told(bench) == pytest.approx(judged(bench))
    assert told(bench) != pytest.approx(before)


def test_what_is_off_the_plan_spends_nothing(bench: Bench) -> None:
    keep(bench, *of_every_kind(bench))
    before = told(bench)
    keep(bench, *(a_result(bench, 10 + n, FAILED, Blame.SITE, "gone") for n in range(9)))
    keep(bench, *(a_result(bench, 30 + n, Status.PASSED, place="gone") for n in range(9)))
    assert told(bench) == before == pytest.approx(judged(bench))


def test_it_looks_thirty_days_back_and_no_further(bench: Bench) -> None:
    day = timedelta(days=1) / timedelta(minutes=1)
    keep(bench, *(a_result(bench, 300 + 10 * n, Status.PASSED) for n in range(99)))
    keep(bench, a_result(bench, 31 * day, FAILED, Blame.SITE))
    assert told(bench) == 1
    keep(bench, a_result(bench, 28 * day, FAILED, Blame.SITE))
    assert told(bench) == pytest.approx(0)


def test_nothing_is_told_of_a_journey_that_nobody_knows_anything_of(bench: Bench) -> None:
    keep(bench, a_result(bench, 10, ERRORED, Blame.RUNNER))
    assert told(bench) is None


def test_the_runs_that_passed_are_not_read_one_by_one(light: Bench) -> None:
    keep(light, *of_every_kind(light))
    asked: list[tuple[str, Any]] = []
    with light.store.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append((told[2], told[3])))
        found = runs.failed_at_first(connection, since=datetime(2020, 1, 1, tzinfo=UTC))
        assert (sum(one.n for one in found), len(found)) == (13, 9), (
            "three that erred are alike, and three that were blocked"
        )
        statement, values = asked[0]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert "ix_runs_stumbled" in str(plan)
