"""A reading is saved whole or not at all, and a source that fails is asked again later and later."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facts import Event, Sample, labels
from hub.collect import CollectResult, collect_once
from hub.loading import load_stocks
from sources import Collected, SourceError
from store import Store, cursors, events, feeds, samples
from tests.source_doubles import Bringing, ScriptedSource, a_source, some_samples

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SOLD = Event(id="evt_1", at=NOW, level="info", name="payment_successful", fields={"amount_minor": 100_000})


def collect(store: Store, source: ScriptedSource, after_s: float = 0.0, **how: Any) -> Any:
    return collect_once(store, source, NOW + timedelta(seconds=after_s), **{"jitter": lambda: 0.0, **how})


def state(store: Store) -> cursors.CursorState:
    with store.read() as connection:
        return cursors.get(connection, "inventory")


def counts(store: Store) -> tuple[int, int]:
    """How many samples and events there are."""
    since = NOW - timedelta(days=1)
    with store.read() as connection:
        found = samples.read(connection, "inventory_remaining_tickets", since=since)
        return sum(len(one.points) for one in found), len(events.read(connection, since=since))


def test_a_reading_saves_samples_events_cursor_and_feed(store: Store) -> None:
    reading = collect(store, a_source(Bringing(values=some_samples().values, events=[SOLD], cursor={"after": "evt_1"})))
    assert (reading.result, reading.samples, reading.events) == (CollectResult.COLLECTED, 2, 1)
    assert counts(store) == (1, 1)
    assert state(store).cursor == {"after": "evt_1"}
    with store.read() as connection:
        assert feeds.states(connection)["inventory"].last_good_at == NOW


def test_the_next_reading_goes_on_where_the_last_ended_also_after_a_failure(store: Store) -> None:
    source = a_source(some_samples(cursor="a"), SourceError("503"), some_samples(cursor="b"), some_samples())
    for minute in range(4):
        collect(store, source, 60 * minute)
    assert source.asked == [None, "a", "a", "b"]


def test_nothing_of_a_reading_is_kept_where_it_cannot_be_saved_whole(store: Store) -> None:
    unwritable = Event(id="x", at=NOW, level="info", name="n", fields={"bad": object()})  # type: ignore[dict-item]
    with pytest.raises(Exception, match="not JSON serializable"):
        collect(store, a_source(Bringing(values=some_samples().values, events=[unwritable], cursor="a")))
    assert counts(store) == (0, 0)
    assert state(store).cursor is None
    with store.read() as connection:
        assert feeds.states(connection) == {}


def test_events_that_come_again_count_once(store: Store) -> None:
    source = a_source(Bringing(events=[SOLD], cursor="a"), Bringing(events=[SOLD], cursor="a"))
    assert [collect(store, source, s).events for s in (0, 60)] == [1, 0]
    assert counts(store) == (0, 1)


def test_of_two_hubs_that_read_at_once_one_saves(store: Store) -> None:
    class Overtaken(ScriptedSource):
        def collect(self, cursor: Any, now: datetime) -> Collected:
            collect_once(store, a_source(some_samples(cursor="theirs")), now)
            return super().collect(cursor, now + timedelta(seconds=1))

    for answer, saved in ((some_samples(cursor="mine"), 1), (SourceError("500"), 2)):
        reading = collect(store, Overtaken([answer]), 60 * saved)
        assert reading.result is CollectResult.SUPERSEDED
        assert counts(store) == (saved, 0)
        assert state(store).cursor == "theirs"
        assert state(store).failures == 0


def test_a_source_that_fails_is_stored_as_failing_and_never_as_a_number(store: Store) -> None:
    reading = collect(store, a_source(SourceError("GET /api/inventory: 503")))
    assert (reading.result, reading.error) == (CollectResult.FAILED, "GET /api/inventory: 503")
    assert counts(store) == (0, 0)
    with store.read() as connection:
        assert feeds.states(connection)["inventory"].last_error == "GET /api/inventory: 503"


def when_asked(store: Store, error: SourceError, *, seconds: int, **how: Any) -> list[int]:
    """When a source is asked that is always answered so, by a hub that would ask each minute."""
    source, asked = a_source(*[error] * 1000), []
    for second in range(0, seconds, 60):
        if collect(store, source, second, **how).result is not CollectResult.WAITING:
            asked.append(second)
    return asked


def test_it_is_asked_later_and_later_up_to_five_periods(store: Store) -> None:
    assert when_asked(store, SourceError("503"), seconds=1200) == [0, 60, 180, 420, 720, 1020]


def test_chance_never_makes_a_wait_longer_nor_shorter_than_four_fifths(store: Store) -> None:
    for n, chance in enumerate((0.0, 0.999)):
        collect(store, a_source(SourceError("503")), 3600 * n, jitter=lambda chance=chance: chance)
        with store.write() as connection:
            wait = state(store).next_try_at
            assert wait is not None
            waited = (wait - NOW).total_seconds() - 3600 * n
            assert 48 <= waited <= 60
            connection.exec_driver_sql("UPDATE cursors SET failures = 0")


def test_what_only_other_settings_can_mend_is_asked_later_and_later_up_to_fifteen_periods(store: Store) -> None:
    asked = when_asked(store, SourceError("401", permanent=True), seconds=3000)
    assert asked == [0, 60, 180, 420, 900, 1800, 2700]


def test_a_site_that_refuses_for_a_minute_is_read_again_at_once(store: Store) -> None:
    source = a_source(SourceError("403", permanent=True), some_samples())
    assert [collect(store, source, s).result for s in (0, 60)] == ["failed", "collected"]


def test_a_wait_that_is_asked_for_is_kept_an_hour_at_most(store: Store) -> None:
    assert when_asked(store, SourceError("429", retry_after_s=200), seconds=900)[:3] == [0, 240, 480]
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM cursors")
    assert when_asked(store, SourceError("429", retry_after_s=86_400), seconds=7300) == [0, 3600, 7200]


def test_a_good_reading_ends_the_waiting(store: Store) -> None:
    source = a_source(SourceError("503"), SourceError("503"), some_samples(), SourceError("503"), some_samples())
    results = [collect(store, source, s).result for s in (0, 60, 180, 240, 300)]
    assert results == ["failed", "failed", "collected", "failed", "collected"]


def test_a_wait_that_a_clock_ahead_wrote_binds_nobody(store: Store) -> None:
    with store.write() as connection:
        ahead = NOW + timedelta(days=400)
        cursors.advance(connection, cursors.CursorState(source="inventory", failures=1, next_try_at=ahead))
    assert collect(store, a_source(some_samples())).result is CollectResult.COLLECTED


PLACE = {"city": "dallas", "tier": "ga"}


@pytest.mark.parametrize(
    ("brings", "says"),
    [
        (Bringing(values=[("nonsense", {}, 1)]), "no metric 'nonsense'"),
        (Bringing(values=[("tls_days_left", {"host": "x"}, 1)]), "comes from endpoints, not from inventory"),
        (Bringing(values=[("inventory_seats", {"city": "dallas"}, 1)]), "has the labels city, tier"),
        (Bringing(values=[("inventory_seats", {**PLACE, "more": "x"}, 1)]), "has the labels city, tier"),
        (Bringing(values=[("inventory_seats", {**PLACE, "tier": ""}, 1)]), "each with a value"),
        (Bringing(values=[("inventory_seats", PLACE, math.nan)]), "is nan"),
        (Bringing(values=[("inventory_seats", PLACE, math.inf)]), "is inf"),
        (Bringing(events=[Event(id="", at=NOW, level="info", name="n")]), "an event's id"),
        (Bringing(events=[Event(id="x" * 201, at=NOW, level="info", name="n")]), "1 to 200"),
        (Bringing(events=[Event(id="x", at=NOW, level="info", name="a\0b")]), "an event's name"),
        (Bringing(events=[Event(id="x", at=NOW, level="l" * 17, name="n")]), "an event's level"),
    ],
)
def test_what_the_catalogue_or_a_column_does_not_take_is_a_failed_reading(
    store: Store, brings: Bringing, says: str
) -> None:
    reading = collect(store, a_source(brings))
    assert reading.result is CollectResult.FAILED
    assert says in (reading.error or "")
    assert counts(store) == (0, 0)


def test_rules_and_pages_get_the_inventory_as_they_did(store: Store) -> None:
    collect(store, a_source(some_samples(-2)))
    with store.write() as connection:
        more = Sample(metric="inventory_remaining_tickets", at=NOW, value=4, labels=labels(city="austin", tier="vip"))
        samples.save(connection, [more], now=NOW)
        found = load_stocks(connection, since=NOW, until=NOW + timedelta(seconds=1))
    assert [(s.city, s.tier, s.remaining, s.total) for s in found] == [
        ("austin", "vip", 4, None),
        ("dallas", "ga", -2, 35),
    ]


def test_events_of_another_service_are_kept_and_not_counted_as_the_sites_own(store: Store) -> None:
    assert collect_once(store, a_source(Bringing(events=[SOLD])), NOW).events == 1
    with store.read() as connection:
        assert samples.read(connection, "app_succeeded_payments", since=NOW - timedelta(days=1)) == []
