"""Events are kept once, and as long as their level says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facts import Event
from store import Store, events, retention

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def an_event(id_: str = "one", **facts: Any) -> Event:
    return Event(**{"id": id_, "at": NOW, "level": "error", "name": "oversold", **facts})


def save(store: Store, *some: Event, source: str = "site") -> int:
    with store.write() as connection:
        return events.save(connection, some, source=source)


def kept(store: Store, **which: Any) -> list[str]:
    with store.read() as connection:
        return [event.id for event in events.read(connection, since=NOW - timedelta(days=400), **which)]


def test_an_event_comes_back_as_it_was(store: Store) -> None:
    event = an_event(category="inventory", fields={"city": "dállas", "n": 2, "member": True, "price": None, "x": 0.5})
    assert save(store, event) == 1
    with store.read() as connection:
        assert events.read(connection, since=NOW) == [event]


def test_an_event_that_comes_twice_is_kept_once_as_it_first_was(store: Store) -> None:
    save(store, an_event(level="warn"))
    assert save(store, an_event(level="info"), an_event("two")) == 1
    with store.read() as connection:
        assert {e.id: e.level for e in events.read(connection, since=NOW)} == {"one": "warn", "two": "error"}


def test_the_same_id_of_two_sources_is_two_events(store: Store) -> None:
    assert save(store, an_event()) + save(store, an_event(), source="stripe") == 2
    assert kept(store, source="stripe") == ["one"]


def test_events_are_read_by_name_and_time_oldest_first_and_the_newest_of_too_many(store: Store) -> None:
    save(store, *(an_event(f"{n}", at=NOW + timedelta(minutes=n), name="a" if n % 2 else "b") for n in range(6)))
    assert kept(store, name="a") == ["1", "3", "5"]
    assert kept(store, until=NOW + timedelta(minutes=2)) == ["0", "1"]
    assert kept(store, limit=2) == ["4", "5"]


def test_many_at_once_are_saved(store: Store) -> None:
    assert save(store, *(an_event(f"{n:04}") for n in range(550))) == 550
    assert len(kept(store)) == 550


@pytest.mark.parametrize(("level", "days"), [("error", 90), ("warn", 30), ("info", 7), ("disaster", 90)])
def test_an_event_is_kept_as_long_as_the_guide_says_of_its_level(store: Store, level: str, days: int) -> None:
    for id_, age in (("old", days + 1), ("young", days - 1)):
        save(store, an_event(id_, level=level, at=NOW - timedelta(days=age)))
    assert retention.sweep(store, now=NOW).rows["events"] == 1
    assert kept(store) == ["young"]


def test_more_old_events_than_one_batch_holds_all_go(store: Store) -> None:
    save(store, *(an_event(f"{n}", at=NOW - timedelta(days=91)) for n in range(1100)), an_event("new"))
    assert retention.sweep(store, now=NOW).rows["events"] == 1100
    assert kept(store) == ["new"]
