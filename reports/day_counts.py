"""Counts the results of each journey and day, for strips of days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from store.rollups import Rollup

_BAD = ("failed", "timed_out")


def day_counts(buckets: Iterable[Rollup]) -> dict[tuple[str, date], tuple[int, int]]:
    """Return how many results count and how many of them are bad, by journey and day (UTC); (0, 0) for a day without any."""
    found: dict[tuple[str, date], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for bucket in buckets:
        key = bucket.journey, bucket.start.date()
        bad = sum(bucket.counts.get(status, 0) for status in _BAD)
        n, bad_before = found[key]
        found[key] = n + bad + bucket.counts.get("passed", 0), bad_before + bad
    return found
