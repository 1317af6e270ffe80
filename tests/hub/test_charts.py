"""The web vitals of a journey are counted when a run is new, and never from runs that are old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete

from hub.charts import VitalsCache
from reports.live.journey_charts import Vitals
from store import runs
from store.tables import runs as table
from tests.hub.conftest import Bench


def counted(bench: Bench, cache: VitalsCache, hours: float = 24, range_key: str = "24h", step_s: int = 3600) -> Vitals:
    schedule = bench.context.watched.schedules()["ga_purchase"]
    with bench.store.read() as connection:
        return cache.vitals(
            connection,
            journey="ga_purchase",
            period_s=schedule.period_s,
            grids=schedule.grids,
            since=bench.now - timedelta(hours=hours),
            range_key=range_key,
            step_s=step_s,
        )


def test_only_new_runs_are_read(light: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    samples = runs.samples

    def noted(connection: Connection, ids: Sequence[str]) -> dict[str, runs.Sample]:
        read.extend(ids)
        return samples(connection, ids)

    monkeypatch.setattr(runs, "samples", noted)
    cache = VitalsCache()
    light.send(light.slot_run("us-east", minutes_ago=20), light.slot_run("us-east", minutes_ago=15))
    assert counted(light, cache).runs == 2
    assert counted(light, cache).runs == 2
    assert len(read) == 2
    light.send(light.slot_run("us-west", minutes_ago=10))
    assert counted(light, cache).runs == 3
    assert len(read) == 3


def test_what_is_too_old_or_deleted_is_counted_no_more(light: Bench) -> None:
    cache = VitalsCache()
    light.send(light.slot_run("us-east", minutes_ago=90), light.slot_run("us-east", minutes_ago=15))
    assert counted(light, cache).runs == 2
    assert counted(light, cache, hours=1).runs == 1
    with light.store.write() as connection:
        connection.execute(delete(table))
    assert counted(light, cache) == Vitals()


def test_two_ranges_do_not_take_each_others_points(light: Bench) -> None:
    cache = VitalsCache()
    light.send(light.slot_run("us-east", minutes_ago=90), light.slot_run("us-east", minutes_ago=15))
    hours, days = counted(light, cache), counted(light, cache, range_key="30d", step_s=86_400)
    assert [len(one.spreads) for one in hours.series] != [len(one.spreads) for one in days.series]
