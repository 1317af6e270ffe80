"""Incidents at the hub: the list, the page with the whole story, the draft of a post-mortem, the API, and escalating now."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.directory import Directory
from alerts.escalation import Escalation, Tier
from facts import Blame, Incident, LadderStatus, Role, Severity, Status, to_wire
from hub.acknowledge import read_length
from store import Store, incidents, ladder
from tests.hub.conftest import Bench, a_bench, csrf_of

FAILED: dict[str, Any] = {
    "status": Status.FAILED,
    "blame": Blame.SITE,
    "failed_step": "proceed_to_stripe",
    "error": "proceed_to_stripe: POST /api/create-checkout-session answered 500",
}
PLACES = ("us-east", "us-west", "eu-west")


def outage(bench: Bench, *, deploy: str | None = "4f2a1") -> None:
    """A deploy, and two minutes later every location fails."""
    bench.send(*(bench.slot_run(place, minutes_ago=11) for place in PLACES))
    if deploy is not None:
        at = to_wire(bench.now - timedelta(seconds=205))
        bench.client.post("/api/deploys", json={"version": deploy, "environment": "production", "at": at})
    bench.send(*(bench.slot_run(place, minutes_ago=1 - number / 10, **FAILED) for number, place in enumerate(PLACES)))
    bench.tick()


def recovery(bench: Bench) -> None:
    """Two good runs at each location within four minutes; a tick at least every 50 seconds, or the watch would be interrupted."""
    for _ in range(5):
        bench.tick(50)
    for minutes in (2.5, 0.5):
        bench.send(*(bench.slot_run(place, minutes_ago=minutes) for place in PLACES))
        bench.tick()


def shown(bench: Bench, path: str = "/incidents/inc-1") -> str:
    answer = bench.client.get(path)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split())


def test_the_page_of_an_open_incident_says_what_no_buyer_can_do_and_since_when(light: Bench) -> None:
    outage(light)
    page = shown(light)
    assert "<h1>Nobody can pay, since 16:18 UTC, after deploy 4f2a1.</h1>" in page
    for said in (
        "First failed run, us-east",
        "Alert fires: GA purchase: payment fails",
        "Deploy 4f2a1 to production",
        "2 minutes after deploy 4f2a1 to production",
        "Nobody has acknowledged it",
        'href="/incidents/inc-1.md"',
        'href="/runs/run-us-east-161900"',
    ):
        assert said in page, said


def test_a_failed_run_leads_to_its_incident_and_a_good_one_to_none(light: Bench) -> None:
    outage(light)
    assert 'id="incident" href="/incidents/inc-1"' in shown(light, "/runs/run-us-east-161900")
    assert 'id="incident"' not in shown(light, "/runs/run-us-east-160900")
    before = light.slot_run("us-west", minutes_ago=40, **FAILED)
    light.send(before)
    assert 'id="incident"' not in shown(light, f"/runs/{before.id}")


def test_times_of_an_incident_and_of_alerts_are_those_of_the_readers_zone(light: Bench) -> None:
    outage(light)
    tokyo = "?zone=local&tz=Asia/Tokyo"
    assert "since 01:18 JST" in shown(light, f"/incidents/inc-1{tokyo}")
    assert "since 01:18 JST" in shown(light, f"/incidents{tokyo}")
    assert "since 01:18 JST" in shown(light, f"/alerts{tokyo}")


def test_an_outage_is_acted_on_from_the_overview(light: Bench) -> None:
    outage(light)
    page = shown(light, "/")
    for said in (
        'action="/api/journeys/ga_purchase/run-now" data-leaves',
        "Runbook:",
        "docs/runbooks.md#",
    ):
        assert said in page, said


def test_the_page_of_one_that_is_over_tells_the_whole_story_in_the_past(light: Bench) -> None:
    outage(light)
    light.client.post("/api/alerts/A1s.ga_purchase.1/ack", json={}, headers={"X-Sixfb-Person": "ann"})
    recovery(light)
    page = shown(light)
    assert "<h1>Nobody could pay for 3 min, after deploy 4f2a1.</h1>" in page
    for said in ("Resolved", "Acknowledged by ann", "First good run", "Incident resolved", "goal 5 min"):
        assert said in page, said
    told = light.client.get("/api/incidents/inc-1").json()
    times = [entry["at"] for entry in told["time_line"]]
    assert times == sorted(times)
    kinds = [entry["kind"] for entry in told["time_line"]]
    assert kinds[0] == "deploy"
    assert kinds[-1] == "resolved"
    assert {"run", "alert", "acknowledgement", "message", "recovery"} <= set(kinds)
    assert told["deploy"]["version"] == "4f2a1"
    assert told["bad_runs"] == {"ga_purchase": 3}
    assert {one["rule"]: one["bad"] for one in told["budgets"]}["F2a"] in (0, 3)


def test_a_deploy_long_before_it_is_not_blamed(light: Bench) -> None:
    light.client.post("/api/deploys", json={"version": "old", "at": to_wire(light.now - timedelta(minutes=40))})
    outage(light, deploy=None)
    page = shown(light)
    assert "after deploy" not in page
    assert light.client.get("/api/incidents/inc-1").json()["deploy"] is None


def test_the_list_has_the_open_ones_first_and_leads_to_each(light: Bench) -> None:
    assert "No incident." in shown(light, "/incidents")
    outage(light)
    page = shown(light, "/incidents")
    assert 'href="/incidents/inc-1"' in page
    assert "GA purchase: payment fails, since 16:18 UTC" in page
    assert 'href="/incidents/inc-1"' not in shown(light, "/incidents?state=resolved")
    assert 'href="/incidents/inc-1"' not in shown(light, "/incidents?severity=high")
    recovery(light)
    rows = list(csv.DictReader(io.StringIO(light.client.get("/incidents.csv?state=resolved").text)))
    assert [(row["id"], row["state"], row["severity"]) for row in rows] == [("inc-1", "resolved", "critical")]
    assert rows[0]["began_at"].endswith("Z")


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/incidents?range=year", 422, "range: 'year' is not known; there are 1h"),
        ("/incidents?state=shut", 422, "state: "),
        ("/incidents?severity=worst", 422, "severity: "),
        ("/incidents?page=0", 422, "page: "),
        ("/incidents?page=9999999", 422, "page: "),
        ("/incidents?page=%C2%B2", 422, "page: "),
        ("/incidents.csv?range=x", 422, "range: "),
        ("/incidents/inc-9", 404, "no incident"),
        ("/incidents/inc-9.md", 404, "no incident"),
        ("/incidents/INC-1", 404, "an id is written like inc-41"),
        ("/incidents/inc-%00", 404, ""),
        (f"/incidents/inc-{'9' * 400}", 404, "no incident"),
        ("/api/incidents/none", 404, "no incident"),
        ("/api/incidents?cursor=x", 422, "cursor: "),
        ("/api/incidents?limit=0", 422, ""),
        ("/api/incidents?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 422, "the period ends"),
    ],
)
def test_what_is_no_incident_or_no_filter_is_told(light: Bench, path: str, status: int, says: str) -> None:
    answer = light.client.get(path)
    assert answer.status_code in (status, 400) if "%00" in path else answer.status_code == status
    assert says in answer.text


def test_the_api_lists_incidents_in_pages_with_stable_ids(light: Bench) -> None:
    some = [
        Incident(
            id=f"inc-{n}", lead="F0.x.1", severity=Severity.CRITICAL if n % 2 else Severity.HIGH, opened_at=light.now
        )
        for n in range(1, 6)
    ]
    some[0] = replace(some[0], resolved_at=light.now)
    with light.store.write() as connection:
        incidents.save(connection, some)

    def listed(**asked: Any) -> tuple[list[str], str | None]:
        told = light.client.get("/api/incidents", params=asked).json()
        return [one["id"] for one in told["incidents"]], told["next"]

    assert listed(limit=2) == (["inc-5", "inc-4"], "inc-4")
    assert listed(limit=2, cursor="inc-4") == (["inc-3", "inc-2"], "inc-2")
    assert listed(limit=2, cursor="inc-2") == (["inc-1"], None)
    assert listed(state="open", severity="critical") == (["inc-5", "inc-3"], None)
    assert listed(state="resolved") == (["inc-1"], None)
    assert listed(to=to_wire(light.now)) == ([], None)


def test_the_draft_of_a_post_mortem_is_markdown_that_nothing_foreign_can_break(light: Bench) -> None:
    evil = "5 | 6 <script>alert(1)</script> [x](javascript:1) `rm`\n# heading"
    note = {"version": "4f2a1", "note": evil, "at": to_wire(light.now - timedelta(minutes=2))}
    light.client.post("/api/deploys", json=note)
    light.send(*(light.slot_run(place, **{**FAILED, "error": evil}) for place in PLACES))
    light.tick()
    answer = light.client.get("/incidents/inc-1.md")
    assert answer.headers["Content-Type"].startswith("text/markdown")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="inc-1.md"'
    lines = answer.text.splitlines()
    assert lines[0].startswith("# INC-1: Nobody can")
    assert "<script>" not in answer.text
    assert "](javascript" not in answer.text.replace("\\]", "")
    assert [line for line in lines if line.startswith("# ")] == [lines[0]]
    table = lines[lines.index("| Time | What | Detail |") :]
    rows = [line for line in table[: table.index("")] if line.startswith("|")]
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)


def test_foreign_text_on_the_pages_is_harmless(light: Bench) -> None:
    evil = "<img src=x onerror=alert(1)>‮"
    light.client.post("/api/deploys", json={"version": evil, "at": to_wire(light.now - timedelta(minutes=2))})
    light.send(*(light.slot_run(place, **{**FAILED, "error": evil}) for place in PLACES))
    light.tick()
    for path in ("/incidents", "/incidents/inc-1"):
        page = shown(light, path)
        assert "<img" not in page
        assert "‮" not in page


# Acting


ESCALATION = Escalation(
    tiers=(
        Tier(after=timedelta(), recipients={Severity.CRITICAL: ("hook",)}),
        Tier(after=timedelta(minutes=5), recipients={Severity.CRITICAL: ("hook",)}),
        Tier(after=timedelta(minutes=15), recipients={Severity.CRITICAL: ("hook",)}),
    )
)


def escalating(bench: Bench) -> None:
    directory = Directory(destinations=frozenset({"hook"}))
    bench.cycle.policy = replace(bench.context.policy, escalation=ESCALATION, directory=directory)
    # The endpoints share one context, which is frozen.
    object.__setattr__(bench.context, "policy", bench.cycle.policy)


def tiers(store: Store) -> list[tuple[int, LadderStatus]]:
    with store.read() as connection:
        return [(row.tier, row.status) for row in ladder.of_incidents(connection, ["inc-1"])]


def test_escalate_now_calls_the_next_tier_at_once_and_says_who_asked(light: Bench) -> None:
    escalating(light)
    outage(light)
    light.tick()
    assert tiers(light.store)[1] == (2, LadderStatus.PENDING)
    asked = light.client.post("/api/incidents/inc-1/escalate", json={}, headers={"X-Sixfb-Person": "ann"})
    assert (asked.status_code, asked.json()["tier"], asked.json()["asked_by"]) == (200, 2, "ann")
    assert tiers(light.store)[1] == (2, LadderStatus.DONE)
    assert "called by ann" in shown(light)


@pytest.mark.parametrize("what", ["nothing", "silenced", "resolved"])
def test_escalate_now_is_refused_with_a_sentence_where_nobody_would_be_called(light: Bench, what: str) -> None:
    escalating(light)
    if what != "nothing":
        outage(light)
        light.tick()
    says = {"nothing": (404, "no incident"), "silenced": (409, "silences it")}
    if what == "silenced":
        light.client.post("/api/silences", json={"match": {"rule": "*"}, "for": "2h", "reason": "test"})
    if what == "resolved":
        recovery(light)
    answer = light.client.post("/api/incidents/inc-1/escalate", json={})
    status, said = says.get(what, (409, "was resolved at"))
    assert (answer.status_code, said in answer.text) == (status, True), answer.text


def test_the_buttons_of_the_page_act_and_lead_back_to_it(light: Bench) -> None:
    escalating(light)
    name = light.log_in(Role.OPERATOR)
    outage(light)
    light.tick()
    page = shown(light)
    form = {"csrf": csrf_of(page)}
    answer = light.client.post("/api/incidents/inc-1/escalate", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/inc-1")
    ack = "/api/alerts/A1s.ga_purchase.1/ack"
    answer = light.client.post(ack, data={**form, "for": "2h", "to": "/incidents/inc-1"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents/inc-1")
    assert f"Acknowledged by {name}" in shown(light)
    for away in ("//evil.example", "https://evil.example/alerts", "/runs/x", "/alerts/../../x"):
        answer = light.client.post(ack, data={**form, "to": away})
        assert answer.headers["Location"] == "/alerts"
    light.client.cookies.clear()
    light.log_in(Role.VIEWER)
    assert "Escalate now" not in shown(light)
    assert light.client.post("/api/incidents/inc-1/escalate", json={}).status_code == 403


def test_an_acknowledgement_for_a_time_holds_that_long_and_ends_then(light: Bench) -> None:
    escalating(light)
    outage(light)
    alert = light.client.post("/api/alerts/A1s.ga_purchase.1/ack", json={"for": "2h"}).json()
    assert alert["acked_until"] == to_wire(light.now + timedelta(hours=2))

    def acked_after(minutes: int) -> bool:
        # An interruption of the watch only counts anew what is pending; the next tick is as usual.
        light.now += timedelta(minutes=minutes)
        light.tick()
        light.send(*(light.slot_run(place, **FAILED) for place in PLACES))
        light.tick()
        return light.client.get("/api/alerts/A1s.ga_purchase.1").json()["acked_by"] is not None

    # Without a time it would end after 30 minutes.
    assert [acked_after(1), acked_after(60), acked_after(55), acked_after(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("length", "read"),
    [("2h", timedelta(hours=2)), (" 1m ", timedelta(minutes=1)), ("7d", timedelta(days=7)), ("", None), (None, None)],
)
def test_an_acknowledgement_holds_for_the_length_that_is_said(length: Any, read: timedelta | None) -> None:
    assert read_length(length) == read


@pytest.mark.parametrize("length", ["soon", "10s", "8d", "9" * 400 + "d", 5, ["2h"], "-1h", "2"])
def test_what_is_no_length_is_refused_with_what_to_write(length: Any) -> None:
    with pytest.raises(ValueError, match="for"):
        read_length(length)


def test_an_acknowledgement_for_no_length_changes_nothing(light: Bench) -> None:
    outage(light)
    for body, status in (('{"for": "soon"}', 422), ("[]", 422), ("{", 400), (" " * 5000, 413)):
        answer = light.client.post(
            "/api/alerts/A1s.ga_purchase.1/ack", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == status, answer.text
    assert light.client.get("/api/alerts/A1s.ga_purchase.1").json()["acked_by"] is None


def test_unacknowledging_begins_the_escalation_again(light: Bench) -> None:
    escalating(light)
    outage(light)
    light.client.post("/api/alerts/A1s.ga_purchase.1/ack", json={})
    assert light.client.post("/api/alerts/A1s.ga_purchase.1/unack", json={}).json()["acked_by"] is None
    assert LadderStatus.PENDING in {status for _, status in tiers(light.store)}
    page = shown(light)
    assert "Acknowledgement of" in page


def test_incidents_are_read_the_same_on_both_databases(store: Store, tmp_path: Any) -> None:
    with a_bench(store, tmp_path) as bench:
        outage(bench)
        listed = bench.client.get("/api/incidents?severity=critical&state=open").json()["incidents"]
        assert [one["id"] for one in listed] == ["inc-1"]
        assert bench.client.get("/incidents/inc-1").status_code == 200
