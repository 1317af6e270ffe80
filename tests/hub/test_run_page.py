"""The page of a run at the hub, what its buttons do, and the runs that people request."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.windows import Maintenance
from facts import PlannedJourney, Role, Run, Status, TokenKind, from_wire, to_wire
from hub.access import Access
from hub.run_requests import EXPIRES_AFTER, why_too_expensive
from journeys.site import RequestBudget
from store import Store
from tests.builders import A_MOMENT, CHECKOUT_403, a_run, an_attempt, some_evidence
from tests.hub.conftest import PASSWORD, Bench, a_bench, csrf_of

HERE, GA = "us-east", "ga_purchase"


def failed(bench: Bench, location: str = HERE, **facts: Any) -> Run:
    told = {"status": Status.FAILED, "failed_step": "proceed_to_stripe", "error": CHECKOUT_403}
    return bench.slot_run(location, **{**told, **facts})


def run_now(bench: Bench, journey: str = GA, /, headers: dict[str, str] | None = None, **asked: Any) -> Any:
    return bench.client.post(f"/api/journeys/{journey}/run-now", json=asked, headers=headers or {})


def planned_requests(bench: Bench, location: str = HERE) -> list[str]:
    plan = bench.client.get("/api/plan", params={"location": location}).json()
    return [one["id"] for one in plan["requested"]]


def take(bench: Bench, request_id: str, runner: str = "runner-1", **how: Any) -> Any:
    return bench.client.post(f"/api/run-requests/{request_id}/take", json={"runner": runner}, **how)


def test_the_page_counts_the_same_error_at_each_location_with_links(light: Bench) -> None:
    mine = failed(light)
    light.send(mine, failed(light, "us-west", minutes_ago=30), failed(light, "us-west", minutes_ago=120))
    light.send(failed(light, "eu-west", error="choose_city: something else", failed_step="choose_city"))
    page = light.client.get(f"/runs/{mine.id}").text
    assert "3 runs, 2 locations and 1 journey in 7 days" in page
    assert '>us-west</th><td class="r">1</td><td class="r">2</td><td class="r">2</td>' in page
    assert f'href="/runs/{failed(light, "us-west", minutes_ago=30).id}"' in page


def test_the_page_has_the_usual_durations_of_the_last_good_runs(light: Bench) -> None:
    for n in range(5):
        light.send(light.slot_run(minutes_ago=10 + 5 * n))
    bad = failed(light)
    light.send(bad)
    page = light.client.get(f"/runs/{bad.id}").text
    assert "box: 10th to 95th percentile of the last 5 good runs, same location" in page


def test_a_run_is_told_as_markdown_with_its_address(light: Bench) -> None:
    bad = failed(light)
    light.send(bad)
    answer = light.client.get(f"/runs/{bad.id}.md")
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.text.startswith("# Failed: ga_purchase at us-east")
    assert f"/runs/{bad.id})" in answer.text
    assert light.client.get("/runs/none.md").status_code == 404


@pytest.mark.parametrize(
    ("url", "opens"),
    [("https://192.0.2.7", True), ("http://localhost:8080", True), ("http://[::1]:8080", True), ("http://192.0.2.7", False)],
)  # fmt: skip
def test_a_trace_is_opened_where_the_browser_allows_it_and_else_by_a_command(
    sqlite_store: Store, tmp_path: Path, url: str, opens: bool
) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access()) as bench:
        bad = a_traced_run(bench)
        bench.log_in(Role.VIEWER)
        session = bench.client.cookies["sixfb_session"]
        bench.client.cookies.clear()
        name = "__Host-sixfb_session" if url.startswith("https") else "sixfb_session"
        page = bench.client.get(f"{url}/runs/{bad.id}", headers={"Cookie": f"{name}={session}"}).text
    assert ("/trace/index.html?trace=/evidence/" in page) is opens
    assert ("playwright show-trace trace.zip" in page) is not opens


def a_traced_run(bench: Bench) -> Run:
    content = b"PK\x05\x06" + b"\0" * 18
    name = hashlib.sha256(content).hexdigest()
    bench.client.put(f"/api/evidence/{name}", content=content, headers={"X-Evidence-Kind": "trace"})
    bad = failed(bench, evidence=(some_evidence("trace", sha256=name),))
    bench.send(bad)
    return bad


def test_a_person_says_who_is_to_blame(light: Bench) -> None:
    bad = failed(light)
    light.send(bad)
    asked = {"blame": "third_party", "reason": "Stripe says so"}
    answer = light.client.post(f"/api/runs/{bad.id}/reclassify", json=asked, headers={"X-Sixfb-Person": "anna"})
    assert answer.status_code == 200
    assert answer.json() == {"run_id": bad.id, "was": "site", "by": "anna", **asked}
    assert "Stripe says so" in light.client.get(f"/runs/{bad.id}").text
    assert light.client.get(f"/api/runs/{bad.id}").json()["blame"] == "third_party"


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ({"blame": "nobody", "reason": "x"}, 422, "blame: 'nobody' is none; choose one of site, network"),
        ({"reason": "x"}, 422, "blame: 'None' is none"),
        ({"blame": ["site"], "reason": "x"}, 422, "is none; choose one of"),
        ({"blame": "site"}, 422, "reason: write why"),
        ({"blame": "site", "reason": "  "}, 422, "reason: write why"),
        ({"blame": "site", "reason": "x" * 501}, 422, "reason: write why, in 1 to 500 characters"),
        ([], 422, "send an object"),
    ],
)
def test_what_is_no_blame_is_refused_with_what_to_do(light: Bench, asked: Any, status: int, told: str) -> None:
    bad = failed(light)
    light.send(bad)
    answer = light.client.post(f"/api/runs/{bad.id}/reclassify", json=asked)
    assert (answer.status_code, told in answer.json()["error"]) == (status, True), answer.text


def test_nobody_is_blamed_for_a_run_that_passed_and_its_page_has_no_form_for_it(light: Bench) -> None:
    good = light.slot_run()
    light.send(good)
    asked = {"blame": "site", "reason": "x"}
    assert light.client.post(f"/api/runs/{good.id}/reclassify", json=asked).status_code == 409
    assert light.client.post("/api/runs/none/reclassify", json=asked).status_code == 404
    assert "/reclassify" not in light.client.get(f"/runs/{good.id}").text


def test_the_buttons_of_the_page_work_by_form_and_a_viewer_has_none(sqlite_store: Store, tmp_path: Path) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access()) as bench:
        bad = failed(bench)
        bench.send(bad)
        bench.log_in(Role.VIEWER)
        seen = bench.client.get(f"/runs/{bad.id}").text
        assert "/run-now" not in seen
        assert "/reclassify" not in seen
        bench.client.cookies.clear()
        bench.log_in(Role.OPERATOR)
        csrf = csrf_of(bench.client.get(f"/runs/{bad.id}").text)
        path = f"/api/runs/{bad.id}/reclassify"
        form = {"blame": "network", "reason": "the line was down"}
        assert bench.client.post(path, data={**form, "csrf": "stale"}).status_code == 403
        assert bench.client.post(path, data={**form, "csrf": csrf}).headers["Location"] == f"/runs/{bad.id}"
        asked = bench.client.post(f"/api/journeys/{GA}/run-now", data={"csrf": csrf, "location": HERE})
        assert asked.status_code == 303
        page = bench.client.get(asked.headers["Location"]).text
        assert "A run of ga_purchase at us-east is requested." in page
        assert "Requested by operator" in page


def test_a_requested_run_goes_to_one_runner_and_its_page_follows_it(light: Bench) -> None:
    tag = light.client.get("/api/plan", params={"location": HERE}).headers["ETag"]
    requested = run_now(light, location=HERE).json()["requested"]
    (request_id,) = planned_requests(light)
    assert [one["id"] for one in requested] == [request_id]
    fresh = light.client.get("/api/plan", params={"location": HERE}, headers={"If-None-Match": tag})
    assert fresh.status_code == 200
    assert planned_requests(light, "us-west") == []
    assert "Waiting for a runner" in light.client.get(f"/runs/{request_id}").text

    assert take(light, request_id).json() == {"granted": True}
    assert take(light, request_id, "runner-2").json() == {"granted": False}
    assert take(light, request_id).json() == {"granted": True}
    assert planned_requests(light) == []
    assert "Under way" in light.client.get(f"/runs/{request_id}").text

    light.send(a_run(id=request_id, location=HERE, slot=None, status=Status.PASSED))
    page = light.client.get(f"/runs/{request_id}").text
    assert "ad hoc, never counts" in page


def test_a_run_requested_twice_before_it_began_is_made_once(light: Bench) -> None:
    first, second = (run_now(light, location=HERE).json()["requested"][0]["id"] for _ in range(2))
    assert first == second


def test_without_a_location_each_location_of_the_journey_is_asked(light: Bench) -> None:
    found = run_now(light).json()
    assert [one["location"] for one in found["requested"]] == list(light.context.watched.schedules()[GA].grids)


@pytest.mark.parametrize(
    ("journey", "asked", "status", "told"),
    [
        ("none", {}, 404, "no journey 'none' on the schedule; there are: ga_purchase"),
        (GA, {"location": "mars"}, 404, "ga_purchase is not run at 'mars'; it is run at: us-east"),
        (GA, {"location": 3}, 422, "send an object"),
        (GA, {"location": ["us-east"]}, 422, "send an object"),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_can(
    light: Bench, journey: str, asked: dict[str, Any], status: int, told: str
) -> None:
    answer = run_now(light, journey, **asked)
    assert (answer.status_code, told in answer.json()["error"]) == (status, True), answer.text


def test_a_request_that_nobody_took_expires(light: Bench) -> None:
    request_id = run_now(light, location=HERE).json()["requested"][0]["id"]
    light.now += EXPIRES_AFTER + timedelta(seconds=1)
    assert planned_requests(light) == []
    assert take(light, request_id).json() == {"granted": False}
    light.now += timedelta(minutes=10)
    assert "No runner took it." in light.client.get(f"/runs/{request_id}").text
    assert run_now(light, location=HERE).json()["requested"][0]["id"] != request_id


def test_a_location_takes_no_request_of_another(sqlite_store: Store, tmp_path: Path) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access(require_tokens=True)) as bench:
        bench.user(Role.OPERATOR)
        bench.try_login("operator", PASSWORD)
        request_id = run_now(bench, location=HERE, headers={"X-Sixfb": "1"}).json()["requested"][0]["id"]
        bench.client.cookies.clear()
        west, east = bench.token(TokenKind.LOCATION, "us-west"), bench.token(TokenKind.LOCATION, HERE)
        assert take(bench, request_id, headers=west).status_code == 403
        assert take(bench, request_id, headers=east).json() == {"granted": True}
        assert take(bench, "none", headers=east).status_code == 404
        assert take(bench, request_id, "", headers=east).status_code == 422


def test_maintenance_forbids_a_requested_run_in_a_sentence(light: Bench) -> None:
    window = Maintenance(
        name="migration",
        start=(light.now - timedelta(minutes=5)).replace(tzinfo=None),
        zone=ZoneInfo("UTC"),
        duration=timedelta(minutes=30),
        reason="the database moves",
        journeys=(),
        locations=(HERE,),
    )
    policy = replace(light.context.policy, maintenance=(window,))
    object.__setattr__(light.context, "policy", policy)
    answer = run_now(light, location=HERE)
    assert answer.status_code == 409
    assert "us-east: maintenance until" in answer.json()["error"]
    assert "the database moves" in answer.json()["error"]
    both = run_now(light).json()
    assert [one["location"] for one in both["refused"]] == [HERE]
    assert both["requested"]


PLANNED = (PlannedJourney(journey=GA, period_s=300), PlannedJourney(journey="vip", period_s=900))
ALLOWED = RequestBudget(requests=100, window_s=900)


def at(minutes: float) -> datetime:
    return A_MOMENT + timedelta(minutes=minutes)


def a_spent_run(journey: str, minutes_ago: float, counted: int, **attempt: Any) -> Run:
    began = at(-minutes_ago)
    one = an_attempt(number=1, started_at=began, **{"requests_left": None, "requests_counted": counted, **attempt})
    return a_run(journey=journey, attempts=(one,), started_at=began)


@pytest.mark.parametrize(
    ("recent", "allowed", "refusal"),
    [
        ([], None, None),
        ([], ALLOWED, None),
        ([a_spent_run(GA, 1, 20)], None, None),
        # 20 of 100 are spent; until the window ends in 14 minutes there are two slots of 20 each.
        ([a_spent_run(GA, 1, 20)], ALLOWED, None),
        ([a_spent_run(GA, 1, 40)], ALLOWED, "60 requests are left to it until 16:34:00 UTC, a run of ga_purchase takes about 40"),
        ([a_spent_run(GA, 16, 20)], ALLOWED, None),
        ([a_spent_run(GA, 1, 20, requests_left=30, requests_reset_at=at(6))], None, "30 requests are left to it until 16:26:00 UTC"),
        ([a_spent_run(GA, 1, 20, requests_left=30, requests_reset_at=at(4))], None, None),
        ([a_spent_run(GA, 9, 20, requests_left=0, requests_reset_at=at(-1))], None, None),
    ],
)  # fmt: skip
def test_a_requested_run_leaves_the_coming_slots_their_requests(
    recent: list[Run], allowed: RequestBudget | None, refusal: str | None
) -> None:
    found = why_too_expensive(recent, PLANNED, GA, allowed=allowed, now=A_MOMENT)
    assert (found is None) == (refusal is None), found
    assert refusal is None or refusal in (found or "")


def test_the_record_of_a_run_keeps_its_wire_form() -> None:
    """An older runner and hub know neither a script's file nor a picture's step, and are sent none where there is none."""
    told = to_wire(a_run())
    assert all("file" not in request for request in told["attempts"][0]["requests"])
    assert from_wire(Run, told) == a_run()
