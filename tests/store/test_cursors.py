"""A source goes on where it was, and of two hubs that read it at once only one saves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from store import Store, cursors
from store.cursors import CursorState

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def advance(store: Store, state: CursorState) -> bool:
    with store.write() as connection:
        return cursors.advance(connection, state)


def get(store: Store, source: str = "stripe") -> CursorState:
    with store.read() as connection:
        return cursors.get(connection, source)


def test_a_source_that_was_never_read_has_no_cursor(store: Store) -> None:
    assert get(store) == CursorState(source="stripe")


def test_a_cursor_comes_back_as_it_was(store: Store) -> None:
    state = CursorState(source="stripe", cursor={"after": "evt_1", "page": [1, None]}, failures=2, next_try_at=NOW)
    assert advance(store, state)
    assert get(store) == replace(state, version=1)
    with store.read() as connection:
        assert cursors.states(connection) == {"stripe": replace(state, version=1)}


def test_a_reading_that_began_before_another_was_saved_is_refused(store: Store) -> None:
    before = get(store)
    assert advance(store, replace(before, cursor="mine"))
    assert not advance(store, replace(before, cursor="theirs"))
    assert get(store).cursor == "mine"
    assert advance(store, replace(get(store), cursor="next"))


def test_a_new_start_lets_a_source_be_asked_that_waited_for_other_settings_and_no_other(store: Store) -> None:
    advance(store, CursorState(source="stripe", failures=1, permanent=True, next_try_at=NOW))
    advance(store, CursorState(source="twilio", failures=1, next_try_at=NOW))
    with store.write() as connection:
        cursors.forget_permanent_failures(connection)
    assert get(store).next_try_at is None
    assert get(store, "twilio").next_try_at == NOW
