"""The history of verdicts: what is written when, and what is found again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from facts import Severity, Verdict, VerdictStatus
from store import Store, retention, verdicts
from store.verdicts import PastVerdict
from tests.builders import A_MOMENT

NOON = A_MOMENT.replace(hour=12, minute=0, second=0, microsecond=0)


def met(rule: str = "F0", journey: str | None = "ga_purchase", status: VerdictStatus = VerdictStatus.MET) -> Verdict:
    return Verdict(
        rule=rule, journey=journey, verdict=status, summary="3 of 3", value=0.995, limit=0.99, n=200, unit="share"
    )


def write(store: Store, at: datetime, *judged: Verdict) -> list[PastVerdict]:
    """Write what is due, as a cycle does that begins anew each time."""
    with store.write() as connection:
        rows = verdicts.due(judged, verdicts.newest(connection, since=NOON - timedelta(days=35)), at)
        verdicts.save(connection, rows)
    return rows


def read(
    store: Store, since: datetime, until: datetime, rule: str | None = None
) -> list[tuple[str, datetime, str | None]]:
    with store.read() as connection:
        return [
            (row.rule, row.at, row.verdict) for row in verdicts.history(connection, since=since, until=until, rule=rule)
        ]


def test_a_verdict_that_stays_is_written_once_an_hour(store: Store) -> None:
    moments = [NOON + timedelta(minutes=m) for m in (0, 10, 59, 60, 61, 125)]
    assert [len(write(store, at, met())) for at in moments] == [1, 0, 0, 1, 0, 1]


def test_a_change_is_written_at_once_with_its_numbers(store: Store) -> None:
    write(store, NOON, met())
    bad = Verdict(
        rule="F0",
        journey="ga_purchase",
        verdict=VerdictStatus.CRITICAL,
        summary="fails",
        severity=Severity.CRITICAL,
        value=0.5,
        low=0.25,
        high=0.75,
        n=8,
        coverage=0.9,
    )
    (row,) = write(store, NOON + timedelta(seconds=10), bad)
    assert (row.verdict, row.severity, row.value, row.low, row.high, row.n, row.coverage) == (
        VerdictStatus.CRITICAL,
        Severity.CRITICAL,
        0.5,
        0.25,
        0.75,
        8,
        0.9,
    )
    with store.read() as connection:
        assert verdicts.history(connection, since=NOON, until=NOON + timedelta(minutes=1))[-1] == row


def test_a_long_unit_and_a_huge_count_are_written_as_far_as_there_is_room(store: Store) -> None:
    huge = Verdict(rule="F0", verdict=VerdictStatus.MET, summary="", unit="queues of the warehouse " * 10, n=10**12)
    write(store, NOON, huge)
    with store.read() as connection:
        (row,) = verdicts.history(connection, since=NOON, until=NOON + timedelta(hours=1))
    assert (row.unit, row.n) == (huge.unit[:64], 2**31 - 1)


def test_a_target_that_is_not_judged_any_more_is_noted_once(store: Store) -> None:
    write(store, NOON, met(), met("F3"))
    assert [(row.rule, row.verdict) for row in write(store, NOON + timedelta(minutes=1), met())] == [("F3", None)]
    assert write(store, NOON + timedelta(minutes=2), met()) == []
    (back,) = write(store, NOON + timedelta(minutes=3), met(), met("F3"))
    assert (back.rule, back.verdict) == ("F3", VerdictStatus.MET)


def test_a_period_begins_with_what_held_then(store: Store) -> None:
    write(store, NOON, met(), met("F3", status=VerdictStatus.NO_DATA))
    write(
        store, NOON + timedelta(minutes=30), met(status=VerdictStatus.CRITICAL), met("F3", status=VerdictStatus.NO_DATA)
    )
    found = read(store, NOON + timedelta(minutes=20), NOON + timedelta(hours=2))
    assert found == [
        ("F0", NOON, "met"),
        ("F3", NOON, "no_data"),
        ("F0", NOON + timedelta(minutes=30), "critical"),
    ]
    assert [rule for rule, *_ in read(store, NOON, NOON + timedelta(hours=2), rule="F3")] == ["F3"]


def test_what_nobody_judged_for_hours_does_not_hold(store: Store) -> None:
    write(store, NOON, met())
    assert read(store, NOON + timedelta(hours=3), NOON + timedelta(hours=4)) == []


@pytest.mark.parametrize("months", [12, 14])
def test_the_history_is_kept_for_thirteen_months(store: Store, months: int) -> None:
    write(store, NOON - timedelta(days=30.5 * months), met())
    retention.sweep(store, now=NOON)
    assert len(read(store, NOON - timedelta(days=500), NOON)) == (1 if months == 12 else 0)
