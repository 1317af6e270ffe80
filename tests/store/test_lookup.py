"""Rows are read by their keys alike on both databases, though each is asked in its own way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from store import Store
from store.lookup import lookup
from store.tables import meta, rollups
from store.upsert import upsert
from tests.builders import A_MOMENT

LATER = A_MOMENT + timedelta(microseconds=1)


def a_rollup(location: str, n: int, *, start: Any = A_MOMENT, width_s: int = 300) -> dict[str, Any]:
    key = {"width_s": width_s, "start": start, "journey": "ga", "location": location}
    return key | {"counts": {"n": n}, "histograms": {"of": [n, None, 1.5]}}


def test_each_key_gets_its_own_row_and_no_other(store: Store) -> None:
    odd = 'O\'Neill "50%" %s \u2014 \\ [1], {"x": 1}'
    kept = [a_rollup(odd, 1), a_rollup("us", 2), a_rollup("us", 3, start=LATER), a_rollup("us", 4, width_s=3600)]
    asked = [(300, A_MOMENT, "ga", odd), (300, LATER, "ga", "us"), (3600, LATER, "ga", "us"), (300, LATER, "ga", odd)]
    with store.write() as connection:
        upsert(connection, rollups, kept)
        found = lookup(connection, rollups, ("histograms", "counts"), asked)
        alone = lookup(connection, rollups, ("counts",), asked[:1])
    assert found == {
        asked[0]: {"counts": {"n": 1}, "histograms": {"of": [1, None, 1.5]}},
        asked[1]: {"counts": {"n": 3}, "histograms": {"of": [3, None, 1.5]}},
    }
    assert alone == {asked[0]: {"counts": {"n": 1}}}


def test_who_asks_for_nothing_gets_nothing(store: Store) -> None:
    with store.read() as connection:
        assert lookup(connection, rollups, ("counts",), []) == {}


def test_a_longer_name_is_another(store: Store) -> None:
    longest = "l" * 64
    with store.write() as connection:
        upsert(connection, rollups, [a_rollup(longest, 1)])
        asked = [(300, A_MOMENT, "ga", longest + "x")]
        assert lookup(connection, rollups, ("counts",), asked) == {}


def test_of_many_keys_none_is_lost(store: Store) -> None:
    kept = [a_rollup(f"place-{n}", n) for n in range(2000)]
    with store.write() as connection:
        upsert(connection, rollups, kept)
        found = lookup(
            connection, rollups, ("counts",), [(300, A_MOMENT, "ga", f"place-{n}") for n in range(0, 4000, 2)]
        )
    assert {place: row["counts"]["n"] for (*_, place), row in found.items()} == {
        f"place-{n}": n for n in range(0, 2000, 2)
    }


def test_rows_that_are_held_are_changed_by_nobody_else_meanwhile(store: Store) -> None:
    """Two that add one to the same rows at once, each asking for them in another order."""
    keys = [(f"{n:04d}",) for n in range(800)]
    with store.write() as connection:
        upsert(connection, meta, [{"key": key, "value": 0} for (key,) in keys])
    started = threading.Barrier(2)

    def add(mine: list[tuple[str]]) -> None:
        for _ in range(20):
            started.wait(20)
            with store.write() as connection:
                found = lookup(connection, meta, ("value",), mine, for_update=True)
                upsert(connection, meta, [{"key": key, "value": row["value"] + 1} for (key,), row in found.items()])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, (keys, keys[::-1])))  # raises what one of them raised
    with store.read() as connection:
        values = lookup(connection, meta, ("value",), keys)
    assert [values[key]["value"] for key in keys] == [40] * len(keys)
