"""The history in the database is what the hub would have counted of the same events, one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from demo.shop.catalogue import CITIES
from demo.traffic import MARK, AlertingRule, PastRuns, save_history
from demo.traffic.outages import outages_before
from demo.traffic.past_runs import MADE_UP, WEEK, past_slots
from facts import Grid, Labels, Status
from hub.event_store import save_events
from journeys.registry import load_journeys
from metrics import SKETCHED
from sources.events import read_event
from sources.sms import count_messages
from sources.stripe_events import EventFilter, count_events
from sources.stripe_events import read_event as read_stripe_event
from store import Store, alerts, meta, open_store, rollups, runs, samples
from tests.demo.traffic.watching import a_generator

NOW = datetime(2026, 11, 24, 18, 7, 31, tzinfo=UTC)
UNTIL = NOW.replace(second=0, microsecond=0)
CITY_IDS = {city.name: city.id for city in CITIES}
LENGTH = timedelta(hours=3)
RULE = AlertingRule(name="paying", title="payment fails", title_past="payment failed")
PLACES = {"ga_purchase": ["us-east", "eu-west"]}
Sums = dict[tuple[str, Labels], float]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Two empty databases."""
    with (
        closing(open_store(None, folder=tmp_path / "a")) as first,
        closing(open_store(None, folder=tmp_path / "b")) as second,
    ):
        first.migrate()
        second.migrate()
        yield first, second


def saved(store: Store, *, now: datetime = NOW, history: timedelta = LENGTH) -> datetime:
    """Save a short history."""
    return save_history(store, a_generator(), now=now, cities=CITY_IDS, places=PLACES, period_s=60, history=history)


def count_one_by_one(store: Store, since: datetime, until: datetime) -> None:
    """Take the same in as the hub does."""
    found = a_generator().between(since.timestamp(), until.timestamp())
    events = [read_event(one, now=NOW) for one in (*found.events, *found.log)]
    told = [read_stripe_event(one, EventFilter(cities=CITY_IDS)) for one in found.stripe]
    counted = count_events([one for one in told if one is not None])
    texts = count_messages(found.texts, now=NOW + timedelta(hours=1))
    with store.write() as connection:
        save_events(connection, [("demo-shop", one) for one in events], now=NOW)
        samples.save(connection, [*counted, *texts], now=NOW, sketched=SKETCHED)


def sums(store: Store, width_s: int, since: datetime) -> Sums:
    """The sum of each series by its rollups, without what only the history has."""
    found: Sums = defaultdict(float)
    with store.read() as connection:
        names = connection.exec_driver_sql("SELECT DISTINCT metric FROM series").scalars().all()
        for name in names:
            if name.startswith(("app_", "stripe_", "sms_")) and name not in SKETCHED and "pending" not in name:
                for bucket in samples.read_rollups(connection, name, width_s=width_s, since=since):
                    found[name, bucket.labels] += bucket.sum
    return {key: round(value, 6) for key, value in found.items()}


def test_it_counts_what_the_hub_counts_one_by_one(stores: tuple[Store, Store]) -> None:
    made, counted = stores
    assert saved(made) == UNTIL
    count_one_by_one(counted, UNTIL - LENGTH, UNTIL)
    since = UNTIL - timedelta(days=3)
    for width_s in samples.WIDTHS_S:
        assert sums(made, width_s, since) == sums(counted, width_s, since)


def test_a_second_start_fills_the_gap_and_counts_nothing_twice(stores: tuple[Store, Store]) -> None:
    in_parts, whole = stores
    saved(in_parts, now=NOW - timedelta(hours=1, minutes=3), history=LENGTH - timedelta(hours=1, minutes=3))
    saved(in_parts)
    saved(in_parts)
    saved(whole)
    since = UNTIL - timedelta(days=3)
    for width_s in samples.WIDTHS_S:
        assert sums(in_parts, width_s, since) == sums(whole, width_s, since)


def test_what_the_hub_counts_afterwards_adds_to_the_same_hour_and_day(stores: tuple[Store, Store]) -> None:
    made, counted = stores
    middle = UNTIL - timedelta(minutes=2)
    saved(made, now=middle, history=LENGTH - timedelta(minutes=2))
    count_one_by_one(made, middle, UNTIL)
    count_one_by_one(counted, UNTIL - LENGTH, UNTIL)
    since = UNTIL - timedelta(days=3)
    for width_s in samples.WIDTHS_S[1:]:
        assert sums(made, width_s, since) == sums(counted, width_s, since)


def test_it_is_marked_and_has_days_of_runs_before_today(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    saved(store)
    with store.read() as connection:
        told = meta.get(connection, MARK)
        days = rollups.read(connection, width_s=86_400, since=UNTIL - timedelta(days=40))
    assert (told["since"][:16], told["until"][:16]) == ("2026-11-24T15:07", "2026-11-24T18:07")
    assert {day.location for day in days} == {"us-east", "eu-west"}
    today = UNTIL.replace(hour=0, minute=0)
    assert {day.counts["passed"] + day.counts["failed"] for day in days if day.start < today} == {1440}
    assert {day.counts["passed"] for day in days if day.start == today} == {18 * 60}


def test_every_slot_of_a_week_has_its_run_and_each_outage_its_hours(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    period_s = 3600  # few slots are enough here
    since, places = UNTIL.replace(hour=0, minute=0) - WEEK, {"ga_purchase": ["us-east", "eu-west"]}
    save_history(
        store,
        a_generator(),
        now=NOW,
        cities=CITY_IDS,
        places=places,
        period_s=period_s,
        history=LENGTH,
        runs=PastRuns(journeys=load_journeys(None), site="http://127.0.0.1:9", rule=RULE),
    )
    with store.read() as connection:
        found = runs.outcomes(connection, since=UNTIL - timedelta(days=40), until=UNTIL)
        days = rollups.read(connection, width_s=86_400, since=since)
        hours = rollups.read(connection, width_s=3600, since=since)
        one = runs.get(connection, found[0].run_id)
        old = rollups.read(connection, width_s=86_400, since=UNTIL - timedelta(days=40), until=since)
    lately = [outcome for outcome in found if outcome.started_at >= since]
    for i, place in enumerate(places["ga_purchase"]):
        grid = Grid.of(period_s, index=i, n=2)
        wanted = list(grid.between(since, UNTIL - timedelta(seconds=60)))
        assert [outcome.slot for outcome in lately if outcome.location == place] == wanted
    assert sum(sum(day.counts.get(status, 0) for status in ("passed", "failed")) for day in days) == len(lately)
    assert sum(sum(hour.counts.get(status, 0) for status in ("passed", "failed")) for hour in hours) == len(lately)
    assert max(outcome.finished_at for outcome in found) < UNTIL
    failed = sorted(
        outcome.slot for outcome in found if outcome.status is Status.FAILED and outcome.slot and outcome.slot < since
    )
    assert len(failed) == 2 * (7 + 16), "every run of each outage, at both locations"
    with store.read() as connection:
        told = alerts.of_period(connection, since=UNTIL - timedelta(days=40), until=UNTIL)
    assert len(told) == 2
    assert {run for alert in told for run in alert.runs} <= {outcome.run_id for outcome in found}
    spans = outages_before(UNTIL.replace(hour=0, minute=0), period_s)
    assert {begins.date() for begins, _ in spans} == {UNTIL.date() - timedelta(days=back) for back in (23, 9)}
    assert all(any(begins < slot <= ends for begins, ends in spans) for slot in failed)
    assert {day.counts["passed"] + day.counts["failed"] for day in old} == {24}, "whole days, not the outages' hours"
    assert one is not None
    assert one.run.notes == (MADE_UP,)
    assert [step.name for step in one.run.steps] == list(load_journeys(None)["ga_purchase"].steps)
    assert lately[-1].requests, "the last hours have their details"
    assert lately[-1].vitals


def test_a_few_runs_fail_alone_so_that_no_outage_seems_to_be_one() -> None:
    places = {name: ["us-east", "us-west", "eu-west"] for name in ("ga_purchase", "vip_member_discount")}
    bad = [(slot, kind) for slot, kind in past_slots(places, UNTIL, 60, []) if kind.result != "passed"]
    assert 15 <= len(bad) <= 60
    assert {kind.result for _, kind in bad} == {"failed", "flaky"}
    moments = sorted(slot for slot, _ in bad)
    assert min(later - earlier for earlier, later in pairwise(moments)) > timedelta(hours=1)


def test_durations_have_percentiles(stores: tuple[Store, Store]) -> None:
    store, _ = stores
    saved(store)
    with store.read() as connection:
        found = samples.read_rollups(
            connection, "app_request_seconds", width_s=3600, since=UNTIL - LENGTH, labels={"endpoint": "/"}
        )
    assert len(found) >= 3
    assert all(bucket.sketch and bucket.min < bucket.sum / bucket.n < bucket.max for bucket in found)
