"""What runners send is taken, told apart, or refused with the reason; nothing of a refused batch is kept."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.windows import Maintenance
from facts import Status, to_wire
from store import runs
from tests.builders import a_run
from tests.hub.conftest import Bench


def test_a_run_is_accepted_once_and_read_back(bench: Bench) -> None:
    run = bench.slot_run()
    assert [r["result"] for r in bench.send(run, run)] == ["accepted", "duplicate"]
    assert bench.client.get(f"/api/runs/{run.id}").json()["id"] == run.id
    assert bench.client.get("/api/runs").json()["runs"][0]["run_id"] == run.id


def test_one_bad_record_does_not_hold_the_others_up(bench: Bench) -> None:
    good = to_wire(bench.slot_run())
    records = [{**good, "id": "bad", "status": "wonderful"}, good, "nonsense"]
    results = bench.client.post("/api/runs", json={"runs": records}).json()["results"]
    assert [(r["id"], r["result"]) for r in results] == [
        ("bad", "rejected"),
        (good["id"], "accepted"),
        ("runs[2]", "rejected"),
    ]
    assert "status" in results[0]["reason"]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"location": "mars"}, "not in the hub's locations.yaml"),
        ({"slot": "future"}, "in the hub's future"),
        ({"finished_at": "early"}, "before started_at"),
        ({"id": "a/b"}, "without a slash"),
        ({"error": "x" * 140_000}, "larger than 128 KiB"),
        ({"slot": None, "status": Status.MISSED}, "is a slot's"),
    ],
)
def test_a_record_that_cannot_be_is_rejected_with_the_reason(bench: Bench, facts: dict[str, Any], says: str) -> None:
    moments = {"future": bench.now + timedelta(minutes=6), "early": bench.now - timedelta(days=1)}
    dated: dict[str, Any] = {k: moments.get(v, v) if isinstance(v, str) else v for k, v in facts.items()}
    run = bench.slot_run(**dated)
    (result,) = bench.send(run)
    assert result["result"] == "rejected"
    assert says in result["reason"]


def test_a_run_of_another_location_than_its_batch_is_rejected(bench: Bench) -> None:
    (result,) = bench.send(bench.slot_run("us-west"), location="us-east")
    assert "the batch of us-east" in result["reason"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"{}", 422),
        (b'{"runs": 1}', 422),
        (json.dumps({"runs": [{}] * 51}).encode(), 413),
        (b" " * (4 * 1024 * 1024 + 1), 413),
    ],
)
def test_a_batch_that_is_none_is_refused_whole(bench: Bench, body: bytes, status: int) -> None:
    answer = bench.client.post("/api/runs", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_late_result_corrects_the_past_and_is_marked(bench: Bench) -> None:
    bench.send(bench.slot_run(minutes_ago=8), bench.slot_run("us-west", minutes_ago=7))
    with bench.store.read() as connection:
        found = runs.outcomes(connection, since=bench.now - timedelta(hours=1))
    assert {o.location: o.late for o in found} == {"us-east": True, "us-west": False}


def test_a_runner_whose_clock_is_ahead_is_not_fresh_for_longer(bench: Bench) -> None:
    bench.send(bench.slot_run(finished_at=bench.now + timedelta(minutes=4)))
    with bench.store.read() as connection:
        assert runs.outcomes(connection, since=bench.now - timedelta(hours=1))[0].finished_at == bench.now


def test_the_plan_tells_a_runner_of_the_maintenance_at_its_location(bench: Bench) -> None:
    before = bench.client.get("/api/plan?location=us-east")
    window = Maintenance(
        name="deploy",
        start=(bench.now + timedelta(hours=1)).replace(tzinfo=None),
        duration=timedelta(hours=2),
        reason="a new version",
        zone=ZoneInfo("UTC"),
        locations=("us-east",),
    )
    object.__setattr__(bench.context, "policy", replace(bench.context.policy, maintenance=(window,)))
    told = bench.client.get("/api/plan?location=us-east", headers={"If-None-Match": before.headers["ETag"]})
    assert told.status_code == 200, "the maintenance is news, although the plan's hash is the same"
    assert told.json()["hash"] == before.json()["hash"]
    (found,) = told.json()["maintenance"]
    assert (found["reason"], found["journeys"]) == ("a new version", [])
    assert bench.client.get("/api/plan?location=us-west").json()["maintenance"] == []
    bench.now += timedelta(minutes=1)
    again = bench.client.get("/api/plan?location=us-east", headers={"If-None-Match": told.headers["ETag"]})
    assert again.status_code == 304


def test_the_plan_of_a_location_has_its_staggered_slots_and_does_not_travel_twice(bench: Bench) -> None:
    answer = bench.client.get("/api/plan", params={"location": "us-west"})
    plan = answer.json()
    assert [(p["journey"], p["period_s"], p["stagger_s"]) for p in plan["journeys"]] == [
        ("ga_purchase", 300, 100.0),
        ("vip_member_discount", 900, 300.0),
    ]
    again = bench.client.get("/api/plan?location=us-west", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert bench.client.get("/api/plan?location=mars").status_code == 404


def put(bench: Bench, content: bytes, *, sha256: str | None = None, kind: str = "screenshot") -> Any:
    name = sha256 or hashlib.sha256(content).hexdigest()
    return bench.client.put(f"/api/evidence/{name}", content=content, headers={"X-Evidence-Kind": kind})


def test_evidence_is_kept_under_its_hash_and_served_as_what_it_was_said_to_be(bench: Bench) -> None:
    content = b"\xff\xd8\xff a picture"
    assert put(bench, content).status_code == 201
    assert put(bench, content).status_code == 200
    answer = bench.client.get(f"/evidence/{hashlib.sha256(content).hexdigest()}.jpg")
    assert answer.content == content
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("how", "status"),
    [({"sha256": "a" * 64}, 422), ({"sha256": "passwd"}, 400), ({"kind": "script"}, 400)],
)
def test_evidence_that_is_not_what_it_says_is_refused(bench: Bench, how: dict[str, str], status: int) -> None:
    assert put(bench, b"<script>", **how).status_code == status
    assert bench.client.get(f"/evidence/{'a' * 64}").status_code == 404


def test_evidence_over_twenty_megabytes_is_refused(bench: Bench) -> None:
    assert put(bench, b"x" * (20 * 1024 * 1024 + 1)).status_code == 413


def test_an_ad_hoc_run_from_anywhere_is_kept_and_never_counts(bench: Bench) -> None:
    (result,) = bench.send(a_run(id="adhoc", slot=None, location="local", started_at=bench.now, finished_at=bench.now))
    assert result["result"] == "accepted"
