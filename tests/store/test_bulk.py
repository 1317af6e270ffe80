"""A long history that is saved at once comes to the same as samples that come one after the other, on each kind of database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from facts import labels
from store import Store, bulk, samples
from store.samples import WIDTHS_S
from tests.store.test_samples import HERE, NOW, at, buckets, points, save, told

OTHER = labels(city="oslo", tier="vip")
MINUTES = (-1500.0, -1441.5, -70.0, -61.0, -59.0, -4.0, 0.0, 1.0, 4.0, 5.0)


def save_at_once(store: Store, minutes: tuple[float, ...], *, metric: str = "left", since_min: float = -2000) -> int:
    moments = {(NOW + timedelta(minutes=one)).timestamp(): 10 + one / 4 for one in minutes}
    with store.write() as connection:
        since = NOW + timedelta(minutes=since_min)
        return bulk.save(connection, {(metric, HERE): moments, (metric, OTHER): moments}, short_since=since)


def counted(store: Store, width_s: int, metric: str = "left") -> list[str]:
    """Return the values of a metric's rollup buckets, without the name of the metric."""
    return sorted(repr(replace(one, metric="")) for one in buckets(store, width_s, metric))


def test_a_history_comes_to_the_same_as_its_samples_one_by_one(store: Store) -> None:
    assert save_at_once(store, MINUTES) == 2 * len(MINUTES)
    save(store, [at(one, 10 + one / 4, its, "single") for one in MINUTES for its in (HERE, OTHER)])
    assert points(store) == points(store, "single")
    for width_s in WIDTHS_S:
        assert counted(store, width_s) == counted(store, width_s, "single"), width_s


def test_a_history_that_goes_on_counts_the_bucket_that_both_parts_lie_in_anew(store: Store) -> None:
    save_at_once(store, MINUTES[:7])
    save_at_once(store, MINUTES[7:], since_min=0)
    save_at_once(store, MINUTES, metric="whole")
    for width_s in WIDTHS_S:
        assert counted(store, width_s) == counted(store, width_s, "whole"), width_s


def test_the_five_minutes_of_what_is_older_are_left_out(store: Store) -> None:
    save_at_once(store, MINUTES, since_min=-60)
    starts = {start for start, *_ in told(store, WIDTHS_S[0])}
    assert min(starts) >= NOW - timedelta(minutes=60)
    assert {start for start, *_ in told(store, WIDTHS_S[2])} == {
        NOW.replace(hour=0) - timedelta(days=days) for days in (0, 1)
    }


def test_buckets_of_durations_replace_those_that_are_there(store: Store) -> None:
    def tell(n: int, values: tuple[float, ...]) -> None:
        one = bulk.Durations("took", HERE, 3600, NOW.timestamp(), n, values)
        with store.write() as connection:
            bulk.save_durations(connection, [one])

    tell(4, (1.0, 2.0))
    tell(30, (1.0, 2.0, 6.0))
    (bucket,) = buckets(store, 3600, "took")
    assert (bucket.start, bucket.n, bucket.sum, bucket.min, bucket.max) == (NOW, 30, 90.0, 1.0, 6.0)


def test_nothing_is_saved_of_nothing(store: Store) -> None:
    with store.write() as connection:
        assert bulk.save(connection, {}, short_since=NOW) == 0
        bulk.save_durations(connection, [])
        assert samples.read(connection, "left", since=NOW - timedelta(days=1)) == []
