"""Numbers, money and times as a reader says them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from facts import Blame, Status
from reports import words


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [
        (100_000, "usd", "$1,000.00"),
        (100_001, "USD", "$1,000.01"),
        (-500, "usd", "-$5.00"),
        (7, "usd", "$0.07"),
        (120_000, "eur", "1,200.00 EUR"),
        (1200, "jpy", "1,200 JPY"),
        (None, "usd", "an unknown amount"),
        (5000, None, "50.00"),
    ],
)
def test_money_is_said_from_minor_units(minor: int | None, currency: str | None, said: str) -> None:
    assert words.money(minor, currency) == said


@pytest.mark.parametrize(
    ("ms", "said"),
    [(None, "–"), (0.0, "0 ms"), (512.4, "512 ms"), (7504.0, "7.50 s"), (125_000.0, "2 min 05 s"), (float("nan"), "–")],
)
def test_a_duration_takes_the_unit_that_fits(ms: float | None, said: str) -> None:
    assert words.duration(ms) == said


def test_a_time_is_said_in_utc_wherever_it_was_taken() -> None:
    chicago = datetime(2026, 11, 23, 10, 20, tzinfo=timezone(timedelta(hours=-6)))
    assert words.utc(chicago) == words.utc(datetime(2026, 11, 23, 16, 20, tzinfo=UTC)) == "2026-11-23 16:20:00 UTC"


def test_every_status_and_every_blame_has_its_words() -> None:
    assert set(words.STATUSES) == set(words.TONES) == set(Status)
    assert set(words.BLAMES) == set(Blame)
