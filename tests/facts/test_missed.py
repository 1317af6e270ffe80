"""Each sentence of a missed slot has its word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from facts import REASONS, Grid, missed_word
from runner.slots.due import DOWN, OVERLAP, STOPPED, due

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        (DOWN, "down"),
        (OVERLAP, "overlap"),
        (STOPPED, "stopped"),
        ("all places of this runner were taken; it could have started 70 s late only", "full"),
        ("no word of this slot came within 24 h", "silent"),
        ("something new", "other"),
        (None, "other"),
    ],
)
def test_a_sentence_has_a_word(sentence: str | None, word: str) -> None:
    assert missed_word(sentence) == word
    assert word in REASONS


def test_what_a_look_at_the_grid_says_of_a_late_start_is_late() -> None:
    grid, began = Grid(period_s=300), NOON - timedelta(hours=1)
    found = due(
        grid,
        handled=NOON - timedelta(seconds=300),
        now=NOON + timedelta(seconds=100),
        under_way_since=None,
        began_at=began,
        late_s=60,
    )
    assert [missed_word(missed.reason) for missed in found.missed] == ["late"]
