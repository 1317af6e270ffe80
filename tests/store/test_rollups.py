"""Rollups are right whatever came late, and what is old enough goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import Blame, Run, Status
from store import Store, evidence, retention, rollups, runs
from store.histograms import histogram, merged, percentile
from tests.builders import A_MOMENT, a_run


def a_slot_run(minutes: float = 0, **facts: Any) -> Run:
    slot = A_MOMENT + timedelta(minutes=minutes)
    defaults = {"id": f"run-{minutes}", "slot": slot, "location": "us-east", "status": Status.PASSED, "blame": None}
    return a_run(**{**defaults, **facts})


def save(store: Store, *records: Run) -> None:
    with store.write() as connection:
        for run in records:
            runs.save(connection, run, received_at=A_MOMENT)


def counts(store: Store, width_s: int) -> list[dict[str, int]]:
    with store.read() as connection:
        found = rollups.read(connection, width_s=width_s, since=A_MOMENT - timedelta(days=2))
    return [{k: v for k, v in rollup.counts.items() if v} for rollup in found]


def test_each_width_counts_its_buckets(store: Store) -> None:
    save(store, a_slot_run(0), a_slot_run(4), a_slot_run(5))
    assert [c["passed"] for c in counts(store, 300)] == [2, 1]
    assert [c["passed"] for c in counts(store, 3600)] == [3]
    assert [c["passed"] for c in counts(store, 86_400)] == [3]


def test_a_late_result_and_a_persons_word_correct_the_past(store: Store) -> None:
    save(store, a_slot_run(0, id="m", status=Status.MISSED, attempts=()))
    assert counts(store, 300)[0]["missed"] == 1
    save(store, a_slot_run(0, status=Status.FAILED, blame=Blame.SITE))
    assert counts(store, 300)[0].get("missed") is None
    assert counts(store, 300)[0]["failed"] == 1


def test_an_ad_hoc_run_is_in_no_bucket(store: Store) -> None:
    save(store, a_slot_run(0, slot=None))
    assert counts(store, 300) == []


@pytest.mark.parametrize("p", [50, 95, 99])
def test_a_percentile_of_a_histogram_is_right_to_five_percent(p: int) -> None:
    values = [100.0 + 13 * n for n in range(200)]
    exact = sorted(values)[-(-len(values) * p // 100) - 1]
    found = percentile(merged([histogram(values[::2]), histogram(values[1::2])]), p)
    assert found == pytest.approx(exact, rel=0.05)


def test_no_values_have_no_percentile() -> None:
    assert percentile({}, 95) is None


def test_passed_runs_go_first_and_evidence_says_which_files(store: Store) -> None:
    save(store, a_slot_run(0, id="good"), a_slot_run(5, id="bad", status=Status.FAILED, blame=Blame.SITE))
    with store.write() as connection:
        evidence.save(connection, sha256="a" * 64, size=1, kind="screenshot", at=A_MOMENT)
    early = retention.sweep(store, now=A_MOMENT + timedelta(days=13))
    assert (early.rows["runs"], early.evidence) == (0, [])
    save(store, a_slot_run(36 * 1440, id="later", started_at=A_MOMENT + timedelta(days=36)))
    month = retention.sweep(store, now=A_MOMENT + timedelta(days=36))
    assert (month.rows["runs"], month.evidence) == (1, ["a" * 64])
    save(store, a_slot_run(91 * 1440, id="last", started_at=A_MOMENT + timedelta(days=91)))
    quarter = retention.sweep(store, now=A_MOMENT + timedelta(days=91))
    assert quarter.rows["runs"] == 2
    with store.read() as connection:
        assert runs.count(connection) == 1
        assert rollups.read(connection, width_s=86_400, since=A_MOMENT - timedelta(days=2))
