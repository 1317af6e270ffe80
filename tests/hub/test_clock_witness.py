"""Whose clock is wrong: the hub's where most runners say so; then it takes nothing, refuses nothing for good, and tells of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from facts import HubClock, Run, to_wire
from hub.clock_witness import ClockWitness, judged_by
from tests.hub.conftest import Bench

PLACES = ("us-east", "us-west", "eu-west")
TWO_HOURS = 7200.0


@pytest.mark.parametrize(
    ("readings", "is_wrong", "is_undecided"),
    [
        ([], False, False),
        ([0.1, -0.2, 3], False, False),
        ([7200, 7201, 7199], True, False),
        ([-7200, -7201, 0], True, False),
        ([7200, 7200], True, False),
        ([7200, 0, 0], False, False),
        ([7200, 0], False, False),
        ([7200, 7200, 0, 0], False, False),
        ([7200, -7200], False, True),
        ([7200, 900, -40], False, True),
        ([7200], False, True),
        ([31, 45, 40], True, False),
        ([29, 29, 29], False, False),
    ],
)
def test_the_hub_is_wrong_where_most_say_the_same_of_it(
    readings: list[float], *, is_wrong: bool, is_undecided: bool
) -> None:
    clock = judged_by({f"place-{i}": ahead_s for i, ahead_s in enumerate(readings)}, limit_s=30)
    assert (clock.is_wrong, clock.is_undecided) == (is_wrong, is_undecided)


def test_a_location_has_one_voice_however_many_runners_it_has() -> None:
    witness = ClockWitness(steady=lambda: 0.0)
    for runner in ("r1", "r2", "r3"):
        witness.note("us-east", runner, TWO_HOURS)
    assert witness.judged().is_wrong, "where nobody else is heard, each runner has one"
    witness.note("us-west", "r1", 0)
    witness.note("eu-west", "r1", 0)
    assert witness.judged() == HubClock(readings=3, by=("us-east",))


def test_who_was_not_heard_lately_has_no_voice() -> None:
    now = [0.0]
    witness = ClockWitness(steady=lambda: now[0])
    witness.note("us-east", "r1", TWO_HOURS)
    witness.note("us-west", "r1", TWO_HOURS)
    now[0] = 151.0
    assert witness.judged() == HubClock()


def tell(bench: Bench, place: str, *runs: Run, ahead_s: float = 0.0) -> httpx.Response:
    """A runner whose clock is ahead of the hub's sends runs."""
    about = {"id": f"{place}-1", "sent_at": to_wire(bench.now + timedelta(seconds=ahead_s))}
    body = {"location": place, "runner": about, "runs": to_wire(list(runs))}
    answer: httpx.Response = bench.client.post("/api/runs", json=body)
    return answer


def a_run_by(bench: Bench, place: str, ahead_s: float) -> Run:
    run = bench.slot_run(place)
    assert run.slot is not None
    ahead = timedelta(seconds=ahead_s)
    return replace(run, slot=run.slot + ahead, started_at=run.started_at + ahead, finished_at=run.finished_at + ahead)


def watching_itself(bench: Bench) -> None:
    bench.cycle.hub_clock = bench.context.ingest.witness.judged


def verdicts(bench: Bench) -> dict[str, dict[str, Any]]:
    told = bench.client.get("/api/sla").json()["verdicts"]
    return {"/".join(filter(None, (v["rule"], v["journey"], v["subject"]))): v for v in told}


@pytest.mark.parametrize("ahead_s", [TWO_HOURS, 400.0, 86_400.0 * 400])
def test_a_hub_whose_clock_is_behind_refuses_nothing_for_good_and_takes_it_once_it_is_right(
    bench: Bench, ahead_s: float
) -> None:
    made = {place: a_run_by(bench, place, ahead_s) for place in PLACES}
    for place, run in made.items():
        answer = tell(bench, place, run, ahead_s=ahead_s)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20"), answer.text
    assert "the hub's clock is" in answer.json()["error"]
    bench.now += timedelta(seconds=ahead_s)
    for place in PLACES:
        tell(bench, place)
    answers = [tell(bench, place, run).json() for place, run in made.items()]
    assert [answer["results"][0]["result"] for answer in answers] == ["accepted"] * 3
    kept = bench.client.get("/api/runs").json()["runs"]
    assert sorted(run["started_at"] for run in kept) == sorted(to_wire(run.started_at) for run in made.values())


def test_a_hub_whose_clock_is_ahead_takes_nothing_until_it_is_right(light: Bench) -> None:
    for place in PLACES[:2]:
        tell(light, place, ahead_s=-TWO_HOURS)
    assert tell(light, "eu-west", a_run_by(light, "eu-west", -TWO_HOURS), ahead_s=-TWO_HOURS).status_code == 503


def test_a_hub_that_is_wrong_by_little_takes_results_and_tells_of_itself(light: Bench) -> None:
    watching_itself(light)
    for place in PLACES:
        assert tell(light, place, a_run_by(light, place, 60), ahead_s=60).status_code == 200
    light.tick()
    assert verdicts(light)["W3/hub"]["severity"] == "high"
    assert verdicts(light)["F0/ga_purchase"]["verdict"] == "met"


def test_one_runner_alone_that_disagrees_has_the_problem(light: Bench) -> None:
    for place in PLACES[1:]:
        tell(light, place)
    answer = tell(light, "us-east", a_run_by(light, "us-east", TWO_HOURS), ahead_s=TWO_HOURS)
    (result,) = answer.json()["results"]
    assert (answer.status_code, result["result"]) == (200, "rejected")
    assert "set the runner's clock" in result["reason"]


def test_what_is_of_the_hubs_future_waits_where_nobody_can_tell_whose_clock_it_is(light: Bench) -> None:
    ahead = a_run_by(light, "us-east", TWO_HOURS)
    answer = tell(light, "us-east", ahead, ahead_s=TWO_HOURS)
    assert answer.status_code == 503
    assert "no other runner is heard that could tell which is wrong" in answer.json()["error"]
    # What is of the past can be taken, and nothing is held up by it.
    assert tell(light, "us-east", a_run_by(light, "us-east", -600), ahead_s=-600).status_code == 200


def test_a_hub_that_is_wrong_alerts_on_itself_judges_nothing_else_and_names_it_on_every_page(bench: Bench) -> None:
    watching_itself(bench)
    for place in PLACES:
        tell(bench, place, bench.slot_run(place))
    bench.tick()
    bench.now -= timedelta(seconds=TWO_HOURS)
    for _ in range(6):
        for place in PLACES:
            tell(bench, place, ahead_s=TWO_HOURS)
        bench.tick()
    firing = [a for a in bench.client.get("/api/alerts").json()["alerts"] if a["state"] == "firing"]
    assert [(a["id"], a["severity"]) for a in firing] == [("W3.hub.1", "critical")]
    judged = verdicts(bench)
    assert {v["verdict"] for key, v in judged.items() if not key.startswith(("W3", "W4"))} <= {"no_data", "off"}
    for page in ("/", "/alerts", "/sla"):
        assert "The hub&#39;s clock is 2 h 0 min behind" in bench.client.get(page).text
    bench.now += timedelta(seconds=TWO_HOURS)
    for _ in range(3):
        for place in PLACES:
            tell(bench, place)
        bench.tick()
    found = bench.client.get("/api/alerts").json()["alerts"]
    assert [(a["id"], a["state"]) for a in found] == [("W3.hub.1", "resolved")]
    assert datetime.fromisoformat(found[0]["fired_at"]) <= datetime.fromisoformat(found[0]["resolved_at"])
