"""`/healthz` and `/readyz`: what a balancer and an orchestrator may rely on."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.hub.conftest import Bench


def test_a_hub_is_alive_before_anything_was_judged(bench: Bench) -> None:
    assert bench.client.get("/healthz").status_code == 200
    answer = bench.client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "no tick within a minute")


def test_a_hub_is_ready_while_any_hub_judges(bench: Bench) -> None:
    # The hub that answers has no evaluator at all; the tick is another's, and they share nothing but the database.
    bench.tick()
    assert bench.client.get("/readyz").status_code == 200
    bench.now += timedelta(seconds=59)
    assert bench.client.get("/readyz").status_code == 200


def test_nobody_is_ready_once_nobody_has_judged_for_a_minute(bench: Bench) -> None:
    bench.tick()
    bench.now += timedelta(seconds=61)
    assert bench.client.get("/readyz").status_code == 503
    assert bench.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("database_url", [None], ids=["sqlite"])
def test_a_database_that_takes_no_writes_is_not_ready(bench: Bench, database_url: str | None) -> None:
    bench.tick()
    with bench.store.read() as connection:
        file = Path(connection.execute(text("PRAGMA database_list")).all()[0][2])
        connection.execute(text("PRAGMA busy_timeout=50"))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert bench.client.get("/readyz").status_code == 503
        assert bench.client.get("/healthz").status_code == 200
    finally:
        other.close()
    assert bench.client.get("/readyz").status_code == 200
