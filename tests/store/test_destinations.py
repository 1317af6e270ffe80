"""A destination that refuses messages is known as such until it takes one, or has another address."""

from __future__ import annotations

from store import Store, destinations
from tests.builders import A_MOMENT


def test_a_restart_alone_forgets_no_refusal(store: Store) -> None:
    with store.write() as connection:
        destinations.forget_changed(connection, {"ops": "a", "pager": "b", "gone": "c"})
        for name in ("ops", "pager", "gone"):
            destinations.mark(connection, name, at=A_MOMENT, reason="answered 404")
    with store.write() as connection:
        destinations.forget_changed(connection, {"ops": "a", "pager": "another"})
    with store.read() as connection:
        assert destinations.marked(connection) == {"ops": "answered 404"}


def test_refusals_of_the_version_before_are_tried_anew(store: Store) -> None:
    with store.write() as connection:
        destinations.mark(connection, "ops", at=A_MOMENT, reason="answered 404")
        destinations.forget_changed(connection, {"ops": "a"})
    with store.read() as connection:
        assert destinations.marked(connection) == {}


def test_a_message_that_was_taken_ends_a_refusal(store: Store) -> None:
    with store.write() as connection:
        destinations.mark(connection, "ops", at=A_MOMENT, reason="answered 404")
        destinations.clear(connection, "ops")
    with store.read() as connection:
        assert destinations.marked(connection) == {}
