"""The tables come into being by migrations, and are what the code says they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text

import store as store_package
from facts import Sample, Status, labels
from store import Store, StoreError, open_store, runs, samples
from store.tables import metadata, stock
from store.upsert import upsert
from tests.builders import A_MOMENT, a_run
from tests.databases import BOTH, a_database


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """An empty database, on each kind."""
    if request.param == "sqlite":
        yield None
        return
    with a_database(request.getfixturevalue("postgres")) as url:
        yield url


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VERSIONS = Path(store_package.__file__).parent / "migrations" / "versions"


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(store: Store) -> None:
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrating_twice_changes_nothing(store: Store) -> None:
    store.migrate()


def test_hubs_that_start_at_once_do_not_clash(database_url: str | None, tmp_path: Path) -> None:
    failed: list[BaseException] = []
    # Each waits for those before it, longer than a hub waits for a lock by itself on a slow disk.
    url = database_url or f"sqlite:///{tmp_path / 'sixfb.db'}?timeout=120"

    def start() -> None:
        try:
            with closing(open_store(url, folder=tmp_path)) as hub:
                hub.migrate()
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_database_of_a_newer_program_is_left_alone(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer"):
        store.migrate()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://here/db", "mysql is not supported"),
        ("nonsense", "not a database's address"),
        ("postgresql://nobody@127.0.0.1:1/none", "cannot be opened"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_with_what_to_do(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=says):
        open_store(url, folder=tmp_path)


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store("postgresql://nobody:hunter2@127.0.0.1:1/none", folder=tmp_path)
    assert "hunter2" not in str(caught.value)


def take_back(connection: Connection, *, to: str) -> None:
    """Bring a database back to the tables of an earlier version."""
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)

    def steps(revision: object, _context: object) -> list[RevisionStep]:
        return scripts._downgrade_revs(to, revision)  # type: ignore[arg-type]

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def test_runs_of_the_version_before_are_found_by_the_new_indexes(store: Store) -> None:
    with store.write() as connection:
        take_back(connection, to="0008")
    with store.write() as connection:
        runs.save(connection, a_run(id="one", location="us-east", status=Status.PASSED), received_at=A_MOMENT)
    store.migrate()
    with store.read() as connection:
        assert runs.last_received(connection) == {"us-east": A_MOMENT}
        assert [o.run_id for o in runs.latest(connection, location="us-east")] == ["one"]
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


SOLD = [("dallas", "ga", n) for n in (35, 34, -2)] + [('São Paulo "x"', "vip", n) for n in (15, 15, 3)]


def test_the_inventory_of_the_version_before_becomes_samples_and_nothing_is_lost(store: Store) -> None:
    with store.write() as connection:
        take_back(connection, to="0011")
    rows = [
        {"city": city, "tier": tier, "at": A_MOMENT + timedelta(hours=n), "remaining": left, "total": 35 if n else None}
        for n, (city, tier, left) in enumerate(SOLD * 300)
    ]
    with store.write() as connection:
        upsert(connection, stock, [{"source": "inventory", **row} for row in rows])
    store.migrate()
    with store.read() as connection:
        for metric, column in (("inventory_remaining_tickets", "remaining"), ("inventory_seats", "total")):
            found = samples.read(connection, metric, since=A_MOMENT)
            kept = {(one.label("city"), one.label("tier"), at, v) for one in found for at, v in one.points}
            told = {(r["city"], r["tier"], r["at"], r[column]) for r in rows if r[column] is not None}
            assert kept == told
        days = samples.read_rollups(
            connection, "inventory_remaining_tickets", width_s=86_400, since=A_MOMENT.replace(hour=0, minute=0)
        )
        assert sum(day.n for day in days) == len(rows)
        assert {(day.min, day.max) for day in days} == {(-2, 35), (3, 15)}
        # A hub of the version before goes on beside this one.
        assert len(connection.execute(select(stock)).all()) == len(rows)
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_buckets_that_a_migration_made_are_those_that_saving_makes(store: Store) -> None:
    with store.write() as connection:
        take_back(connection, to="0011")
    rows = [(A_MOMENT + timedelta(minutes=7 * n), (n * 37) % 11 - 3) for n in range(400)]
    with store.write() as connection:
        its = {"source": "inventory", "city": "dallas", "tier": "ga", "total": None}
        upsert(connection, stock, [{**its, "at": at, "remaining": left} for at, left in rows])
    store.migrate()
    place = labels(city="dallas", tier="ga")
    again = [Sample(metric="again", at=at, value=left, labels=place) for at, left in rows]
    with store.write() as connection:
        samples.save(connection, again, now=A_MOMENT)
        for width in samples.WIDTHS_S:
            migrated, saved = (
                [replace(b, metric="") for b in samples.read_rollups(connection, metric, width_s=width, since=EPOCH)]
                for metric in ("inventory_remaining_tickets", "again")
            )
            assert migrated == saved
            assert sum(b.n for b in saved) == len(rows)


NEVER_IN_AN_UPGRADE = ("op.drop_", "op.alter_column", "op.rename_table", "op.batch_alter_table", "op.execute")


@pytest.mark.parametrize("file", sorted(VERSIONS.glob("0*.py")), ids=lambda file: file.stem)
def test_a_hub_of_the_version_before_can_go_on_beside_a_new_one(file: Path) -> None:
    upgrade = file.read_text(encoding="utf-8").partition("def upgrade")[2].partition("def downgrade")[0]
    assert [word for word in NEVER_IN_AN_UPGRADE if word in upgrade] == []
    added = [line for line in upgrade.splitlines() if "op.add_column" in line]
    # An older hub knows nothing of a new column and writes rows without it.
    assert [line for line in added if "nullable=False" in line and "server_default" not in line] == []
