"""Three regions really are as far from the shop as they are, and whatever way is cut, what is said is true and nothing is lost."""

from __future__ import annotations

import itertools
import signal
import statistics
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from runner.slots.due import OVERLAP
from tests.regions.configuration import PERIOD_S
from tests.regions.namespaces import standing
from tests.regions.network import SHOP, Network, a_network
from tests.regions.world import Run, World, a_world, moment, now, phases

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.drill, pytest.mark.namespaces]

NEAR, MIDDLE, FAR = "us-east", "us-west", "eu-west"
RTT_MS = {NEAR: 10.0, MIDDLE: 40.0, FAR: 90.0}
PERIOD = timedelta(seconds=PERIOD_S)
BAD = ("failed", "timed_out")
# What the machine of a test may take beyond what the world's own clocks say.
SLACK_S = 40.0


def made(runs: list[Run]) -> set[str]:
    """How the runs ended. A machine that is busy with something else may still be at the run before; that is no region's doing."""
    return {r["status"] for r in runs if r["error"] != OVERLAP}


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with a_network(RTT_MS) as laid:
        yield laid


@pytest.fixture(scope="module")
def world(network: Network) -> Iterator[World]:
    with a_world(network) as turning:
        yield turning


def test_a_purchase_passes_from_every_region_and_nothing_is_said(world: World) -> None:
    def passed() -> bool:
        return {r["location"] for r in world.runs() if r["status"] == "passed"} == set(RTT_MS)

    world.until(passed, within_s=2 * PERIOD_S + SLACK_S, what="a purchase from each region")
    assert world.told() == {}


def test_a_region_cut_off_the_shop_is_told_as_its_own_and_one_cut_off_the_hub_as_silent(
    world: World, network: Network
) -> None:
    cut = now()
    network.withdraw(FAR)
    network.silence(MIDDLE)
    expected = {f"F3 {FAR}": ["firing"], f"W1 {MIDDLE}": ["firing"]}
    world.until(
        lambda: set(world.told()) >= set(expected), within_s=4 * PERIOD_S + SLACK_S, what="one fails, one is silent"
    )
    # Neither is an outage of the shop: no page, nothing critical, and nothing else.
    assert world.told() == expected
    failed = [r for r in world.runs(FAR, since=cut - PERIOD) if r["status"] in BAD]
    assert len(failed) >= 3
    assert {r["blame"] for r in failed if moment(r["started_at"]) > cut} == {"network"}
    assert f"passes at {NEAR}" in world.message("F3")["summary"]
    assert made(world.runs(NEAR, since=cut)) == {"passed"}

    network.restore(FAR)
    network.hear(MIDDLE)
    healed = now()

    def waited() -> list[Run]:
        runs = [
            r for r in world.runs(MIDDLE, since=cut) if moment(r["finished_at"]) < healed < moment(r["received_at"])
        ]
        return [r for r in runs if r["error"] != OVERLAP]

    world.until(lambda: bool(waited()), within_s=SLACK_S, what="what waited in the spool")
    assert made(waited()) == {"passed"}, "the region bought all the while"
    world.until(
        lambda: all(kinds[-1] == "resolved" for kinds in world.told().values()),
        within_s=3 * PERIOD_S + SLACK_S,
        what="both are over",
    )
    assert world.told() == {name: ["firing", "resolved"] for name in expected}


def test_a_hub_cut_off_all_regions_says_that_it_is_blind_and_claims_no_outage(world: World, network: Network) -> None:
    before, cut = world.told(), now()
    network.silence(*RTT_MS)
    world.until(lambda: "W1 all" in world.told(), within_s=2 * PERIOD_S + SLACK_S, what="the monitor is blind")
    assert world.told() == {**before, "W1 all": ["firing"]}
    assert world.runs(since=cut + timedelta(seconds=5)) == [], "no result came through"
    network.hear(*RTT_MS)
    healed = now()

    def all_heard() -> bool:
        heard = {r["location"] for r in world.runs() if moment(r["received_at"]) > healed}
        return heard == set(RTT_MS) and all(kinds[-1] == "resolved" for kinds in world.told().values())

    world.until(all_heard, within_s=2 * PERIOD_S + SLACK_S, what="every region is heard again")
    assert world.told()["W1 all"] == ["firing", "resolved"]
    # A region that is heard later than the first may be called silent for that long; of the shop nothing is said.
    assert all(name.startswith("W1 ") for name in set(world.told()) - set(before))
    assert made(world.runs(since=cut)) == {"passed"}


def test_a_shop_that_is_down_pages_once_two_regions_say_so(world: World) -> None:
    before, down = world.told(), now()
    world.end(SHOP, signal.SIGKILL)
    # Two thirds of a period until a second region's turn, two tries of its run, and the message.
    took = world.until(lambda: "F0" in world.told(), within_s=PERIOD_S + SLACK_S, what="the page")
    assert took > 1
    page = world.message("F0")
    assert page["severity"] == "critical"
    failed = [r for r in world.runs(since=down - PERIOD) if r["status"] in BAD]
    assert len({r["location"] for r in failed}) >= 2
    world.open_shop()
    world.until(lambda: world.told()["F0"][-1] == "resolved", within_s=3 * PERIOD_S + SLACK_S, what="it is over")
    assert set(world.told()) == {*before, "F0"}
    first, *_, last = world.told()["F0"]
    assert (first, last) == ("firing", "resolved")
    # Who cannot reach the shop cannot read its inventory either; and a run may be at the payment when the shop dies.
    others = world.lines() - {f"F3 {FAR}", f"W1 {MIDDLE}"}
    assert {line for line in others if not line.startswith(("W1 ", "F0", "A1s", "A2 feed"))} == set()
    world.assert_slack_got_the_same()


def test_every_slot_has_exactly_one_record(world: World) -> None:
    for region in RTT_MS:
        runs = [r for r in world.runs(region) if r["slot"]]
        slots = [moment(r["slot"]) for r in runs]
        assert {b - a for a, b in itertools.pairwise(slots)} == {PERIOD}, world.story()
        assert len(slots) >= 8
        assert made(runs) <= {"passed", *BAD}, world.story()


def test_what_was_measured_is_ordered_as_the_regions_are_far(world: World) -> None:
    measured: dict[str, dict[str, float]] = {}
    for region, asked in RTT_MS.items():
        runs = [world.get(f"/api/runs/{r['run_id']}") for r in world.runs(region) if r["status"] == "passed"]
        assert all(any("CSP not tested" in note for note in run["notes"]) for run in runs)
        seen = {phase: phases(runs, phase) for phase in ("connect", "wait")}
        measured[region] = {phase: statistics.median(values) for phase, values in seen.items()}
        # The table of docs/regions.md; `pytest -s` shows it.
        row = [f"{p} n {len(v)}, min {min(v):.0f}, median {measured[region][p]:.0f}" for p, v in seen.items()]
        sys.stdout.write(f"\n{region}, {asked:g} ms: {len(runs)} runs; {'; '.join(row)}\n")
        # Nothing is faster than the way there and back.
        assert asked <= measured[region]["connect"], measured
        assert asked <= measured[region]["wait"], measured
    for (near, a), (far, b) in itertools.pairwise(RTT_MS.items()):
        for phase in ("connect", "wait"):
            more = measured[far][phase] - measured[near][phase]
            assert (b - a) / 2 <= more <= 3 * (b - a), measured


def test_of_a_network_that_is_left_in_a_hurry_nothing_is_left() -> None:
    prefixes: list[str] = []

    def leave_in_a_hurry() -> None:
        with a_network({"near": 1.0}) as laid:
            prefixes.append(laid.prefix)
            assert len(standing(laid.prefix)) == 3
            raise KeyError

    with pytest.raises(KeyError):
        leave_in_a_hurry()
    assert standing(prefixes[0]) == []
