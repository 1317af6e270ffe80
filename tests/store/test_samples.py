"""Samples are kept once, and their rollups say what they come to, also once the samples are gone."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facts import Labels, Sample, labels
from store import Store, retention, samples, sketches
from store.samples import OLDEST, WIDTHS_S

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
HERE = labels(city="dallas", tier="ga")


def at(minutes: float, value: float, its: Labels = HERE, metric: str = "left") -> Sample:
    return Sample(metric=metric, at=NOW + timedelta(minutes=minutes), value=value, labels=its)


def save(store: Store, some: Iterable[Sample], *, now: datetime = NOW + timedelta(hours=1)) -> int:
    with store.write() as connection:
        return samples.save(connection, some, now=now, sketched={"took"})


def points(store: Store, metric: str = "left") -> dict[Labels, list[float]]:
    with store.read() as connection:
        found = samples.read(connection, metric, since=NOW - timedelta(days=40))
    return {one.labels: [value for _, value in one.points] for one in found}


def buckets(store: Store, width_s: int, metric: str = "left") -> list[samples.SampleRollup]:
    with store.read() as connection:
        return samples.read_rollups(connection, metric, width_s=width_s, since=NOW - timedelta(days=400))


def told(store: Store, width_s: int) -> list[tuple[datetime, int, float, float, float, float]]:
    return [(b.start, b.n, b.sum, b.min, b.max, b.last) for b in buckets(store, width_s)]


def test_samples_come_back_oldest_first_by_series(store: Store) -> None:
    other = labels(city="Oslo — \"50%\" 'x'", tier="vip")
    save(store, [at(2, 3), at(1, 2.5), at(1, -1, other)])
    assert points(store) == {HERE: [2.5, 3], other: [-1]}


def test_buckets_of_all_series_come_oldest_first_within_their_bounds(store: Store) -> None:
    other = labels(city="oslo", tier="vip")
    save(store, [at(0, 1), at(1, 2), at(5, 4, other), at(5, 3), at(10, 9)])
    with store.read() as connection:
        since, until = NOW, NOW + timedelta(minutes=10)
        found = samples.read_buckets(connection, "left", width_s=300, since=since, until=until)
        chosen = samples.read_buckets(
            connection, "left", width_s=300, since=since, until=until, labels={"city": "oslo"}
        )
        nothing = samples.read_buckets(connection, "right", width_s=300, since=since, until=until)
    first = samples.Bucket(HERE, 300, NOW, 2, 3, 1, 2, 2)
    assert found[0] == first
    assert [(b.start, b.labels, b.sum) for b in sorted(found[1:], key=lambda b: b.sum)] == [
        (NOW + timedelta(minutes=5), HERE, 3),
        (NOW + timedelta(minutes=5), other, 4),
    ]
    assert [b.labels for b in chosen] == [other]
    assert nothing == []


def test_sums_are_those_of_the_buckets_that_would_be_read(store: Store) -> None:
    other = labels(city="oslo", tier="vip")
    save(store, [at(0, 1), at(1, 2), at(5, 4, other), at(6, -7, other), at(5, 3), at(10, 9), at(-1, 50)])
    with store.read() as connection:
        within: dict[str, Any] = {"width_s": 300, "since": NOW, "until": NOW + timedelta(minutes=10)}
        read = samples.read_buckets(connection, "left", **within)
        found = samples.read_sums(connection, "left", **within)
        starts = samples.bucket_starts(connection, ["left", "right"], **within)
        nothing = samples.read_sums(connection, "right", **within)
    expected = {
        its: (sum(b.n for b in read if b.labels == its), sum(b.sum for b in read if b.labels == its))
        for its in {b.labels for b in read}
    }
    assert {one.labels: (one.n, one.sum) for one in found} == expected
    assert len(found) == 2
    assert starts == {b.start for b in read}
    assert nothing == []


def test_stretches_are_the_buckets_between_two_moments_added_up(store: Store) -> None:
    other = labels(city="oslo", tier="vip")
    save(store, [at(0, 1), at(5, 2), at(9, 6), at(10, 4, other), at(20, 9), at(-1, 50), at(30, 70)])
    edges = [NOW + timedelta(minutes=minutes) for minutes in (0, 10, 15, 30)]
    with store.read() as connection:
        found = samples.read_stretches(connection, "left", width_s=300, edges=edges)
        chosen = samples.read_stretches(connection, "left", width_s=300, edges=edges, labels={"city": "oslo"})
    assert [(b.start, b.width_s, b.labels, b.n, b.sum, b.min, b.max) for b in found] == [
        (edges[0], 600, HERE, 3, 9, 1, 6),
        (edges[1], 300, other, 1, 4, 4, 4),
        (edges[2], 900, HERE, 1, 9, 9, 9),
    ]
    assert [b.labels for b in chosen] == [other]


def test_a_sample_that_is_saved_twice_counts_once(store: Store) -> None:
    assert save(store, [at(1, 4), at(1, 4)]) == 1
    save(store, [at(1, 4)])
    assert points(store) == {HERE: [4]}
    assert {(b.n, b.sum) for width in WIDTHS_S for b in buckets(store, width)} == {(1, 4)}


def test_a_sample_that_is_corrected_has_its_last_value_and_its_buckets_say_so(store: Store) -> None:
    save(store, [at(1, 4), at(2, 5)])
    save(store, [at(1, 9)])
    assert points(store) == {HERE: [9, 5]}
    assert {(b.n, b.sum, b.max, b.last) for width in WIDTHS_S for b in buckets(store, width)} == {(2, 14, 9, 5)}


def test_the_order_of_labels_makes_no_other_series(store: Store) -> None:
    save(store, [at(1, 4, (("city", "a"), ("tier", "b"))), at(2, 5, (("tier", "b"), ("city", "a")))])
    assert list(points(store).values()) == [[4, 5]]


def test_labels_choose_series(store: Store) -> None:
    save(store, [at(1, 1), at(1, 2, labels(city="dallas", tier="vip")), at(1, 3, labels(city="oslo", tier="ga"))])
    with store.read() as connection:
        found = samples.read(connection, "left", since=NOW, labels={"city": "dallas"})
        assert [one.label("tier") for one in found] == ["ga", "vip"]
        assert samples.read(connection, "left", since=NOW, labels={"town": "dallas"}) == []
        assert samples.read(connection, "other", since=NOW) == []


def test_a_window_has_its_beginning_and_not_its_end(store: Store) -> None:
    save(store, [at(0, 1), at(1, 2), at(2, 3)])
    with store.read() as connection:
        (found,) = samples.read(connection, "left", since=NOW, until=NOW + timedelta(minutes=2))
    assert [value for _, value in found.points] == [1, 2]


def test_buckets_of_5_minutes_an_hour_and_a_day_hold_count_sum_least_most_and_last(store: Store) -> None:
    save(store, [at(0, 5), at(4.9, 3), at(5, 10)])
    midnight = NOW.replace(hour=0)
    assert told(store, 300) == [(NOW, 2, 8, 3, 5, 3), (NOW + timedelta(minutes=5), 1, 10, 10, 10, 10)]
    assert told(store, 3600) == [(NOW, 3, 18, 3, 10, 10)]
    assert told(store, 86_400) == [(midnight, 3, 18, 3, 10, 10)]


def test_a_late_sample_is_put_into_its_old_buckets(store: Store) -> None:
    save(store, [at(0, 5), at(70, 6)])
    save(store, [at(1, 7)])
    assert told(store, 3600) == [(NOW, 2, 12, 5, 7, 7), (NOW + timedelta(hours=1), 1, 6, 6, 6, 6)]
    assert [(b[1], b[5]) for b in told(store, 86_400)] == [(3, 6)]


def test_only_touched_buckets_are_counted_anew(store: Store) -> None:
    save(store, [at(0, 5), at(30, 6)])
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM samples")
    save(store, [at(31, 8)])
    assert [(b[1], b[5]) for b in told(store, 300)] == [(1, 5), (1, 8)]


def test_durations_have_a_sketch_that_merges_and_others_have_none(store: Store) -> None:
    save(store, [at(i / 10, (i + 1) / 1000, metric="took") for i in range(1000)])
    save(store, [at(1, 5)])
    for width in WIDTHS_S:
        told_ = [b.sketch for b in buckets(store, width, "took")]
        p50, p95 = sketches.quantiles([one for one in told_ if one is not None], [0.5, 0.95])
        assert p50 == pytest.approx(0.5, rel=0.011)
        assert p95 == pytest.approx(0.95, rel=0.011)
        assert {b.sketch for b in buckets(store, width)} == {None}


def test_a_sample_too_old_for_its_bucket_to_be_counted_anew_is_not_taken(store: Store) -> None:
    now = NOW + OLDEST
    assert save(store, [at(0, 1), at(-1, 2)], now=now) == 1
    assert points(store) == {HERE: [1]}


def test_two_that_save_to_one_bucket_at_once_miss_none_of_each_other(store: Store) -> None:
    together, failed = threading.Barrier(2), list[BaseException]()

    def save_some(offset: int) -> None:
        try:
            for n in range(10):
                together.wait(30)
                save(store, [at((2 * n + offset) / 100, 1.0)])
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)
            together.abort()

    threads = [threading.Thread(target=save_some, args=(offset,)) for offset in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [{b.n for b in buckets(store, width)} for width in WIDTHS_S] == [{20}, {20}, {20}]


def test_many_series_at_once_are_saved(store: Store) -> None:
    many = [at(minute, minute, labels(endpoint=f"/{n}")) for n in range(450) for minute in (0, 6)]
    assert save(store, many) == 900
    assert len(points(store)) == 450
    assert len(buckets(store, 300)) == 900


def test_old_samples_go_and_their_rollups_stay_longer(store: Store) -> None:
    saved = NOW - timedelta(days=400)
    days = (399, 91, 89, 36, 34, 1)
    for day in days:
        moment = NOW - timedelta(days=day)
        save(store, [Sample(metric="left", at=moment, value=day, labels=HERE)], now=max(moment, saved))
    swept = retention.sweep(store, now=NOW)
    assert points(store) == {HERE: [34, 1]}
    assert [b.last for b in buckets(store, 300)] == [89, 36, 34, 1]
    assert [b.last for b in buckets(store, 3600)] == [91, 89, 36, 34, 1]
    assert [b.last for b in buckets(store, 86_400)] == [91, 89, 36, 34, 1]
    assert swept.rows["samples"] == 4


def test_more_old_samples_than_one_batch_holds_all_go(store: Store) -> None:
    old = NOW - timedelta(days=36)
    some = [Sample(metric="left", at=old + timedelta(seconds=n), value=n, labels=HERE) for n in range(1200)]
    save(store, [*some, at(0, 1)], now=old)
    assert retention.sweep(store, now=NOW + timedelta(hours=1)).rows["samples"] == 1200
    assert points(store) == {HERE: [1]}


def test_a_late_sample_beside_the_sweep_loses_nothing_of_its_bucket(store: Store) -> None:
    later = NOW + timedelta(days=34, minutes=-1)
    save(store, [at(0, 5), at(1, 6)])
    retention.sweep(store, now=later)
    assert save(store, [at(2, 7)], now=later) == 1
    assert told(store, 300) == [(NOW, 3, 18, 5, 7, 7)]


def test_durations_are_kept_as_sketches_alone_and_come_together_in_every_width(store: Store) -> None:
    its = labels(endpoint="/api/pay", method="POST")
    start = samples.bucket_start(NOW, WIDTHS_S[0])
    parts: list[dict[datetime, list[float]]] = [
        {start: [0.1] * 50},
        {start: [9.0], start - timedelta(minutes=5): [0.1] * 48},
        {start - timedelta(minutes=5): [9.0], start - OLDEST - timedelta(days=1): [77.0]},
    ]
    for part in parts:
        with store.write() as connection:
            samples.add_durations(connection, {("took", its, at): values for at, values in part.items()}, now=NOW)
    assert points(store, "took") == {}
    assert [(b.start, b.n, b.min, b.max) for b in buckets(store, WIDTHS_S[0], "took")] == [
        (start - timedelta(minutes=5), 49, 0.1, 9.0),
        (start, 51, 0.1, 9.0),
    ]
    (day,) = [one for one in buckets(store, WIDTHS_S[2], "took") if one.start > NOW - timedelta(days=2)]
    assert (day.n, day.labels) == (100, its)
    assert day.sketch is not None
    p50, p98, p99 = sketches.quantiles([day.sketch], [0.5, 0.97, 0.99])
    assert (round(p50, 2), round(p98, 2), round(p99)) == (0.1, 0.1, 9)


def test_the_newest_sample_of_each_series_is_found_however_old_it_is(store: Store) -> None:
    other = labels(city="miami", tier="ga")
    save(store, [at(-3 * 24 * 60, 5.0), at(-10, 4.0), at(-20 * 24 * 60, 1.0, other), at(0, 9.0, metric="right")])
    with store.read() as connection:
        found = samples.newest(connection, "left")
        assert samples.newest(connection, "nothing") == []
    assert [(one.labels, one.points) for one in found] == [
        (HERE, ((NOW - timedelta(minutes=10), 4.0),)),
        (other, ((NOW - timedelta(days=20), 1.0),)),
    ]
