"""A history moves to another database whole: to PostgreSQL and back, with every table filled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary, String, Table, insert, select, update

from store import Store, StoreError
from store.columns import Moment
from store.copying import copy
from store.tables import alert_changes, deliveries, leases, metadata, runs
from tests.builders import A_MOMENT
from tests.databases import BOTH, a_database, a_migrated_store

ROWS = 7
WORDS = "naïve “text” — \U0001f3ab\n\ttab"


@pytest.fixture
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A new database of a kind."""

    @contextmanager
    def opened(kind: str, name: str) -> Iterator[Store]:
        if kind == "sqlite":
            with a_migrated_store(None, tmp_path / name) as store:
                yield store
            return
        with a_database(request.getfixturevalue("postgres")) as url, a_migrated_store(url, tmp_path) as store:
            yield store

    return opened


def a_value(column: Column[Any], row: int) -> Any:
    """A value that is its row's own, at the edges of its type; NULL in every third row where there may be one."""
    kind = column.type
    if column.nullable and row % 3 == 2:
        return None
    if isinstance(kind, Moment):
        return A_MOMENT + timedelta(days=row, microseconds=1)
    if isinstance(kind, JSON):
        return {"row": row, "nested": [1.5, None, True, {"words": WORDS}]}
    if isinstance(kind, Boolean):
        return row % 2 == 0
    if isinstance(kind, Float):
        return row + 0.1
    if isinstance(kind, Integer):
        return row + 1
    if isinstance(kind, LargeBinary):
        return bytes(range(row, 256))
    length = kind.length if isinstance(kind, String) else None
    return f"{row}{WORDS * 20}"[: length or 400]


def fill(store: Store) -> None:
    with store.write() as connection:
        for table in metadata.sorted_tables:
            connection.execute(insert(table), [{c.name: a_value(c, row) for c in table.columns} for row in range(ROWS)])
        connection.execute(update(leases).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.read() as connection:
        return {t.name: [tuple(r) for r in connection.execute(_ordered(t))] for t in metadata.sorted_tables}


def _ordered(table: Table) -> Any:
    return select(table).order_by(*table.primary_key)


@pytest.mark.parametrize("kind", BOTH)
def test_a_history_moves_to_the_other_kind_of_database_and_counts_on_there(another: Any, kind: str) -> None:
    other = BOTH[1 - BOTH.index(kind)]
    with another(kind, "old") as source, another(other, "new") as target:
        fill(source)
        rows = copy(source, target, batch=3)
        assert set(rows) == set(metadata.tables)
        assert set(rows.values()) == {ROWS}
        assert everything(target) == everything(source)
        with target.write() as connection:
            for table, facts in (
                (alert_changes, {"alert_id": "a", "at": A_MOMENT, "what": "firing"}),
                (deliveries, {"notification_id": "n", "at": A_MOMENT, "ok": True}),
            ):
                number = connection.execute(insert(table).values(**facts).returning(table.c.number)).scalar_one()
                assert number == ROWS + 1


def test_a_database_with_rows_is_not_written_to(another: Any) -> None:
    with another("sqlite", "old") as source, another("sqlite", "new") as target:
        fill(source)
        with target.write() as connection:
            connection.execute(insert(deliveries).values(notification_id="n", at=A_MOMENT, ok=True))
        before = everything(target)
        with pytest.raises(StoreError, match=r"not empty \(deliveries\)"):
            copy(source, target)
        assert everything(target) == before


@pytest.mark.parametrize("kind", BOTH)
def test_a_copy_that_breaks_off_leaves_nothing_and_can_be_begun_anew(another: Any, kind: str) -> None:
    with another("sqlite", "old") as source, another(kind, "new") as target:
        fill(source)
        with source.write() as connection:
            # Found out late: many tables are copied before this one.
            connection.exec_driver_sql("DROP TABLE runs")
            connection.exec_driver_sql("CREATE TABLE runs AS SELECT * FROM deliveries")
        with pytest.raises(StoreError, match="nothing was copied"):
            copy(source, target)
        assert not any(everything(target).values())
        with another("sqlite", "mended") as mended:
            fill(mended)
            copy(mended, target)
            assert everything(target) == everything(mended)


@pytest.mark.parametrize("kind", BOTH)
def test_a_history_that_a_hub_works_with_is_not_copied(another: Any, kind: str) -> None:
    with another(kind, "old") as source, another("sqlite", "new") as target:
        fill(source)
        with source.write() as connection:
            connection.execute(
                update(leases).values(expires_at=datetime.now(UTC) + timedelta(seconds=30), holder="hub-1")
            )
        with pytest.raises(StoreError, match="hub-1"):
            copy(source, target)
        assert not any(everything(target).values())


@pytest.mark.parametrize(("version", "says"), [("0001", "sixfb db upgrade"), ("9999", "the program that it is of")])
def test_a_history_of_another_version_is_not_copied(another: Any, version: str, says: str) -> None:
    with another("sqlite", "old") as source, another("sqlite", "new") as target:
        with source.write() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
        with pytest.raises(StoreError, match=says):
            copy(source, target)


def test_a_large_history_is_copied_in_batches(another: Any) -> None:
    with another("sqlite", "old") as source, another("sqlite", "new") as target:
        fill(source)
        with source.write() as connection:
            row = connection.execute(select(runs).limit(1)).mappings().one()
            more = [{**row, "id": f"more-{i}", "slot": A_MOMENT + timedelta(hours=i)} for i in range(1201)]
            connection.execute(insert(runs), more)
        assert copy(source, target)["runs"] == ROWS + 1201
