"""Deploys at the hub: each id is stored once, malformed reports are refused, and pages show deploys beside later failures."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from facts import Blame, Deploy, HubClock, Run, Status, TokenKind, to_wire
from hub.access import Access
from store import Store, deploys, retention
from tests.builders import A_MOMENT
from tests.dashboards import NOW, a_shop, fill
from tests.hub.conftest import Bench, a_bench

FAILED: dict[str, Any] = {
    "status": Status.FAILED,
    "blame": Blame.SITE,
    "failed_step": "proceed_to_stripe",
    "error": "proceed_to_stripe: 500",
}
BUILD = {"version": "1.4.2", "id": "build-811", "by": "ci", "note": "new checkout", "url": "https://ci.test/811"}


def report(bench: Bench, **asked: Any) -> tuple[int, dict[str, Any]]:
    answer = bench.client.post("/api/deploys", json=asked)
    return answer.status_code, answer.json()


def shown(bench: Bench, **period: str) -> list[str]:
    answer = bench.client.get("/api/deploys", params=period)
    assert answer.status_code == 200, answer.text
    return [one["version"] for one in answer.json()["deploys"]]


def test_a_deploy_counts_once_however_often_it_is_reported(bench: Bench) -> None:
    first = report(bench, **BUILD)
    bench.now += timedelta(minutes=1)
    again = report(bench, **{**BUILD, "version": "9"})
    assert (first[0], again) == (201, (200, first[1]))
    assert first[1]["at"] == first[1]["received_at"] == to_wire(A_MOMENT)
    assert shown(bench) == ["1.4.2"]


def test_the_deploys_of_a_period_come_newest_first(bench: Bench) -> None:
    for minutes, version in ((30, "1"), (10, "3"), (20, "2")):
        assert report(bench, version=version, at=to_wire(A_MOMENT - timedelta(minutes=minutes)))[0] == 201
    assert shown(bench) == ["3", "2", "1"]
    since, until = (to_wire(A_MOMENT - timedelta(minutes=m)) for m in (20, 10))
    assert shown(bench, **{"from": since, "to": until}) == ["2"]
    assert bench.client.get("/api/deploys", params={"from": until, "to": since}).status_code == 422


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "version: say what went live"),
        ({"version": ""}, "version: is empty"),
        ({"version": 7}, "version: is a text"),
        ({"version": "v" * 101}, "version: has 101 characters; at most 100"),
        ({"version": "1", "versoin": "2"}, "'versoin' is no key of a deploy; there are version"),
        ({"version": "1", "at": "yesterday"}, "at: "),
        ({"version": "1", "at": "2026-01-17T12:00:00"}, "at: "),
        ({"version": "1", "at": 1_700_000_000}, "at: "),
        ({"version": "1", "at": to_wire(A_MOMENT + timedelta(hours=1))}, "lies in the future"),
        ({"version": "1", "at": to_wire(A_MOMENT - timedelta(days=500))}, "older than the 13 months"),
        ({"version": "1", "url": "javascript:alert(1)"}, "url: is the address of a page"),
        ({"version": "1", "url": "https://"}, "url: is the address of a page"),
        ({"version": "1", "url": "http://[::1"}, "url: is the address of a page"),
        ({"version": "1", "note": "n" * 501}, "note: has 501 characters"),
    ],
)
def test_what_is_no_deploy_is_refused_with_what_to_do(light: Bench, asked: dict[str, Any], told: str) -> None:
    status, answer = report(light, **asked)
    assert (status, shown(light)) == (422, [])
    assert told in answer["error"]


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[]", 422), (b"\xff", 400), (b" " * 40_000, 413)])
def test_a_body_that_is_no_object_is_refused(light: Bench, body: bytes, status: int) -> None:
    assert light.client.post("/api/deploys", content=body).status_code == status


def test_what_a_terminal_would_obey_is_written_out(light: Bench) -> None:
    assert report(light, version="1\x1b[2J", note="a\n\u202eb\0")[1]["version"] == "1\\x1b[2J"
    assert light.client.get("/api/deploys").json()["deploys"][0]["note"] == "a \\u202eb\\x00"


def test_a_source_token_reports_and_a_locations_does_not(sqlite_store: Store, tmp_path: Any) -> None:
    with a_bench(sqlite_store, tmp_path, access=Access(require_tokens=True)) as bench:
        assert bench.client.post("/api/deploys", json=BUILD).status_code == 401
        mine, other = bench.token(TokenKind.SOURCE, "pipeline"), bench.token()
        assert bench.client.post("/api/deploys", json=BUILD, headers=other).status_code == 403
        answer = bench.client.post("/api/deploys", json=BUILD, headers=mine)
        assert (answer.status_code, answer.json()["source"]) == (201, "pipeline")


def failed(bench: Bench, **facts: Any) -> Run:
    return bench.slot_run(status=Status.FAILED, failed_step="choose_city", error="no city", **facts)


def test_the_page_of_a_failed_run_names_the_deploys_since_the_last_good_one(light: Bench) -> None:
    good = light.slot_run(minutes_ago=11)
    report(light, version="1.4.1", at=to_wire(good.started_at - timedelta(minutes=1)))
    bad = failed(light)
    report(light, **BUILD, at=to_wire(bad.started_at - timedelta(minutes=4)))
    light.send(good, bad)
    page = light.client.get(f"/runs/{bad.id}").text
    assert "1.4.2 was deployed by ci 4 min before this run: new checkout" in page
    assert 'href="https://ci.test/811"' in page
    assert "1.4.1" not in page
    assert "was deployed" not in light.client.get(f"/runs/{good.id}").text


def test_without_a_good_run_the_deploys_of_the_day_before_are_named(light: Bench) -> None:
    bad = failed(light)
    for hours in (1, 2, 3, 4, 25):
        report(light, version=f"1.{hours}", at=to_wire(bad.started_at - timedelta(hours=hours)))
    report(light, version="1.0", at=to_wire(bad.started_at + timedelta(seconds=1)))
    light.send(bad)
    page = light.client.get(f"/runs/{bad.id}").text
    assert page.index("1.0 was deployed during this run") < page.index("1.1 was deployed 60 min before this run")
    assert "1.2 was deployed 2 h before this run (2 more before it)" in page
    assert "1.25" not in page


def test_charts_over_time_have_a_mark_for_each_deploy(light: Bench) -> None:
    light.now = NOW
    fill(light.store, a_shop(days=1), now=NOW)
    for version, ago in (("1.4.2", timedelta(minutes=30)), ("0.9", timedelta(days=3)), ("<b>", timedelta(minutes=20))):
        report(light, version=version, at=to_wire(NOW - ago))
    page = light.client.get("/operations", params={"range": "24h"}).text
    assert "deploy 1.4.2" in page
    assert "deploy &lt;b&gt;" in page
    assert "deploy 0.9" not in page


def test_a_deploy_is_kept_for_13_months(store: Store) -> None:
    young = Deploy(id="a", at=A_MOMENT, version="2", received_at=A_MOMENT)
    old = replace(young, id="b", at=A_MOMENT - timedelta(days=500))
    with store.write() as connection:
        assert [deploys.add(connection, one)[1] for one in (young, old, young)] == [True, True, False]
    retention.sweep(store, now=A_MOMENT)
    with store.read() as connection:
        kept = deploys.of_period(connection, since=A_MOMENT - timedelta(days=999), until=A_MOMENT + timedelta(days=1))
        assert kept == [young]


def test_a_message_of_an_incident_names_the_deploy_shortly_before_its_first_bad_run(light: Bench) -> None:
    # The first bad run was started 85 seconds ago.
    report(light, version="4f2a1", environment="production", at=to_wire(light.now - timedelta(seconds=205)))
    report(light, version="older", at=to_wire(light.now - timedelta(minutes=25)))
    light.send(*(light.slot_run(place, **FAILED) for place in ("us-east", "us-west")))
    light.tick()
    light.client.post("/api/alerts/A1s.ga_purchase.1/ack", json={})
    found = light.client.get("/api/alerts/A1s.ga_purchase.1").json()["notifications"]
    assert {one["kind"]: one["message"]["deploy"] for one in found if one["message"]} == dict.fromkeys(
        ("firing", "acknowledged"), "2 minutes after deploy 4f2a1 to production"
    )


@pytest.mark.parametrize(
    ("clock", "later", "now"),
    [
        (HubClock(readings=3, behind_s=7200.0, by=("eu-west", "us-east"), is_wrong=True), 503, 503),
        (HubClock(readings=1, behind_s=7200.0, by=("us-east",)), 503, 201),
        (HubClock(readings=3), 422, 201),
    ],
)
def test_a_hub_whose_clock_is_wrong_refuses_no_deploy_for_good(
    light: Bench, monkeypatch: pytest.MonkeyPatch, clock: HubClock, later: int, now: int
) -> None:
    monkeypatch.setattr(light.context.ingest.witness, "judged", lambda: clock)
    in_two_hours = to_wire(light.now + timedelta(hours=2))
    answer = light.client.post("/api/deploys", json={"version": "1", "at": in_two_hours})
    assert (answer.status_code, "Retry-After" in answer.headers) == (later, later == 503)
    assert report(light, version="2")[0] == now
