"""Rows are inserted or overwritten alike on both databases, though each is told in its own way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from store import Store
from store.tables import ledgers, meta, stock
from store.upsert import upsert
from tests.builders import A_MOMENT


def a_stock(city: str, remaining: int, total: int | None = None) -> dict[str, Any]:
    return {"source": "s", "at": A_MOMENT, "city": city, "tier": "ga", "remaining": remaining, "total": total}


def test_of_rows_with_the_same_key_the_last_is_kept(store: Store) -> None:
    with store.write() as connection:
        upsert(connection, stock, [a_stock("Rome", 1, 5), a_stock("Oslo \u2014 \"50%\" 'x'", 2), a_stock("Rome", 3)])
        upsert(connection, stock, [a_stock("Rome", 4)])
        found = connection.execute(select(stock.c.city, stock.c.at, stock.c.remaining, stock.c.total)).all()
    assert sorted(found) == [("Oslo \u2014 \"50%\" 'x'", A_MOMENT, 2, None), ("Rome", A_MOMENT, 4, None)]


def test_json_comes_back_as_it_was_and_null_is_a_value(store: Store) -> None:
    values = {"none": None, "text": 'a "b"', "list": [1, 2.5, {"x": None}], "half": "\ud800"}
    with store.write() as connection:
        upsert(connection, meta, [{"key": key, "value": value} for key, value in values.items()])
        found = {row.key: row.value for row in connection.execute(select(meta)) if row.key in values}
    assert found == values


def test_an_older_row_changes_nothing(store: Store) -> None:
    def told(minutes: int) -> list[dict[str, Any]]:
        return [{"location": "us", "at": A_MOMENT + timedelta(minutes=minutes), "state": {"n": minutes}}]

    with store.write() as connection:
        for minutes in (2, 1):
            upsert(connection, ledgers, told(minutes), newer_by="at")
        assert connection.execute(select(ledgers.c.state)).scalars().all() == [{"n": 2}]
