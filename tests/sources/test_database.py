"""The statistics of a real PostgreSQL: what a reading brings, what grows between two, and what a failed one says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from config import Secret
from sources import SourceError, SourceSettings
from sources.database import DatabaseSource
from tests.databases import a_database

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def source(url: str) -> DatabaseSource:
    return DatabaseSource(SourceSettings(base_url="http://shop.test", database_url=Secret(url)))


def test_without_an_address_it_is_off() -> None:
    assert DatabaseSource.configured(SourceSettings(base_url="http://x.test")) == "DATABASE_SOURCE_URL is not set"


def test_a_reading_of_a_real_database_tells_its_state_and_changes_nothing(postgres: str) -> None:
    with a_database(postgres) as url:
        plain = url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(plain) as busy:
            busy.execute("SELECT 1")
            first = source(plain).collect(None, NOW)
            second = source(plain).collect(first.cursor, NOW + timedelta(minutes=1))
    told = {sample.metric: sample.value for sample in second.samples}
    assert told["database_connections"] >= 2
    assert 0 < told["database_connections_ratio"] < 1
    assert (told["database_slow_queries"], told["database_waiting_queries"], told["database_deadlocks"]) == (0, 0, 0)
    assert "database_replication_lag_seconds" not in told, "a server without replicas is behind nobody"
    assert "database_deadlocks" not in {sample.metric for sample in first.samples}, "one reading alone tells no growth"


@pytest.mark.parametrize(
    ("url", "permanent"),
    [("postgresql://watcher:s3cret-word@127.0.0.1:1/shop", False), ("postgresql://{there}/no_such_database", True)],
)
def test_a_database_that_cannot_be_read_is_told_without_its_password(postgres: str, url: str, permanent: bool) -> None:
    there = postgres.replace("postgresql+psycopg", "postgresql").removeprefix("postgresql://").rstrip("/")
    with pytest.raises(SourceError) as caught:
        source(url.replace("{there}", there)).collect(None, NOW)
    assert caught.value.permanent is permanent
    assert "s3cret-word" not in str(caught.value)
