"""Random failures page nobody, and an outage is told in time: a slice of what `benchmarks/alert_noise.py` measures over months."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import tests.simulation
from alerts.policy import Policy
from facts import Severity
from tests.databases import a_migrated_store
from tests.shipped import shipped_targets
from tests.simulation import GA, PLACES, Shop, SimulatedHub, play, rules_of_runs, runs_of

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
TARGETS = rules_of_runs(shipped_targets())
POLICY = Policy(routes={Severity.CRITICAL: ("pager",), Severity.HIGH: ("ops",)})


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[SimulatedHub]:
    """A hub without any past."""
    with a_migrated_store(None, tmp_path) as store:
        yield SimulatedHub(store=store, policy=POLICY, destinations=("pager", "ops"), now=BEGIN)


def simulate(hub: SimulatedHub, shop: Shop, *, hours: float, seed: int = 1, stop: bool = True) -> int:
    """Play so many hours, or until somebody is paged; how many ticks were judged."""
    until = BEGIN + timedelta(hours=hours)
    runs = runs_of(shop, random.Random(seed), since=BEGIN, until=until)
    return sum(1 for _ in play(hub, TARGETS, runs, until=until, over=lambda hub: stop and bool(hub.got)))


def test_a_day_of_random_failures_pages_nobody(hub: SimulatedHub) -> None:
    simulate(hub, Shop(noise=0.005), hours=24)
    assert (hub.episodes, hub.got) == ([], [])


@pytest.mark.parametrize("seed", range(3))
def test_a_total_outage_is_delivered_within_five_minutes(hub: SimulatedHub, seed: int) -> None:
    broke = BEGIN + timedelta(seconds=97 * seed)
    simulate(hub, Shop(broken_at=broke), hours=0.5, seed=seed)
    first = hub.got[0]
    assert (first.destination, first.message.severity) == ("pager", Severity.CRITICAL)
    # A message is on its way for two seconds at most.
    assert first.at + timedelta(seconds=2) - broke <= timedelta(seconds=300)


def test_an_outage_of_half_of_the_attempts_is_delivered_within_an_hour(hub: SimulatedHub) -> None:
    simulate(hub, Shop(broken_at=BEGIN, broken=0.5), hours=1)
    assert [one.destination for one in hub.got] == ["pager"]


def test_two_locations_whose_confirmed_failures_meet_page(hub: SimulatedHub) -> None:
    """What the shipped rules cannot tell from an outage: the figure of confirmed failures in the docs rests on it."""
    simulate(hub, Shop(confirmed=0.3), hours=2)
    assert hub.episodes[0].severity is Severity.CRITICAL


def test_ticks_that_are_left_out_could_have_said_nothing(
    hub: SimulatedHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(broken_at=BEGIN + timedelta(minutes=20), broken=0.5)
    few = simulate(hub, shop, hours=1)
    with a_migrated_store(None, tmp_path / "dense") as store:
        dense = SimulatedHub(store=store, policy=POLICY, destinations=("pager", "ops"), now=BEGIN)
        monkeypatch.setattr(tests.simulation, "_SETTLED", timedelta(days=1))
        many = simulate(dense, shop, hours=1)
    assert few < many
    assert [(a.key, a.fired_at) for a in dense.episodes] == [(a.key, a.fired_at) for a in hub.episodes]


def test_the_simulated_schedule_is_the_shipped_one() -> None:
    runs = runs_of(Shop(), random.Random(1), since=BEGIN, until=BEGIN + timedelta(hours=1))
    assert len(runs) == 2 * (36 + 12)
    assert {run.location for run in runs if run.journey == GA} == set(PLACES)
