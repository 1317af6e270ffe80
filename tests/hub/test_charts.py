"""Charts are drawn when a run is new, and never from runs that are old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete

from hub.charts import ChartCache
from reports.live.journey import Charts
from store import runs
from store.tables import runs as table
from tests.hub.conftest import Bench


def drawn(bench: Bench, cache: ChartCache, hours: float = 24) -> Charts:
    schedule = bench.context.watched.schedules()["ga_purchase"]
    with bench.store.read() as connection:
        return cache.charts(
            connection,
            journey="ga_purchase",
            period_s=schedule.period_s,
            grids=schedule.grids,
            since=bench.now - timedelta(hours=hours),
        )


def counted(charts: Charts) -> set[int]:
    return {step.n for step in charts.steps}


def test_only_new_runs_are_read(light: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    samples = runs.samples

    def noted(connection: Connection, ids: Sequence[str]) -> dict[str, runs.Sample]:
        read.extend(ids)
        return samples(connection, ids)

    monkeypatch.setattr(runs, "samples", noted)
    cache = ChartCache()
    light.send(light.slot_run("us-east", minutes_ago=20), light.slot_run("us-east", minutes_ago=15))
    assert counted(drawn(light, cache)) == {2}
    assert counted(drawn(light, cache)) == {2}
    assert len(read) == 2
    light.send(light.slot_run("us-west", minutes_ago=10))
    assert counted(drawn(light, cache)) == {3}
    assert len(read) == 3


def test_what_is_too_old_or_deleted_is_drawn_no_more(light: Bench) -> None:
    cache = ChartCache()
    light.send(light.slot_run("us-east", minutes_ago=90), light.slot_run("us-east", minutes_ago=15))
    assert counted(drawn(light, cache)) == {2}
    assert counted(drawn(light, cache, hours=1)) == {1}
    with light.store.write() as connection:
        connection.execute(delete(table))
    assert counted(drawn(light, cache)) == set()
