"""Runners are heard also when they have nothing to send; their clocks are held against ours; one of several gets a slot."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from facts import Blame, Run, Status, claim_ttl_s, to_wire
from store import runners
from tests.builders import A_MOMENT, an_attempt
from tests.hub.conftest import Bench

GA = "ga_purchase"
SLOT = A_MOMENT
TTL_S = claim_ttl_s(300)


def beat(bench: Bench, location: str = "us-east", *runs: Run, ahead_s: float | None = 0, **facts: Any) -> list[Any]:
    """A message of a runner; what became of its runs."""
    sent_at = None if ahead_s is None else to_wire(bench.now + timedelta(seconds=ahead_s))
    return bench.send(*runs, location=location, runner={"id": "r1", "sent_at": sent_at, **facts})


def shown(bench: Bench, location: str = "us-east") -> dict[str, Any]:
    answer = bench.client.get("/api/locations").json()["locations"]
    found: dict[str, Any] = next(one for one in answer if one["location"] == location)
    return found


def test_an_empty_batch_tells_of_its_runner(bench: Bench) -> None:
    beat(bench, version="1.2.3", spool=7, rejected=1, trouble="its disk takes nothing")
    (runner,) = shown(bench)["runners"]
    said = {"version": "1.2.3", "spool": 7, "rejected": 1, "trouble": "its disk takes nothing"}
    assert {key: runner[key] for key in said} == said
    assert (runner["id"], runner["heard_at"], runner["skews"]) == ("r1", to_wire(bench.now), [0.0])
    assert shown(bench)["last_result_at"] is None
    nothing: dict[str, Any] = {"last_result_at": None, "spool": 0, "warnings": [], "runners": []}
    assert shown(bench, "us-west") == {"location": "us-west", **nothing}


def test_what_waits_at_a_location_is_the_sum_of_its_runners(bench: Bench) -> None:
    beat(bench, spool=3)
    beat(bench, id="r2", spool=4)
    beat(bench, "us-west", spool=5)
    assert (shown(bench)["spool"], shown(bench, "us-west")["spool"]) == (7, 5)
    with bench.store.read() as connection:
        assert runners.spooled(connection, since=bench.now) == {"us-east": 7, "us-west": 5}
        assert runners.spooled(connection, since=bench.now + timedelta(seconds=1)) == {}
    beat(bench, spool=0)
    assert shown(bench)["spool"] == 4


def test_the_dashboard_shows_what_waits_and_what_troubles_a_runner(bench: Bench) -> None:
    beat(bench, spool=1234, trouble="<b>its disk</b> takes nothing")
    page = bench.client.get("/").text
    assert "1,234 results wait" in page
    assert "&lt;b&gt;its disk&lt;/b&gt; takes nothing" in page
    assert "no runner was heard" in page


def test_a_browser_without_its_sandbox_is_seen_beside_its_location_and_nowhere_else(bench: Bench) -> None:
    beat(bench, "us-east", sandbox=False)
    beat(bench, "us-west", sandbox=True)
    beat(bench, "eu-west")
    (warning,) = shown(bench, "us-east")["warnings"]
    assert warning.startswith("browser sandbox off: ")
    assert "SIXFB_SANDBOX" in warning, "it says what to do"
    assert [shown(bench, place)["warnings"] for place in ("us-west", "eu-west")] == [[], []]
    assert [shown(bench, place)["runners"][0]["sandbox"] for place in ("us-east", "us-west", "eu-west")] == [
        False,
        True,
        None,
    ]
    rows = bench.client.get("/").text.split('<tr><th scope="row" class="nowrap">')
    told = {
        place: any(row.startswith(place) and "browser sandbox off" in row for row in rows)
        for place in ("us-east", "us-west", "eu-west")
    }
    assert told == {"us-east": True, "us-west": False, "eu-west": False}
    beat(bench, "us-east", sandbox=True)
    assert shown(bench, "us-east")["warnings"] == []


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        "well",
        7,
        True,
        {"id": 7},
        {"id": "r1", "spool": "many"},
        {"id": "r1", "sandbox": "perhaps"},
        {"id": "r1", "sent_at": "soon"},
        {"id": "r1", "sent_at": "0001-01-01T00:00:00Z"},
        {"id": "r1", "spool": 10**30, "rejected": -5},
        {"id": "r" * 5000, "version": "v" * 5000, "trouble": "t" * 5000},
        {"id": "\x00", "trouble": "\x00"},
        {"spool": 3},
    ],
)
def test_whatever_a_runner_says_of_itself_costs_no_run(bench: Bench, told: Any) -> None:
    (result,) = bench.send(bench.slot_run(), location="us-east", runner=told)
    assert result["result"] == "accepted"
    bench.tick()


def test_a_silent_runner_that_answers_is_told_apart(bench: Bench) -> None:
    bench.send(bench.slot_run("us-west"), bench.slot_run("eu-west"))
    bench.now += timedelta(minutes=12)
    beat(bench, trouble="its last runs errored: the browser did not start")
    bench.send(bench.slot_run("us-west"), bench.slot_run("eu-west"))
    bench.tick()
    verdicts = {f"{v['rule']}/{v['subject']}": v for v in bench.client.get("/api/sla").json()["verdicts"]}
    said = verdicts["W1/us-east"]["summary"]
    assert "its runner answers, and measures nothing: its last runs errored: the browser did not start" in said


def a_skewed_run(bench: Bench, ahead_s: float) -> Run:
    """A run that finished a minute ago, told by a clock that is ahead."""
    run = bench.slot_run(attempts=(an_attempt(started_at=bench.now + timedelta(seconds=ahead_s)),))
    ahead = timedelta(seconds=ahead_s)
    return bench.slot_run(
        slot=run.slot, started_at=run.started_at + ahead, finished_at=run.finished_at + ahead, attempts=run.attempts
    )


@pytest.mark.parametrize(("ahead_s", "set_right"), [(29, False), (31, True), (-31, True), (-3600, True)])
def test_the_times_of_a_clock_that_is_far_off_are_set_right(bench: Bench, ahead_s: float, *, set_right: bool) -> None:
    for _ in range(4):
        beat(bench, ahead_s=ahead_s)
    run = a_skewed_run(bench, ahead_s)
    (result,) = beat(bench, "us-east", run, ahead_s=ahead_s)
    assert result["result"] == "accepted"
    kept = bench.client.get(f"/api/runs/{run.id}").json()
    off = datetime.fromisoformat(kept["started_at"]) - (bench.now - timedelta(seconds=85))
    assert off == timedelta(seconds=0 if set_right else ahead_s)
    assert kept["slot"] == to_wire(run.slot)
    assert any("set right" in note for note in kept["notes"]) is set_right
    if set_right:
        assert kept["finished_at"] == to_wire(bench.now - timedelta(minutes=1))
        assert kept["attempts"][0]["started_at"] == to_wire(bench.now)


def test_four_messages_are_too_few_to_disbelieve_a_clock(bench: Bench) -> None:
    for _ in range(3):
        beat(bench, ahead_s=-60)
    run = a_skewed_run(bench, -60)
    beat(bench, "us-east", run, ahead_s=-60)
    assert bench.client.get(f"/api/runs/{run.id}").json()["notes"] == to_wire(run.notes)


def test_a_clock_that_is_set_is_believed_again(bench: Bench) -> None:
    for ahead_s in (-60, -60, -60, -60, -60, 0, 0, 0):
        beat(bench, ahead_s=ahead_s)
    run = bench.slot_run()
    beat(bench, "us-east", run)
    assert bench.client.get(f"/api/runs/{run.id}").json()["notes"] == to_wire(run.notes)


def ask(bench: Bench, runner: str = "r1", *, after_s: float = 0, **facts: Any) -> httpx.Response:
    slot = bench.context.watched.schedules()[GA].grids["us-east"].at_or_before(bench.now) + timedelta(seconds=after_s)
    body = {"journey": GA, "location": "us-east", "slot": to_wire(slot), "runner": runner, **facts}
    answer: httpx.Response = bench.client.post("/api/slots/claim", json=body)
    return answer


def granted(bench: Bench, runner: str = "r1", **facts: Any) -> bool:
    answer = ask(bench, runner, **facts)
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["granted"])


def test_the_first_runner_gets_the_slot_and_the_other_is_told_who_has_it(bench: Bench) -> None:
    assert granted(bench)
    assert granted(bench)
    told = ask(bench, "r2").json()
    until = to_wire(bench.now + timedelta(seconds=TTL_S))
    assert told == {"granted": False, "held_by": "r1", "until": until, "record": None}
    assert granted(bench, "r2", after_s=300)


def test_a_claim_that_is_renewed_holds_and_one_that_is_not_is_free(bench: Bench) -> None:
    granted(bench)
    for _ in range(4):
        bench.now += timedelta(seconds=TTL_S - 1)
        assert granted(bench, "r1", slot=to_wire(SLOT))
        assert not granted(bench, "r2", slot=to_wire(SLOT))
    bench.now += timedelta(seconds=TTL_S)
    assert granted(bench, "r2", slot=to_wire(SLOT))
    assert not granted(bench, "r1", slot=to_wire(SLOT))


def test_a_slot_that_is_given_back_is_free_at_once_and_nobody_gives_back_anothers(bench: Bench) -> None:
    granted(bench)
    ask(bench, "r2", release=True)
    assert not granted(bench, "r2")
    ask(bench, "r1", release=True)
    assert granted(bench, "r2")


@pytest.mark.parametrize(("status", "free"), [(Status.PASSED, False), (Status.ERRORED, False), (Status.MISSED, True)])
def test_a_slot_with_a_measured_record_is_nobodys_to_run(bench: Bench, status: Status, *, free: bool) -> None:
    bench.send(bench.slot_run(slot=SLOT, status=status))
    told = ask(bench, slot=to_wire(SLOT)).json()
    assert (told["granted"], told["record"]) == (free, status)


@pytest.mark.parametrize(
    ("facts", "status", "says"),
    [
        ({"journey": "nothing"}, 404, "not on the plan"),
        ({"location": "mars"}, 404, "not on the plan"),
        ({"after_s": 1}, 422, "none of the plan's"),
        ({"after_s": -86_400 * 2}, 422, "not of these hours"),
        ({"after_s": 86_400}, 422, "not of these hours"),
        ({"slot": "soon"}, 422, "slot"),
        ({"runner": ""}, 422, "runner"),
        ({"runner": "\x00"}, 422, "runner"),
        ({"runner": "r" * 101}, 422, "runner"),
        ({"runner": None}, 422, "runner"),
    ],
)
def test_what_is_no_slot_of_the_plan_cannot_be_claimed(
    bench: Bench, facts: dict[str, Any], status: int, says: str
) -> None:
    answer = ask(bench, **{"runner": "r1", **facts})
    assert answer.status_code == status
    assert says in answer.json()["error"]


def test_a_token_claims_slots_of_its_own_location_only(light: Bench) -> None:
    mine, other = light.token(subject="us-east"), light.token(subject="us-west")
    slot = light.context.watched.schedules()[GA].grids["us-east"].at_or_before(light.now)
    body = {"journey": GA, "location": "us-east", "slot": to_wire(slot), "runner": "r1"}
    assert light.client.post("/api/slots/claim", json=body, headers=mine).status_code == 200
    assert light.client.post("/api/slots/claim", json=body, headers=other).status_code == 403
    assert light.client.post("/api/slots/claim", json=body).status_code == 401


def test_the_alert_says_who_was_counted_and_who_was_left_out_and_why(bench: Bench) -> None:
    failed: dict[str, Any] = {
        "status": Status.FAILED,
        "blame": Blame.SITE,
        "failed_step": "choose_city",
        "error": "choose_city: 500",
    }
    bench.send(*(bench.slot_run(place, **failed) for place in ("us-east", "us-west")), bench.slot_run("eu-west"))
    beat(bench, "eu-west", trouble="its disk takes nothing")
    bench.tick()
    alerts = bench.client.get("/api/alerts?state=firing").json()["alerts"]
    outage = next(alert for alert in alerts if alert["rule"] == "F0")
    assert outage["counted"] == ["us-east", "us-west"]
    assert outage["left_out"] == ["eu-west: its runner is in trouble: its disk takes nothing"]
    assert "left out: eu-west: its runner is in trouble: its disk takes nothing" in outage["summary"]


def test_what_the_hub_refused_is_told_with_the_reason(bench: Bench) -> None:
    why = "slot: 2026-11-23T18:20:00Z is in the hub's future; set the runner's clock"
    beat(bench, rejected=2, refusal=why)
    bench.tick()
    alert = next(a for a in bench.client.get("/api/alerts").json()["alerts"] if a["rule"] == "W5")
    assert (
        alert["summary"]
        == f"us-east: 2 records were refused by the hub and are kept at the runner; the last one: {why} (limit 1)"
    )
